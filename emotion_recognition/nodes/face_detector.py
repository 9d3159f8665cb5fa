"""Node: camera frames to face samples."""

from functools import partial

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from emotion_recognition.estimates import Reason
from emotion_recognition.faces import FacePipeline, FrameSampler, Tracker, create_detector
from emotion_recognition.msg import FaceSamples
from emotion_recognition.nodes import qos
from emotion_recognition.nodes.base import PerceptionNode
from emotion_recognition.nodes.conversions import face_samples_message
from emotion_recognition.nodes.image_decoding import create_image_decoder
from emotion_recognition.nodes.running import run
from emotion_recognition.sensors.cdr import FrameHeader, read_header
from emotion_recognition.sensors.freezing import FreezeGuard
from emotion_recognition.sensors.images import ImageError
from emotion_recognition.stamps import StampGuard

TRANSPORTS = {"raw": (Image, "image"), "compressed": (CompressedImage, "image/compressed")}


class FaceDetector(PerceptionNode):
    """Samples frames so that ``frames`` of them cover ``window``, finds, tracks and crops the faces in each."""

    NAME = "face_detector"
    _tracker: Tracker | None = None

    def configure(self) -> None:
        """Load the detector."""
        p = self.parameters
        thresholds = (0.6, 0.7, p["min_detection_score"])
        detector = create_detector(p["detector"], p["min_face_size"], thresholds, p["threads"])
        # One tracker however often the node is configured: a track's number is never given to another face.
        self._tracker = self._tracker or Tracker(max_gap_s=p["track_gap"])
        self._pipeline = FacePipeline(
            detector,
            self._tracker,
            p["crop_margin"],
            max_faces=p["max_faces"],
            detection_interval_s=p["detection_interval"],
        )
        self._sampler = FrameSampler(p["frames"], p["window"])
        self._guard = StampGuard(p["max_stamp_age"], p["max_stamp_ahead"])
        self._freeze = FreezeGuard(p["frozen_after"])
        self._decode = create_image_decoder(p["image_transport"], p["image_decoder"])
        self._publisher = self.advertise(FaceSamples, "face_samples", qos.SAMPLES)

    def activate(self) -> None:
        """Listen to the camera."""
        self.work_in_thread(self._detect, capacity=1)
        kind, topic = TRANSPORTS[self.parameters["image_transport"]]
        # Serialized: most frames are not sampled, and need nothing but their stamp read.
        self.listen(kind, topic, partial(self._sample, topic), qos.IMAGE, serialized=True)

    def forget(self) -> None:
        """End all tracks."""
        if hasattr(self, "_pipeline"):
            self._pipeline.reset()
            self._sampler.reset()
            self._guard.reset()
            self._freeze.reset()

    def _sample(self, topic: str, message: bytes) -> None:
        try:
            header = read_header(message)
        except ImageError as error:
            self._leave_out(topic, "image", error)
            return
        verdict = self._guard.check(header.stamp_ns, self.get_clock().now().nanoseconds)
        if not verdict.accepted:
            self._leave_out(topic, "stamp", verdict.problem)
            return
        if verdict.restarted:
            self._sampler.reset()
        if self._sampler.accept(header.stamp_ns):
            self.worker.put((topic, header, message))

    def _leave_out(self, topic: str, kind: str, problem: object) -> None:
        self.reporter.report(kind, f"image on {self.resolve_topic_name(topic)} left out: {problem}")

    def _detect(self, item: tuple[str, FrameHeader, bytes]) -> None:
        topic, header, message = item
        try:
            rgb = self._decode(message)
        except ImageError as error:
            self._leave_out(topic, "image", error)
            return
        frozen = self._freeze.is_frozen(rgb, header.stamp_ns)
        if frozen:
            self.reporter.report(
                "frozen",
                f"image on {self.resolve_topic_name(topic)} is the same to the last bit for at least "
                f"{self.parameters['frozen_after']} s: expected a moving picture; left out",
            )
        samples = [] if frozen else self._pipeline.process(rgb, header.stamp_ns)
        reasons = Reason.CAMERA_FROZEN if frozen else Reason.NONE
        skipped = self.worker.take_dropped() if self.worker else 0
        stamped = Header(stamp=Time(sec=header.sec, nanosec=header.nanosec), frame_id=header.frame_id)
        self._publisher.publish(face_samples_message(stamped, rgb.shape, samples, reasons, skipped))


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit code."""
    return run(FaceDetector, args)
