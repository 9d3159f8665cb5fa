"""From one camera frame to the faces in it."""

from dataclasses import dataclass

import numpy as np

from emotion_recognition.faces.crops import SIZE, crop_face
from emotion_recognition.faces.detection import Detector
from emotion_recognition.faces.tracking import Tracker


@dataclass(frozen=True, eq=False)
class FaceSample:
    """One face of one frame; the ROS-free twin of msg/FaceSample.

    track_id: from 1, never given to another face of the same tracker.
    crop: (size, size, 3) uint8 RGB, a square about the box's centre of side max(width, height) * (1 + crop_margin).
    box: x, y of the upper left corner, width, height; pixels of the image.
    landmarks: (5, 2) float32, pixels of the image; see Detection.
    score: detection score, 0 to 1.
    crop_margin: the margin of the crop.
    image_size: width and height of the frame in pixels.
    """

    track_id: int
    crop: np.ndarray
    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    score: float
    crop_margin: float
    image_size: tuple[int, int]


class FacePipeline:
    """Detects, tracks and crops the faces of a stream of frames."""

    def __init__(
        self, detector: Detector, tracker: Tracker, margin: float, size: int = SIZE, max_faces: int | None = None
    ):
        """Take a detector, a tracker of its own, and how to crop: see :func:`emotion_recognition.faces.crop_face`.

        ``max_faces`` limits the result to the largest; all are tracked.

        Raises:
            ValueError: ``margin`` is not above -1, or ``size`` or ``max_faces`` is under 1.
        """
        if not -1 < margin < float("inf") or size < 1 or (max_faces is not None and max_faces < 1):
            raise ValueError(
                f"margin {margin}, size {size}, max_faces {max_faces}; expected above -1, from 1, from 1 or None"
            )
        self._detector, self._tracker = detector, tracker
        self._margin, self._size, self._max_faces = margin, size, max_faces

    def process(self, rgb: np.ndarray, stamp_ns: int) -> list[FaceSample]:
        """Return the faces of an (H, W, 3) uint8 RGB frame, the largest first.

        Raises:
            ValueError: the frame has another shape or type.
        """
        tracked = self._tracker.update(self._detector.detect(rgb), stamp_ns)
        tracked.sort(key=lambda pair: pair[1].area, reverse=True)
        image_size = rgb.shape[1], rgb.shape[0]
        return [
            FaceSample(
                number,
                crop_face(rgb, detection.box, self._margin, self._size),
                detection.box,
                detection.landmarks,
                detection.score,
                self._margin,
                image_size,
            )
            for number, detection in tracked[: self._max_faces]
            if min(detection.box[2:]) > 0
        ]

    def reset(self) -> None:
        """End all tracks: the stream starts anew."""
        self._tracker.reset()
