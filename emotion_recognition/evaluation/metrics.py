"""Scores of predicted classes: accuracy, unweighted average recall, F1, and each class against the rest."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class ClassScores:
    """One class versus the rest.

    Attributes:
        class_id: the class.
        precision: share of the clips given this class that are of it; None if none was given it.
        recall: share of this class's clips that were given it; None if there are none.
        f1: harmonic mean of both, 0 if nothing is right; None if there are none and none was given it.
        support: clips of this class.
    """

    class_id: int
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class Scores:
    """Scores of a set of clips.

    Attributes:
        count: number of clips.
        accuracy: share of clips whose class is right, 0 to 1.
        uar: unweighted average recall, the mean over the classes that occur of the share of each that is right.
        macro_f1: mean over the classes that occur of their F1.
        class_ids: the classes of the confusion matrix, in order.
        confusion: counts, true class by row, predicted class by column.
        classes: each of ``class_ids`` versus the rest.
    """

    count: int
    accuracy: float
    uar: float
    macro_f1: float
    class_ids: tuple[int, ...]
    confusion: tuple[tuple[int, ...], ...]
    classes: tuple[ClassScores, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the scores as a dictionary that JSON can hold."""
        return asdict(self)


def score(truth: np.ndarray, predicted: np.ndarray, class_ids: tuple[int, ...]) -> Scores:
    """Return the scores of predicted class ids (N,) against the true ones (N,).

    Raises:
        ValueError: no clips, lengths differ, or a class is not among ``class_ids``.
        ImportError: scikit-learn is not installed.
    """
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.ndim != 1 or truth.shape != predicted.shape or not truth.size:
        raise ValueError(f"classes of shapes {truth.shape} and {predicted.shape}: expected two of (N,), N at least 1")
    unknown = sorted((set(truth.tolist()) | set(predicted.tolist())) - set(class_ids))
    if unknown:
        raise ValueError(f"classes {unknown} are not among {list(class_ids)}")
    labels = list(class_ids)
    table = precision_recall_fscore_support(truth, predicted, labels=labels, zero_division=np.nan)
    classes = tuple(
        ClassScores(number, _defined(precision), _defined(recall), _defined(f1), int(support))
        for number, precision, recall, f1, support in zip(labels, *table, strict=True)
    )
    occurring = [one for one in classes if one.support]
    return Scores(
        count=int(truth.size),
        accuracy=float(accuracy_score(truth, predicted)),
        uar=float(np.mean([one.recall for one in occurring])),
        macro_f1=float(np.mean([one.f1 for one in occurring])),
        class_ids=tuple(class_ids),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion_matrix(truth, predicted, labels=labels)),
        classes=classes,
    )


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
