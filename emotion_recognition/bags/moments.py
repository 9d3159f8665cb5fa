"""Where decisions were wrong and sure of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emotion_recognition.bags.results import STREAMS, BagResult, Decision

# Wrong decisions of a person for one class that lie no further apart are one moment.
APART_S = 1.5
LIMIT = 12


@dataclass(frozen=True)
class Moment:
    """A stretch of wrong decisions of one person for one class.

    Attributes:
        bag: index of its result.
        decision: index of the surest of them in the result's ``decisions``.
        decisions: indices of all of them, in order of time.
        confidence: of the surest.
    """

    bag: int
    decision: int
    decisions: tuple[int, ...]
    confidence: float


def worst_moments(results: Sequence[BagResult], limit: int = LIMIT) -> tuple[Moment, ...]:
    """Return the moments with the surest wrong decisions, surest first, then by bag and time.

    Of each bag the first stream of STREAMS that it has is looked at.
    """
    found = [moment for place, result in enumerate(results) for moment in _moments(place, result)]
    found.sort(key=lambda one: (-one.confidence, one.bag, one.decision))
    return tuple(found[:limit])


def main_stream(decisions: Sequence[Decision]) -> str:
    """Return the first of STREAMS that there are decisions of, ``fused`` without any."""
    there = {one.stream for one in decisions}
    return next((stream for stream in STREAMS if stream in there), STREAMS[0])


def _moments(place: int, result: BagResult) -> list[Moment]:
    stream = main_stream(result.decisions)
    groups: list[list[int]] = []
    last: dict[tuple[str, int, int | None], list[int]] = {}
    wrong = [
        index
        for index, one in enumerate(result.decisions)
        if one.stream == stream and one.is_judged and one.class_id != one.truth
    ]
    for index in sorted(wrong, key=lambda index: result.decisions[index].time_s):
        one = result.decisions[index]
        group = last.get((one.person, one.class_id, one.truth))
        if group is None or one.time_s - result.decisions[group[-1]].time_s > APART_S:
            group = last[one.person, one.class_id, one.truth] = []
            groups.append(group)
        group.append(index)
    out = []
    for group in groups:
        surest = max(group, key=lambda index: result.decisions[index].confidence)
        out.append(Moment(place, surest, tuple(group), result.decisions[surest].confidence))
    return out
