"""Silence before and after speech, cut off by the level of the frames."""

import functools
import math

import numpy as np

from emotion_recognition.features.mfcc import MfccSettings, dct_matrix

RANGE_DB = 35.0


def frame_levels(mfcc: np.ndarray, settings: MfccSettings | None = None) -> np.ndarray:
    """Return the level in dB of each frame (T,) of MFCCs (coefficients, T): the power of its smoothed mel bands."""
    settings = settings or MfccSettings()
    decibels = _to_bands(settings.coefficients, settings.mels) @ np.asarray(mfcc, np.float64)
    # Of values beyond any sound the power is infinite, or 0.
    with np.errstate(over="ignore", divide="ignore"):
        return 10.0 * np.log10(np.sum(np.exp(decibels * (math.log(10.0) / 10.0)), axis=0))


@functools.cache
def _to_bands(coefficients: int, mels: int) -> np.ndarray:
    return np.ascontiguousarray(dct_matrix(coefficients, mels).T)


def sounding(mfcc: np.ndarray, range_db: float = RANGE_DB, settings: MfccSettings | None = None) -> slice:
    """Return the frames of MFCCs (coefficients, T) from the first to the last within ``range_db`` of the loudest.

    Raises:
        ValueError: there is no frame, or ``range_db`` is negative.
    """
    mfcc = np.asarray(mfcc)
    if mfcc.ndim != 2 or not mfcc.shape[1] or range_db < 0:
        raise ValueError(
            f"MFCCs of shape {mfcc.shape}, range {range_db} dB: expected (coefficients, T), T >= 1, and >= 0"
        )
    levels = frame_levels(mfcc, settings)
    loud = np.flatnonzero(levels >= levels.max() - range_db)
    return slice(int(loud[0]), int(loud[-1]) + 1)
