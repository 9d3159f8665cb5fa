"""How far two runs over one bag say the same."""

from bisect import bisect_right
from collections.abc import Sequence

from emotion_recognition.bags.coverage import HOLD_S
from emotion_recognition.bags.results import STREAMS, BagResult, Decision

_SAME_S = 1e-4


def agreement(one: BagResult, two: BagResult) -> float | None:
    """Return the share of both runs' decisions about a person whose class the other run gives that person, too.

    What counts is the other's decision of the same stream and stamp, else its newest before, no older than HOLD_S: the
    nodes hear both streams in parallel, so that of a face and a voice of nearly one time now the one comes first, now
    the other, and only the later of them brings a fused decision. None without decisions.
    """
    shares = [_agrees(decision, by) for a, b in ((one, two), (two, one)) for decision, by in _pairs(a, b)]
    return sum(shares) / len(shares) if shares else None


def _pairs(one: BagResult, two: BagResult):
    others: dict[tuple[str, str], list[Decision]] = {}
    for decision in two.decisions:
        if decision.person:
            others.setdefault((decision.stream, decision.person), []).append(decision)
    for decision in one.decisions:
        if decision.person and decision.stream in STREAMS:
            yield decision, others.get((decision.stream, decision.person), [])


def _agrees(decision: Decision, others: Sequence[Decision]) -> bool:
    place = bisect_right(others, decision.time_s + _SAME_S, key=lambda other: other.time_s)
    if not place or decision.time_s - others[place - 1].time_s > HOLD_S:
        return False
    return others[place - 1].class_id == decision.class_id
