"""Boards as two numbers each: the most operations and the most bytes a second.

Boards of the paper's Table IX and Fig. 10: Lu, Lu & Lin, "Lightweight Multimodal Emotion Recognition for Companion
Robots". They are the paper's figures, of all cores of a board; nothing was measured on these boards by this project.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PAPER = "the paper's Table IX"
GIVEN = "given"
MEASURED = "measured here, one thread"


@dataclass(frozen=True)
class Board:
    """A processor with its memory.

    Attributes:
        name: as it is shown.
        gflops: most float32 operations, 1e9 a second; a multiply-accumulate is two.
        gbs: most bytes between processor and memory, 1e9 a second.
        source: where both are from.

    Raises:
        ValueError: an empty name, or a number that is not finite and above 0.
    """

    name: str
    gflops: float
    gbs: float
    source: str = GIVEN

    def __post_init__(self):
        if not self.name or self.name != self.name.strip():
            raise ValueError(f"board {self.name!r}: expected a name without spaces around it")
        for value, unit in ((self.gflops, "GFLOP/s"), (self.gbs, "GB/s")):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"board {self.name!r}: {value} {unit}, expected a finite number above 0")

    @property
    def ridge(self) -> float:
        """Operations a byte from which on the processor is the limit, no more the memory."""
        return self.gflops / self.gbs


PAPER_BOARDS = (
    Board("RPi 4B", 30.0, 12.8, PAPER),
    Board("RPi 5", 120.0, 17.1, PAPER),
    Board("Zenbo", 25.76, 25.6, PAPER),
)


def parse_board(text: str) -> Board:
    """Return the board that ``NAME=GFLOPS,GBS`` names, for example ``Jetson=470,25.6``.

    Raises:
        ValueError: not of that form, or numbers that no board has.
    """
    name, equals, numbers = text.rpartition("=")
    parts = numbers.split(",")
    if not equals or len(parts) != 2:
        raise ValueError(f"board {text!r}: expected NAME=GFLOPS,GBS, for example 'Jetson=470,25.6'")
    try:
        gflops, gbs = map(float, parts)
    except ValueError:
        raise ValueError(f"board {text!r}: {numbers!r} is not two numbers; expected NAME=GFLOPS,GBS") from None
    return Board(name, gflops, gbs)
