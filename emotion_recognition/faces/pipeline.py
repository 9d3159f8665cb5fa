"""From one camera frame to the faces in it."""

from dataclasses import dataclass

import numpy as np

from emotion_recognition.faces.crops import SIZE, crop_face
from emotion_recognition.faces.detection import Detection, Detector, search
from emotion_recognition.faces.tracking import Tracker
from emotion_recognition.stamps import SECOND_NS


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
    """Detects, tracks and crops the faces of a stream of frames.

    The detector refines the boxes at which the tracks are expected. The whole frame is searched at once while nobody is
    in view or a track that has not ended is not, and every ``detection_interval_s``: then by :meth:`catch_up`, after
    the frame's faces were told, since a search takes much longer than all the rest. What it finds is in the next frame.
    """

    def __init__(
        self,
        detector: Detector,
        tracker: Tracker,
        margin: float,
        size: int = SIZE,
        max_faces: int | None = None,
        detection_interval_s: float = 0.0,
    ):
        """Take a detector, a tracker of its own, and how to crop: see :func:`emotion_recognition.faces.crop_face`.

        Args:
            detector: finds and refines faces.
            tracker: numbers them.
            margin: of the crop.
            size: side of the crop in pixels.
            max_faces: limits the result to the largest; all are tracked.
            detection_interval_s: time by stamps from one search of the whole frame to the next; 0 searches every frame.

        Raises:
            ValueError: ``margin`` is not above -1, ``size`` or ``max_faces`` is under 1, or ``detection_interval_s`` is
                negative or not finite.
        """
        if not 0 <= detection_interval_s < float("inf"):
            raise ValueError(f"detection_interval_s {detection_interval_s}; expected 0 or more seconds, finite")
        if not -1 < margin < float("inf") or size < 1 or (max_faces is not None and max_faces < 1):
            raise ValueError(
                f"margin {margin}, size {size}, max_faces {max_faces}; expected above -1, from 1, from 1 or None"
            )
        self._detector, self._tracker = detector, tracker
        self._margin, self._size, self._max_faces = margin, size, max_faces
        self._interval_ns = round(detection_interval_s * SECOND_NS)
        self._searched_ns: int | None = None
        self._due: tuple[np.ndarray, int] | None = None  # the frame that is still to be searched

    def process(self, rgb: np.ndarray, stamp_ns: int) -> list[FaceSample]:
        """Return the faces of an (H, W, 3) uint8 RGB frame, the largest first.

        It catches up first where that was left out, so the result does not depend on it.

        Raises:
            ValueError: the frame has another shape or type.
        """
        self.catch_up()
        tracked = self._follow(rgb, stamp_ns)
        if tracked is None:
            tracked = self._search(rgb, stamp_ns)
        elif stamp_ns - self._searched_ns >= self._interval_ns:
            self._due = rgb, stamp_ns
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
        self._searched_ns = self._due = None

    def catch_up(self) -> None:
        """Search the whole of the last frame if that is due; to be called when its faces were told.

        The frame's array must not have changed since.
        """
        if self._due is not None:
            due, self._due = self._due, None
            self._search(*due)

    def _search(self, rgb: np.ndarray, stamp_ns: int) -> list[tuple[int, Detection]]:
        self._searched_ns = stamp_ns
        return self._tracker.update(search(self._detector, rgb), stamp_ns)

    def _follow(self, rgb: np.ndarray, stamp_ns: int) -> list[tuple[int, Detection]] | None:
        """Return the faces in view, with numbers, from where they are expected; None to search the whole frame."""
        if self._searched_ns is None or not self._interval_ns:
            return None
        expected = self._tracker.expected(stamp_ns)
        if not expected:
            return None
        found = self._detector.refine(rgb, list(expected.values()))
        return self._tracker.follow(dict(zip(expected, found, strict=True)), stamp_ns)
