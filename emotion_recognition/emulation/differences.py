"""How far the numbers of two machines lie apart, stage by stage."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

LIMIT = 1e-4
SEPARATOR = "/"


@dataclass(frozen=True)
class Difference:
    """How far one array lies from another.

    Attributes:
        stage: the part of the path that gave it.
        name: the array's own name.
        size: number of values.
        largest: largest magnitude of the expected values.
        absolute: largest difference; infinite where shapes differ or a value is not finite.
    """

    stage: str
    name: str
    size: int
    largest: float
    absolute: float

    @property
    def relative(self) -> float:
        """The difference as a share of the largest value, where that is above 1."""
        return self.absolute / max(1.0, self.largest)


def compare(expected: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray]) -> list[Difference]:
    """Return the difference of every array, in the order expected.

    Args:
        expected: arrays of numbers by ``stage/name``.
        found: those of the other machine.

    Raises:
        ValueError: the names differ, or there is nothing to compare.
    """
    if not expected or set(expected) != set(found):
        apart = sorted(set(expected) ^ set(found))
        raise ValueError(
            f"arrays {', '.join(apart) or 'none'} are in one of both only; expected the same, at least one"
        )
    return [_difference(key, expected[key], found[key]) for key in expected]


def _difference(key: str, expected: np.ndarray, found: np.ndarray) -> Difference:
    stage, _, name = key.partition(SEPARATOR)
    wanted, got = np.asarray(expected, np.float64), np.asarray(found, np.float64)
    comparable = wanted.shape == got.shape and np.isfinite(wanted).all() and np.isfinite(got).all()
    absolute = float(np.abs(wanted - got).max(initial=0.0)) if comparable else math.inf
    largest = float(np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0))
    return Difference(stage, name, wanted.size, largest, absolute)


def worst(differences: Iterable[Difference]) -> dict[str, Difference]:
    """Return the array of each stage that lies furthest apart for its size, stages in order."""
    found: dict[str, Difference] = {}
    for one in differences:
        if one.stage not in found or one.relative > found[one.stage].relative:
            found[one.stage] = one
    return found


def table(differences: Iterable[Difference], limit: float = LIMIT) -> str:
    """Return a table in Markdown: of each stage the array furthest apart, and whether it is within the limit."""
    lines = [
        "| stage | furthest apart | largest value | maximum difference | of the largest, if above 1 | |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for stage, one in worst(differences).items():
        verdict = "ok" if one.relative <= limit else "too far"
        lines.append(
            f"| {stage} | {one.name} | {one.largest:.4g} | {one.absolute:.2e} | {one.relative:.2e} | {verdict} |"
        )
    return "\n".join(lines)
