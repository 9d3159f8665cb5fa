"""What a classifier says, and how it follows from a network's logits."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Classification:
    """Class probabilities of one stream.

    Attributes:
        class_ids: the label table, as the model's sidecar gives it.
        probabilities: beside it, (C,) float64, finite, sum 1.
        stamps_ns: stamps of the samples used, oldest first.
    """

    class_ids: tuple[int, ...]
    probabilities: np.ndarray
    stamps_ns: tuple[int, ...] = ()


def named_softmax(logits: np.ndarray, class_ids: tuple[int, ...], temperature: float) -> np.ndarray:
    """Return the probabilities (C,) of the classes in ``class_ids``.

    Args:
        logits: (8,), column k for class k + 1. Columns of other classes are dropped: the weights cannot name them.
        class_ids: the label table.
        temperature: above 0; the logits are divided by it.
    """
    chosen = np.asarray(logits, np.float64)[np.asarray(class_ids) - 1] / temperature
    weights = np.exp(chosen - chosen.max())
    return weights / weights.sum()
