"""What a bag's timeline shows, lane by lane: truth, each stream, its status and its confidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from emotion_recognition import emotions
from emotion_recognition.bags.coverage import HOLD_S, standing
from emotion_recognition.bags.moments import main_stream
from emotion_recognition.bags.results import BagResult, Decision
from emotion_recognition.demo.records import reason_names

STREAMS = ("face", "speech", "fused")
STATUS_TEXT = {"NEITHER": "none", "FACE_ONLY": "face", "SPEECH_ONLY": "voice", "BOTH": "both"}
ANYONE = "anyone"
# People of a stream at one time that have lanes of their own.
MOST_LANES = 4
_TOUCH_S = 1e-6

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Segment:
    """A stretch of a lane in which it says one thing.

    Attributes:
        start_s, end_s: seconds from the bag's first message.
        person: whom it is about; empty for nobody, or for anyone in the truth's lanes.
        kind: class id from 0 in lanes of emotions, name of the status in those of status.
        text: what to write on it.
        detail: further words about it.
        is_wrong: it names a class other than the truth.
        decisions: how many it is made of, 0 in the truth's lanes.
        confidence: their mean, None where there is none.
    """

    start_s: float
    end_s: float
    person: str
    kind: int | str
    text: str
    detail: str = ""
    is_wrong: bool = False
    decisions: int = 0
    confidence: float | None = None


@dataclass(frozen=True)
class Lane:
    """Segments in order of time that do not overlap.

    Attributes:
        name: ``truth``, one of STREAMS, or ``status``.
        left_out: in the last lane of a name, how many people at one time with too many of them are not shown.
    """

    name: str
    segments: tuple[Segment, ...]
    left_out: int = 0


def lanes(result: BagResult) -> tuple[Lane, ...]:
    """Return a bag's lanes: truth, face, speech, fused, status, each for as many people as there are at one time.

    The status is that of the first of ``results.STREAMS`` the bag has decisions of.
    """
    truth = [
        Segment(one.start_s, one.end_s, one.person, one.class_id, emotions.label_of(one.class_id), one.person or ANYONE)
        for one in result.labels
    ]
    out = _packed("truth", truth)
    for stream in STREAMS:
        said = [one for one in result.decisions if one.stream == stream]
        out += _packed(stream, [one for one in _segments(said, result.duration_s, _of_class) if one.person])
    main = main_stream(result.decisions)
    said = [one for one in result.decisions if one.stream == main]
    out += _packed("status", _segments(said, result.duration_s, _of_status))
    return tuple(out)


def curves(result: BagResult) -> tuple[Curve, ...]:
    """Return confidence over time, (seconds, 0 to 1), of each person of the main stream, cut where nothing stands."""
    main = main_stream(result.decisions)
    out: list[list[tuple[float, float]]] = []
    for decisions in _by_person(one for one in result.decisions if one.stream == main and one.person):
        last = None
        for one in decisions:
            if last is None or one.time_s - last > HOLD_S:
                out.append([])
            out[-1].append((one.time_s, one.confidence))
            last = one.time_s
    return tuple(tuple(curve) for curve in out)


def between(segments: Iterable[Segment], start_s: float, end_s: float) -> list[Segment]:
    """Return what lies in a stretch of time, cut at its ends."""
    return [
        replace(one, start_s=max(one.start_s, start_s), end_s=min(one.end_s, end_s))
        for one in segments
        if one.end_s > start_s and one.start_s < end_s
    ]


def _of_class(one: Decision) -> Segment:
    wrong = one.is_judged and one.class_id != one.truth
    words = [] if not wrong else [f"truth {emotions.label_of(one.truth)}"]
    return Segment(
        0.0, 0.0, one.person, one.class_id, emotions.label_of(one.class_id),
        ", ".join([*words, *reason_names(one.reasons)]), wrong, 1, one.confidence,
    )  # fmt: skip


def _of_status(one: Decision) -> Segment:
    return Segment(
        0.0, 0.0, one.person, one.status, STATUS_TEXT.get(one.status, one.status), ", ".join(reason_names(one.reasons)),
        decisions=1,
    )  # fmt: skip


def _by_person(decisions: Iterable[Decision]) -> list[list[Decision]]:
    people: dict[str, list[Decision]] = {}
    for one in sorted(decisions, key=lambda one: one.time_s):
        people.setdefault(one.person, []).append(one)
    return list(people.values())


def _segments(decisions: Sequence[Decision], duration_s: float, make: Callable[[Decision], Segment]) -> list[Segment]:
    """Return the segments of all people of a stream; neighbours of one person that say the same are one.

    That there is nobody holds until there is somebody, and the other way round.
    """
    out: list[Segment] = []
    somebody = {one.time_s for one in decisions if one.person}
    nobody = [one for one in decisions if not one.person and one.time_s not in somebody]
    for person in _by_person([*(one for one in decisions if one.person), *nobody]):
        last: Segment | None = None
        others = [*person, *nobody] if person[0].person else decisions
        stands = dict(zip((one.time_s for one in others), standing(others, duration_s), strict=True))
        for one in person:
            start, end = stands[one.time_s]
            new = replace(make(one), start_s=start, end_s=end)
            if last is not None and _is_same(last, new):
                count = last.decisions + 1
                mean = last.confidence
                if mean is not None:
                    mean += (new.confidence - mean) / count
                out[-1] = last = replace(last, end_s=end, decisions=count, confidence=mean)
            elif end > start:
                out.append(new)
                last = new
    return out


def _is_same(last: Segment, new: Segment) -> bool:
    return new.start_s - last.end_s <= _TOUCH_S and (last.kind, last.detail, last.is_wrong) == (
        new.kind, new.detail, new.is_wrong,
    )  # fmt: skip


def _packed(name: str, segments: Sequence[Segment]) -> list[Lane]:
    """Return segments in as few lanes as people overlap, a person in one lane as far as that goes."""
    rows: list[list[Segment]] = []
    missing = 0
    for one in sorted(segments, key=lambda one: (one.start_s, one.person)):
        free = [row for row in rows if row[-1].end_s <= one.start_s + _TOUCH_S]
        same = [row for row in free if row[-1].person == one.person]
        if free:
            (same or free)[0].append(one)
        elif len(rows) < MOST_LANES:
            rows.append([one])
        else:
            missing += 1
    found = [Lane(name, tuple(row)) for row in rows]
    if missing:
        found[-1] = replace(found[-1], left_out=missing)
    return found
