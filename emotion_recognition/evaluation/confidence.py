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
    """Percentile intervals of accuracy and UAR, pooled or as means over folds.

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
    folds: np.ndarray | None = None,
) -> Interval:
    """Return the intervals of the accuracy and the UAR of predicted class ids (N,) against the true ones (N,).

    Args:
        truth, predicted: class ids.
        actors: who is in each clip; all 0 where the corpus has none.
        folds: (N,) fold of each clip: the intervals are then those of the means over the folds; None pools all clips.
            A fold of which a resample has no clips is left out of that resample's mean.
        level: share of the resamples inside, between 0 and 1.
        resamples: how many, from 1000.
        seed: of the draws.

    Raises:
        ValueError: lengths differ, no clips, or an argument is out of its range.
    """
    truth, predicted, actors = np.asarray(truth), np.asarray(predicted), np.asarray(actors)
    if truth.ndim != 1 or not truth.size or truth.shape != predicted.shape or truth.shape != actors.shape:
        raise ValueError(f"shapes {truth.shape}, {predicted.shape}, {actors.shape}: expected three of (N,), N from 1")
    if folds is not None and np.shape(folds) != truth.shape:
        raise ValueError(f"folds of shape {np.shape(folds)}: expected {truth.shape}, one a clip")
    if not 0 < level < 1 or resamples < 1000:
        raise ValueError(f"level {level}, resamples {resamples}: expected between 0 and 1, and from 1000")
    table, codes = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    numbers, fold = np.unique(np.zeros(truth.size, int) if folds is None else np.asarray(folds), return_inverse=True)
    size = len(numbers) * len(table) ** 2
    cells = (fold * len(table) + codes[: truth.size]) * len(table) + codes[truth.size :]
    rng = np.random.default_rng(seed)
    if actors.any():
        people, owner = np.unique(actors, return_inverse=True)
        counts = np.zeros((len(people), size), np.int64)
        np.add.at(counts, (owner, cells), 1)
        drawn = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), size=resamples) @ counts
        resampled, units = "actors", len(people)
    else:
        # Drawing examples is drawing cells of the folds' confusion matrices.
        drawn = rng.multinomial(truth.size, np.bincount(cells, minlength=size) / truth.size, size=resamples)
        resampled, units = "examples", int(truth.size)
    confusions = drawn.reshape(resamples, len(numbers), len(table), len(table))
    right, support = np.einsum("rfcc->rfc", confusions), confusions.sum(axis=3)
    clips, classes = support.sum(axis=2), (support > 0).sum(axis=2)
    recalls = np.divide(right, support, where=support > 0, out=np.zeros(right.shape)).sum(axis=2)
    there = np.maximum((clips > 0).sum(axis=1), 1)
    accuracy = (right.sum(axis=2) / np.maximum(clips, 1)).sum(axis=1) / there
    uar = (recalls / np.maximum(classes, 1)).sum(axis=1) / there
    limits = ((1 - level) / 2, (1 + level) / 2)
    return Interval(
        tuple(map(float, np.quantile(accuracy, limits))),
        tuple(map(float, np.quantile(uar, limits))),
        level, resampled, units, resamples,
    )  # fmt: skip
