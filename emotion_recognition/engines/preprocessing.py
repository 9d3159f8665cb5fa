"""What a network's input must look like, as the model's sidecar tells it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emotion_recognition.engines.errors import ModelError

SMALLEST_SIZE = 32
LARGEST_SIZE = 1024
COEFFICIENTS = 40


@dataclass(frozen=True)
class FacePreprocessing:
    """Input of a face network: RGB crop to (3, size, size).

    Attributes:
        size: side of the input in pixels.
        gray: the three channels all carry the luma.
        source_pixels: side in pixels of the pictures the network was trained on; a larger crop is reduced to it before
            it is enlarged to ``size``; at most ``size``. 0: as ``size``.
        mean: subtracted from values in [0, 1], one a channel.
        std: the difference is divided by it, one a channel.
        crop_margin: the crop is a square of side max(width, height) of the face box times (1 + crop_margin).
    """

    size: int = 224
    gray: bool = False
    source_pixels: int = 0
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)
    crop_margin: float = 0.0

    @classmethod
    def from_json(cls, found: Any, where: str) -> "FacePreprocessing":
        """Return the settings a JSON object holds.

        Raises:
            ModelError: a setting is unknown or out of range; ``where`` opens the text.
        """
        given = _object(found, where, {"size", "gray", "source_pixels", "mean", "std", "crop_margin"})
        size = _whole(given.get("size", 224), SMALLEST_SIZE, LARGEST_SIZE, "size", where)
        out = cls(
            size=size,
            gray=_flag(given.get("gray", False), "gray", where),
            source_pixels=_whole(given.get("source_pixels", 0), 0, size, "source_pixels", where),
            mean=_numbers(given.get("mean", [0.5] * 3), 3, "mean", where),
            std=_numbers(given.get("std", [0.5] * 3), 3, "std", where),
            crop_margin=_number(given.get("crop_margin", 0.0), -0.9, 5.0, "crop_margin", where),
        )
        _above_zero(out.std, where)
        return out


@dataclass(frozen=True)
class SpeechPreprocessing:
    """Input of a speech network: the time-mean of 40 MFCCs or their matrix over time, (x - mean) / std.

    Attributes:
        mean: subtracted, one a coefficient.
        std: the difference is divided by it, one a coefficient.
        mfcc: settings the MFCCs were computed with, by their names in ``features.mfcc.MfccSettings``.
        trim_db: frames at either end of a matrix that are so many dB below its loudest are cut off; 0: none.
        least_frames: a shorter matrix is repeated up to this length.
    """

    mean: tuple[float, ...] = (0.0,) * COEFFICIENTS
    std: tuple[float, ...] = (1.0,) * COEFFICIENTS
    mfcc: Mapping[str, Any] = field(default_factory=dict)
    trim_db: float = 0.0
    least_frames: int = 1

    @classmethod
    def from_json(cls, found: Any, where: str) -> "SpeechPreprocessing":
        """Return the settings a JSON object holds.

        Raises:
            ModelError: a setting is unknown or out of range; ``where`` opens the text.
        """
        given = _object(found, where, {"mean", "std", "mfcc", "trim_db", "least_frames"})
        mfcc = given.get("mfcc", {})
        if not isinstance(mfcc, dict):
            raise ModelError(f"{where}: preprocessing.mfcc is {mfcc!r}, expected an object")
        out = cls(
            mean=_numbers(given.get("mean", [0.0] * COEFFICIENTS), COEFFICIENTS, "mean", where),
            std=_numbers(given.get("std", [1.0] * COEFFICIENTS), COEFFICIENTS, "std", where),
            mfcc=mfcc,
            trim_db=_number(given.get("trim_db", 0.0), 0.0, 200.0, "trim_db", where),
            least_frames=_whole(given.get("least_frames", 1), 1, 1000, "least_frames", where),
        )
        _above_zero(out.std, where)
        return out


def _object(found: Any, where: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ModelError(f"{where}: preprocessing is {found!r}, expected an object")
    unknown = sorted(set(found) - known)
    if unknown:
        raise ModelError(
            f"{where}: preprocessing has unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )
    return found


def _whole(value: Any, low: int, high: int, name: str, where: str) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ModelError(f"{where}: preprocessing.{name} is {value!r}, expected a whole number from {low} to {high}")
    return value


def _number(value: Any, low: float, high: float, name: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ModelError(f"{where}: preprocessing.{name} is {value!r}, expected a number from {low} to {high}")
    return float(value)


def _flag(value: Any, name: str, where: str) -> bool:
    if not isinstance(value, bool):
        raise ModelError(f"{where}: preprocessing.{name} is {value!r}, expected true or false")
    return value


def _numbers(value: Any, count: int, name: str, where: str) -> tuple[float, ...]:
    good = isinstance(value, list) and all(
        isinstance(item, (int, float)) and not isinstance(item, bool) and math.isfinite(item) for item in value
    )
    if not good or len(value) != count:
        raise ModelError(f"{where}: preprocessing.{name} is {value!r}, expected {count} finite numbers")
    return tuple(float(item) for item in value)


def _above_zero(std: tuple[float, ...], where: str) -> None:
    if min(std) <= 0:
        raise ModelError(f"{where}: preprocessing.std has {min(std)}, expected numbers above 0")
