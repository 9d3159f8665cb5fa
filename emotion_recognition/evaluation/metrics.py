"""Accuracy, unweighted average recall and confusion of predicted classes."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Scores:
    """Scores of a set of clips.

    Attributes:
        count: number of clips.
        accuracy: share of clips whose class is right, 0 to 1.
        uar: unweighted average recall, the mean over the classes that occur of the share of each that is right.
        class_ids: the classes of the confusion matrix, in order.
        confusion: counts, true class by row, predicted class by column.
    """

    count: int
    accuracy: float
    uar: float
    class_ids: tuple[int, ...]
    confusion: tuple[tuple[int, ...], ...]

    def to_json(self) -> dict[str, Any]:
        """Return the scores as a dictionary that JSON can hold."""
        return asdict(self)


def score(truth: np.ndarray, predicted: np.ndarray, class_ids: tuple[int, ...]) -> Scores:
    """Return the scores of predicted class ids (N,) against the true ones (N,).

    Raises:
        ValueError: no clips, lengths differ, or a class is not among ``class_ids``.
        ImportError: scikit-learn is not installed.
    """
    from sklearn.metrics import accuracy_score, confusion_matrix, recall_score

    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.ndim != 1 or truth.shape != predicted.shape or not truth.size:
        raise ValueError(f"classes of shapes {truth.shape} and {predicted.shape}: expected two of (N,), N at least 1")
    unknown = sorted((set(truth.tolist()) | set(predicted.tolist())) - set(class_ids))
    if unknown:
        raise ValueError(f"classes {unknown} are not among {list(class_ids)}")
    recall = recall_score(truth, predicted, labels=sorted(set(truth.tolist())), average="macro", zero_division=0)
    confusion = confusion_matrix(truth, predicted, labels=list(class_ids))
    return Scores(
        count=int(truth.size),
        accuracy=float(accuracy_score(truth, predicted)),
        uar=float(recall),
        class_ids=tuple(class_ids),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
    )
