"""Node: camera frames to face samples."""

from functools import partial

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from emotion_recognition.chain import DetectionStep, LeftOut
from emotion_recognition.estimates import Reason
from emotion_recognition.msg import FaceSamples
from emotion_recognition.nodes import qos
from emotion_recognition.nodes.base import PerceptionNode
from emotion_recognition.nodes.conversions import face_samples_message
from emotion_recognition.nodes.running import run
from emotion_recognition.sensors import create_image_decoder
from emotion_recognition.sensors.cdr import FrameHeader

TRANSPORTS = {"raw": (Image, "image"), "compressed": (CompressedImage, "image/compressed")}


class FaceDetector(PerceptionNode):
    """Samples frames so that ``frames`` of them cover ``window``, finds, tracks and crops the faces in each."""

    NAME = "face_detector"
    _step: DetectionStep | None = None

    def configure(self) -> None:
        """Load the detector."""
        p = self.parameters
        decode = create_image_decoder(p["image_transport"], p["image_decoder"])
        # One tracker however often the node is configured: a track's number is never given to another face.
        self._step = DetectionStep(p, decode, self._step.tracker if self._step else None)
        self._publisher = self.advertise(FaceSamples, "face_samples", qos.SAMPLES)
        self.about = {"detector": p["detector"]}

    def activate(self) -> None:
        """Listen to the camera."""
        self.work_in_thread(self._detect, capacity=1)
        kind, topic = TRANSPORTS[self.parameters["image_transport"]]
        # Serialized: most frames are not sampled, and need nothing but their stamp read.
        self.listen(kind, topic, partial(self._sample, topic), qos.IMAGE, serialized=True)

    def forget(self) -> None:
        """End all tracks."""
        if self._step is not None:
            self._step.reset()

    def _sample(self, topic: str, message: bytes) -> None:
        try:
            header = self._step.sample(message, self.get_clock().now().nanoseconds)
        except LeftOut as left_out:
            self._leave_out(topic, left_out)
            return
        if header is not None:
            self.worker.put((topic, header, message))

    def _leave_out(self, topic: str, left_out: LeftOut) -> None:
        self.leave_out(topic, left_out.kind, f"image on {{topic}} left out: {left_out}")

    def _detect(self, item: tuple[str, FrameHeader, bytes]) -> None:
        topic, header, message = item
        try:
            found = self._step.detect(message, header.stamp_ns)
        except LeftOut as left_out:
            self._leave_out(topic, left_out)
            return
        if found.reasons & Reason.CAMERA_FROZEN:
            self.leave_out(
                topic,
                "frozen",
                f"image on {{topic}} is the same to the last bit for at least "
                f"{self.parameters['frozen_after']} s: expected a moving picture; left out",
            )
        skipped = self.take_dropped(topic, reported=False)
        self.monitor.note("faces", len(found.samples))
        stamped = Header(stamp=Time(sec=header.sec, nanosec=header.nanosec), frame_id=header.frame_id)
        self._publisher.publish(face_samples_message(stamped, found.shape, found.samples, found.reasons, skipped))
        self._step.catch_up()


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit code."""
    return run(FaceDetector, args)
