"""Node: face samples to one face emotion a track and frame."""

from dataclasses import dataclass

import numpy as np

from emotion_recognition.chain import FaceStep
from emotion_recognition.estimates import Reason
from emotion_recognition.msg import Emotion, FaceSample, FaceSamples
from emotion_recognition.nodes import qos
from emotion_recognition.nodes.base import PerceptionNode
from emotion_recognition.nodes.conversions import crop_of, emotion_message, stamp_ns
from emotion_recognition.nodes.diagnosing import model_facts
from emotion_recognition.nodes.running import run

# On a slow processor a longer queue would only make every decision older.
QUEUED_FRAMES = 1


@dataclass(frozen=True)
class ReceivedFace:
    """A face of a message; reading its crop raises ValueError where that has another number of bytes."""

    message: FaceSample

    @property
    def track_id(self) -> int:
        """Its track."""
        return self.message.track_id

    @property
    def box(self) -> np.ndarray:
        """x, y, width, height in pixels."""
        return self.message.box

    @property
    def crop(self) -> np.ndarray:
        """Its pixels, (224, 224, 3) uint8 RGB."""
        return crop_of(self.message)


class VisualClassifierNode(PerceptionNode):
    """Publishes on ``emotion/face`` for every face of a frame, the largest first, or that there is none."""

    NAME = "visual_classifier"

    def configure(self) -> None:
        """Load the weights."""
        self._step = FaceStep(self.parameters)
        metadata = self._step.metadata
        self._publisher = self.advertise(Emotion, "emotion/face", qos.STREAM)
        self.about = model_facts(metadata, self.parameters["classifier_engine"])
        self.get_logger().info(f"face model {metadata.name}, weights {metadata.weights_sha256[:12]}")

    def activate(self) -> None:
        """Listen to the face detector."""
        self.work_in_thread(self._classify, capacity=QUEUED_FRAMES)
        self.listen(FaceSamples, "face_samples", self._take, qos.SAMPLES)

    def forget(self) -> None:
        """Drop the embeddings of all tracks."""
        if hasattr(self, "_step"):
            self._step.reset()

    def _take(self, message: FaceSamples) -> None:
        if self.is_dated("face_samples", message):
            self.worker.put(message)

    def _classify(self, message: FaceSamples) -> None:
        self.take_dropped("face_samples")
        self.monitor.note("faces", len(message.faces))
        estimates = self._step.classify(
            [ReceivedFace(face) for face in message.faces],
            Reason(message.reasons),
            stamp_ns(message.header.stamp),
            message.header.frame_id,
            (message.image_width, message.image_height),
            self._leave_out,
        )
        try:
            for estimate in estimates:
                self._publisher.publish(emotion_message(estimate))
        except ValueError as error:
            self.leave_out("face_samples", "face_samples", f"message on {{topic}} left out: {error}")

    def _leave_out(self, track_id: int, error: ValueError) -> None:
        self.leave_out("face_samples", "face", f"face {track_id} on {{topic}} left out: {error}")


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit code."""
    return run(VisualClassifierNode, args)
