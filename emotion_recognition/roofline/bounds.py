"""The roofline: what a board could do at most with a part.

Williams, Waterman & Patterson, "Roofline: An Insightful Visual Performance Model for Multicore Architectures", 2009,
https://doi.org/10.1145/1498765.1498785.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from emotion_recognition.models.formulas import FORMULAS, SYMBOLS
from emotion_recognition.roofline.boards import Board
from emotion_recognition.roofline.work import COUNTED, MOVED, Count, Work


@dataclass(frozen=True)
class Bound:
    """What a board could do at most with a part.

    Attributes:
        attainable_gflops: the smaller of peak and intensity times bandwidth, 1e9 operations a second.
        limit: ``compute`` or ``memory``; at the ridge itself, ``compute``.
        least_ms: time of one run at that speed, milliseconds. It is of these operations and bytes: an algorithm that
            needs fewer operations, or a cache that holds whole layers, can take less.
    """

    attainable_gflops: float
    limit: str
    least_ms: float


def bound(board: Board, work: Work, count: Count = Count.flop) -> Bound:
    """Return what a board could do at most with a part."""
    by_memory = work.intensity(count) * board.gbs
    attainable = min(board.gflops, by_memory)
    limit = "memory" if by_memory < board.gflops else "compute"
    return Bound(attainable, limit, work.operations(count) / attainable / 1e6)


def to_json(boards: Sequence[Board], works: Sequence[Work], count: Count = Count.flop) -> dict[str, Any]:
    """Return parts, boards and bounds as a dictionary that JSON can hold."""
    return {
        "count": count.value,
        "counted": COUNTED[count],
        "moved": MOVED,
        "formulas": [asdict(formula) for formula in FORMULAS],
        "symbols": SYMBOLS,
        "works": [work.to_json() for work in works],
        "boards": [{**asdict(board), "ridge": board.ridge} for board in boards],
        "bounds": [
            {"board": board.name, "pair": work.pair, "part": work.part, **asdict(bound(board, work, count))}
            for board in boards
            for work in works
        ],
    }
