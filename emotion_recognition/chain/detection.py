"""Camera frames to the faces in those of them that are looked at."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emotion_recognition.chain.errors import LeftOut
from emotion_recognition.estimates import Reason
from emotion_recognition.faces import Detector, FacePipeline, FaceSample, FrameSampler, Tracker, create_detector
from emotion_recognition.sensors.cdr import FrameHeader, read_header
from emotion_recognition.sensors.freezing import FreezeGuard
from emotion_recognition.sensors.images import ImageError
from emotion_recognition.stamps import StampGuard

# Thresholds of the detector's first two networks; that of the last is a parameter.
CANDIDATES = (0.6, 0.7)


@dataclass(frozen=True, eq=False)
class FrameFaces:
    """The faces of one frame.

    Attributes:
        shape: of the frame: height, width, channels.
        samples: its faces, the largest first; none while the camera is frozen.
        reasons: CAMERA_FROZEN or NONE.
    """

    shape: tuple[int, ...]
    samples: list[FaceSample]
    reasons: Reason


def face_detector(parameters: Mapping[str, Any]) -> Detector:
    """Return the detector that parameters of ``face_detector`` ask for.

    Raises:
        ValueError: a parameter is out of range.
    """
    p = parameters
    return create_detector(p["detector"], p["min_face_size"], (*CANDIDATES, p["min_detection_score"]), p["threads"])


def face_pipeline(parameters: Mapping[str, Any], detector: Detector, tracker: Tracker | None = None) -> FacePipeline:
    """Return what finds, tracks and crops faces as parameters of ``face_detector`` ask for.

    Raises:
        ValueError: a parameter is out of range.
    """
    p = parameters
    return FacePipeline(
        detector,
        tracker or Tracker(max_gap_s=p["track_gap"]),
        p["crop_margin"],
        max_faces=p["max_faces"],
        detection_interval_s=p["detection_interval"],
    )


class DetectionStep:
    """Samples frames so that ``frames`` of them cover ``window``, and finds, tracks and crops the faces in each.

    Args:
        parameters: of ``face_detector``.
        decode: from a serialized message to (H, W, 3) uint8 RGB; raises ImageError.
        tracker: numbers the faces; one of its own if left out.

    Raises:
        ValueError: a parameter is out of range.
    """

    def __init__(
        self, parameters: Mapping[str, Any], decode: Callable[[bytes], np.ndarray], tracker: Tracker | None = None
    ):
        p = parameters
        self.tracker = tracker or Tracker(max_gap_s=p["track_gap"])
        self._pipeline = face_pipeline(p, face_detector(p), self.tracker)
        self._sampler = FrameSampler(p["frames"], p["window"])
        self._guard = StampGuard(p["max_stamp_age"], p["max_stamp_ahead"])
        self._freeze = FreezeGuard(p["frozen_after"])
        self._decode = decode

    def reset(self) -> None:
        """End all tracks and forget every stamp."""
        for part in (self._pipeline, self._sampler, self._guard, self._freeze):
            part.reset()

    def sample(self, message: bytes, now_ns: int) -> FrameHeader | None:
        """Return the header of a serialized frame that is to be looked at, None for one between two of them.

        Args:
            message: sensor_msgs/Image or CompressedImage; nothing but its header is read.
            now_ns: ROS time.

        Raises:
            LeftOut: the message has no header, or a stamp that cannot be.
        """
        try:
            header = read_header(message)
        except ImageError as error:
            raise LeftOut("image", error) from error
        verdict = self._guard.check(header.stamp_ns, now_ns)
        if not verdict.accepted:
            raise LeftOut("stamp", verdict.problem)
        if verdict.restarted:
            self._sampler.reset()
        return header if self._sampler.accept(header.stamp_ns) else None

    def detect(self, message: bytes, stamp_ns: int) -> FrameFaces:
        """Return the faces of a serialized frame.

        Raises:
            LeftOut: the frame cannot be decoded.
        """
        try:
            rgb = self._decode(message)
        except ImageError as error:
            raise LeftOut("image", error) from error
        if self._freeze.is_frozen(rgb, stamp_ns):
            return FrameFaces(rgb.shape, [], Reason.CAMERA_FROZEN)
        return FrameFaces(rgb.shape, self._pipeline.process(rgb, stamp_ns), Reason.NONE)

    def catch_up(self) -> None:
        """Do what can wait until the faces of a frame were told: search the whole of it where that is due."""
        self._pipeline.catch_up()
