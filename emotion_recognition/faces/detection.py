"""What a face detector returns, and the detectors there are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

ENGINES = ("onnx", "facenet_pytorch")
MIN_FACE_SIZE = 60
THRESHOLDS = (0.6, 0.7, 0.7)
# A frame of more pixels is searched at a half, a third, ... of its size: time and memory grow with its area, at
# 7680x4320 to seconds and a GiB.
LARGEST_SEARCHED = 1920 * 1200
Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Detection:
    """One detected face.

    box: x, y of the upper left corner, width, height; pixels of the image, may reach beyond it.
    landmarks: (5, 2) float32, x and y in pixels of the person's right eye, left eye, nose, right and left mouth corner.
    score: 0 to 1.
    """

    box: Box
    landmarks: np.ndarray
    score: float

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return self.box[2] * self.box[3]


class Detector(Protocol):
    """A face detector."""

    def detect(self, rgb: np.ndarray) -> list[Detection]:
        """Return the faces of an (H, W, 3) uint8 RGB image, the largest first; an empty list if there is none."""

    def refine(self, rgb: np.ndarray, boxes: Sequence[Box]) -> list[Detection | None]:
        """Look for faces only where they are expected, with the last network alone.

        Args:
            rgb: (H, W, 3) uint8 RGB.
            boxes: where faces should be: x, y of the upper left corner, width, height; pixels, may reach beyond the
                image.

        Returns:
            For each box its face, or None where the score is not above the last threshold.
        """


def check_rgb(rgb: np.ndarray) -> None:
    """Raise ValueError unless ``rgb`` is an (H, W, 3) uint8 array with at least one pixel."""
    if not isinstance(rgb, np.ndarray):
        raise ValueError(f"image of type {type(rgb).__name__}; expected a numpy array (height, width, 3) of uint8")
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
        raise ValueError(f"image of shape {rgb.shape} and type {rgb.dtype}; expected (height, width, 3) of uint8")


def check_settings(min_face_size: float, thresholds) -> tuple[float, float, float]:
    """Return the thresholds as a tuple of three floats.

    Raises:
        ValueError: ``min_face_size`` is under 12, the first network's receptive field, or a threshold is not in [0, 1].
    """
    if not min_face_size >= 12:
        raise ValueError(f"min_face_size {min_face_size}; expected at least 12 pixels")
    values = tuple(float(value) for value in thresholds)
    if len(values) != 3 or not all(0 <= value <= 1 for value in values):
        raise ValueError(f"thresholds {tuple(thresholds)}; expected three numbers from 0 to 1")
    return values


def sort_detections(boxes: np.ndarray, scores: np.ndarray, landmarks: np.ndarray) -> list[Detection]:
    """Return (N, 4) corners x1, y1, x2, y2, (N,) scores and (N, 5, 2) landmarks as detections, the largest first."""
    found = [
        Detection((float(x1), float(y1), float(x2 - x1), float(y2 - y1)), np.array(points, np.float32), float(score))
        for (x1, y1, x2, y2), score, points in zip(np.asarray(boxes, np.float64), scores, landmarks, strict=True)
    ]
    return sorted(found, key=lambda detection: detection.area, reverse=True)


def search(detector: Detector, rgb: np.ndarray) -> list[Detection]:
    """Return the faces of an image of any size, the largest first.

    Of an image of more than LARGEST_SEARCHED pixels the detector sees every second, third, ... pixel of every second,
    third, ... row, as many as keeps it within: its smallest face is then twice, three times, ... as large, and boxes
    are exact to so many pixels.

    Raises:
        ValueError: the image has another shape or type than (H, W, 3) uint8.
    """
    check_rgb(rgb)
    step = math.ceil(math.sqrt(rgb.shape[0] * rgb.shape[1] / LARGEST_SEARCHED))
    if step == 1:
        return detector.detect(rgb)
    return [
        Detection(tuple(step * value for value in found.box), found.landmarks * np.float32(step), found.score)
        for found in detector.detect(np.ascontiguousarray(rgb[::step, ::step]))
    ]


def create_detector(
    engine: str = "onnx", min_face_size: float = MIN_FACE_SIZE, thresholds=THRESHOLDS, threads: int = 1
) -> Detector:
    """Return an MTCNN detector.

    Args:
        engine: ``onnx`` (ONNX Runtime and numpy, with the weights of this package) or ``facenet_pytorch`` (needs torch,
            torchvision and facenet-pytorch).
        min_face_size: the smallest face searched for, in pixels, at least 12.
        thresholds: scores from which the three networks pass a candidate on, each 0 to 1.
        threads: threads of the engine, at least 1.

    Raises:
        ValueError: an unknown engine or a setting out of range.
    """
    if engine not in ENGINES:
        raise ValueError(f"detector engine '{engine}' is not known; expected one of {', '.join(ENGINES)}")
    if threads < 1:
        raise ValueError(f"threads {threads}; expected at least 1")
    if engine == "onnx":
        from emotion_recognition.faces.mtcnn import OnnxDetector

        return OnnxDetector(min_face_size, thresholds, threads=threads)
    from emotion_recognition.faces.facenet import FacenetDetector

    return FacenetDetector(min_face_size, thresholds, threads=threads)
