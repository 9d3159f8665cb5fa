"""For how long decisions stand, and the share of a bag's time with a face, a voice, a decision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from emotion_recognition import emotions
from emotion_recognition.bags.results import COVERAGE, Decision

# Longer than the time from one decision of a stream to the next; fusion says NEITHER once a second.
HOLD_S = 1.0
_STATUSES = {"face": ("FACE_ONLY", "BOTH"), "voice": ("SPEECH_ONLY", "BOTH")}

Span = tuple[float, float]


def standing(decisions: Sequence[Decision], duration_s: float = float("inf")) -> list[Span]:
    """Return for each of one stream's decisions, in order of time, from when to when it stands, in seconds.

    It stands from its stamp to the next later one, at most HOLD_S, and no longer than the bag. Those of one stamp stand
    for the same time.
    """
    times = sorted({one.time_s for one in decisions})
    until = dict(pairwise(times))
    return [
        (one.time_s, max(one.time_s, min(until.get(one.time_s, duration_s), one.time_s + HOLD_S, duration_s)))
        for one in decisions
    ]


def covered(decisions: Iterable[Decision], kind: str, duration_s: float = float("inf")) -> list[Span]:
    """Return the stretches of time with a face, a voice or a decision, in order, apart from each other.

    Args:
        decisions: of one bag, all streams.
        kind: one of COVERAGE. With a face or a voice is where a decision of any stream was computed from one; with a
            decision where the fused stream names a class, or any stream where nothing was fused.
        duration_s: of the bag.
    """
    streams: dict[str, list[Decision]] = {}
    for one in decisions:
        streams.setdefault(one.stream, []).append(one)
    if kind == "decision" and "fused" in streams:
        streams = {"fused": streams["fused"]}
    found = []
    for stream in streams.values():
        stream.sort(key=lambda one: one.time_s)
        found += [span for one, span in zip(stream, standing(stream, duration_s), strict=True) if _is_of(one, kind)]
    return union(found)


def union(spans: Iterable[Span]) -> list[Span]:
    """Return the spans with those that touch or overlap as one, in order."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        elif end > start:
            out.append((start, end))
    return out


def coverage(decisions: Sequence[Decision], duration_s: float) -> dict[str, float]:
    """Return the shares of a bag's time, 0 to 1, by COVERAGE; 0 for a bag without duration."""
    return {
        kind: sum(end - start for start, end in covered(decisions, kind, duration_s)) / duration_s
        if duration_s > 0
        else 0.0
        for kind in COVERAGE
    }


def _is_of(one: Decision, kind: str) -> bool:
    return one.class_id != emotions.UNKNOWN if kind == "decision" else one.status in _STATUSES[kind]
