"""How sure a score is: intervals by resampling the people it was measured on.

Clips of one actor are alike, so resampling clips gives intervals that are too narrow: whole actors are drawn, with
replacement (the cluster bootstrap; Field & Welsh 2007, "Bootstrapping clustered data", J. R. Stat. Soc. B 69(3),
https://doi.org/10.1111/j.1467-9868.2007.00593.x). Where a corpus has no actors, its examples are drawn, and
:attr:`Interval.resampled` says so.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Interval:
    """Percentile intervals of pooled accuracy and UAR.

    Attributes:
        accuracy, uar: lower and upper limit, 0 to 1.
        level: share of the resamples inside.
        resampled: ``actors`` or ``examples``.
        units: how many there are of them.
        resamples: how many were drawn.
    """

    accuracy: tuple[float, float]
    uar: tuple[float, float]
    level: float
    resampled: str
    units: int
    resamples: int

    def to_json(self) -> dict[str, Any]:
        """Return the intervals as a dictionary that JSON can hold."""
        return asdict(self)


def interval(
    truth: np.ndarray,
    predicted: np.ndarray,
    actors: np.ndarray,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return the intervals of the accuracy and the UAR of predicted class ids (N,) against the true ones (N,).

    Args:
        truth, predicted: class ids.
        actors: who is in each clip; all 0 where the corpus has none.
        level: share of the resamples inside, between 0 and 1.
        resamples: how many, from 1000.
        seed: of the draws.

    Raises:
        ValueError: lengths differ, no clips, or an argument is out of its range.
    """
    truth, predicted, actors = np.asarray(truth), np.asarray(predicted), np.asarray(actors)
    if truth.ndim != 1 or not truth.size or truth.shape != predicted.shape or truth.shape != actors.shape:
        raise ValueError(f"shapes {truth.shape}, {predicted.shape}, {actors.shape}: expected three of (N,), N from 1")
    if not 0 < level < 1 or resamples < 1000:
        raise ValueError(f"level {level}, resamples {resamples}: expected between 0 and 1, and from 1000")
    table, codes = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    cells = codes[: truth.size] * len(table) + codes[truth.size :]
    rng = np.random.default_rng(seed)
    if actors.any():
        people, owner = np.unique(actors, return_inverse=True)
        counts = np.zeros((len(people), len(table) ** 2), np.int64)
        np.add.at(counts, (owner, cells), 1)
        drawn = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), size=resamples) @ counts
        resampled, units = "actors", len(people)
    else:
        # Drawing examples is drawing cells of the confusion matrix.
        shares = np.bincount(cells, minlength=len(table) ** 2) / truth.size
        drawn = rng.multinomial(truth.size, shares, size=resamples)
        resampled, units = "examples", int(truth.size)
    confusions = drawn.reshape(resamples, len(table), len(table))
    right, support = np.einsum("rcc->rc", confusions), confusions.sum(axis=2)
    accuracy = right.sum(axis=1) / support.sum(axis=1)
    uar = np.divide(right, support, where=support > 0, out=np.zeros(right.shape)).sum(axis=1) / (support > 0).sum(
        axis=1
    )
    limits = ((1 - level) / 2, (1 + level) / 2)
    return Interval(
        tuple(map(float, np.quantile(accuracy, limits))),
        tuple(map(float, np.quantile(uar, limits))),
        level, resampled, units, resamples,
    )  # fmt: skip
