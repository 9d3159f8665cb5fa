"""Calibration of probabilities: how far confidence is from accuracy, and one temperature that mends it."""

from dataclasses import dataclass

import numpy as np

BINS = 15


@dataclass(frozen=True)
class ReliabilityBin:
    """Predictions whose confidence lies in [lower, upper): how many, their mean confidence and their accuracy.

    The last bin takes confidence 1 too. Without predictions ``confidence`` and ``accuracy`` are None.
    """

    lower: float
    upper: float
    count: int
    confidence: float | None
    accuracy: float | None


def calibration_error(
    truth: np.ndarray, probabilities: np.ndarray, class_ids: tuple[int, ...], bins: int = BINS
) -> float:
    """Return the expected calibration error, 0 to 1, of probabilities (N, classes) over equally wide bins.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, https://arxiv.org/abs/1706.04599, eq. 3.
    """
    table = [one for one in reliability(truth, probabilities, class_ids, bins) if one.count]
    error = sum(one.count * abs(one.confidence - one.accuracy) for one in table)
    return float(error / sum(one.count for one in table))


def reliability(
    truth: np.ndarray, probabilities: np.ndarray, class_ids: tuple[int, ...], bins: int = BINS
) -> list[ReliabilityBin]:
    """Return the bins of a reliability diagram of probabilities (N, classes) for true class ids (N,).

    Raises:
        ValueError: no predictions, or lengths differ.
    """
    probabilities, truth = np.asarray(probabilities), np.asarray(truth)
    if probabilities.ndim != 2 or probabilities.shape != (len(truth), len(class_ids)) or not len(truth):
        raise ValueError(
            f"probabilities of shape {probabilities.shape} for {len(truth)} clips and {len(class_ids)} classes: "
            "expected (clips, classes), at least one clip"
        )
    confidence = probabilities.max(axis=1)
    is_right = np.asarray(class_ids)[probabilities.argmax(axis=1)] == truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    out = []
    for number in range(bins):
        inside = place == number
        means = (float(confidence[inside].mean()), float(is_right[inside].mean())) if inside.any() else (None, None)
        out.append(ReliabilityBin(number / bins, (number + 1) / bins, int(inside.sum()), *means))
    return out


def fit_temperature(logits: np.ndarray, class_ids: np.ndarray) -> float:
    """Return the temperature in [0.05, 20] by which logits (N, 8) are divided for the least negative log-likelihood.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, https://arxiv.org/abs/1706.04599, section 4.2.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(logits))

    def loss(log_temperature: float) -> float:
        return -float(np.mean(np.log(softmax(logits / np.exp(log_temperature))[rows, class_ids - 1] + 1e-300)))

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.05), np.log(20.0)), method="bounded").x))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the softmax of each row of logits (N, C)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
