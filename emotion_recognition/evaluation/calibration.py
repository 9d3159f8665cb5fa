"""Calibration of probabilities: how far confidence is from accuracy, and one temperature that mends it."""

import numpy as np


def calibration_error(
    truth: np.ndarray, probabilities: np.ndarray, class_ids: tuple[int, ...], bins: int = 10
) -> float:
    """Return the expected calibration error, 0 to 1, of probabilities (N, classes) over equally wide bins.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, https://arxiv.org/abs/1706.04599, eq. 3.
    """
    confidence = probabilities.max(axis=1)
    is_right = np.asarray(class_ids)[probabilities.argmax(axis=1)] == np.asarray(truth)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    error = sum(abs(np.sum(confidence[place == b] - is_right[place == b])) for b in range(bins))
    return float(error / len(confidence))


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
