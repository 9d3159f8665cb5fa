"""Node: face samples to one face emotion a track and frame."""

import math

from emotion_recognition.classifiers import VisualClassifier
from emotion_recognition.engines import load_metadata
from emotion_recognition.estimates import Estimate, Modality, Reason, Status
from emotion_recognition.fusion import decide
from emotion_recognition.msg import Emotion, FaceSample, FaceSamples
from emotion_recognition.nodes import qos
from emotion_recognition.nodes.base import PerceptionNode
from emotion_recognition.nodes.conversions import crop_of, emotion_message, stamp_ns
from emotion_recognition.nodes.running import run
from emotion_recognition.weights import face_sidecar

# On a slow processor a longer queue would only make every decision older.
QUEUED_FRAMES = 1


class VisualClassifierNode(PerceptionNode):
    """Publishes on ``emotion/face`` for every face of a frame, the largest first, or that there is none."""

    NAME = "visual_classifier"

    def configure(self) -> None:
        """Load the weights."""
        p = self.parameters
        metadata = load_metadata(face_sidecar(p["face_model"]))
        self._classifier = VisualClassifier(metadata, p["classifier_engine"], p["frames"], p["window"], p["threads"])
        self._last_ns = 0
        self._publisher = self.advertise(Emotion, "emotion/face", qos.STREAM)
        self.get_logger().info(f"face model {metadata.name}, weights {metadata.weights_sha256[:12]}")

    def activate(self) -> None:
        """Listen to the face detector."""
        self.work_in_thread(self._classify, capacity=QUEUED_FRAMES)
        self.listen(FaceSamples, "face_samples", self._take, qos.SAMPLES)

    def forget(self) -> None:
        """Drop the embeddings of all tracks."""
        if hasattr(self, "_classifier"):
            self._classifier.reset()
            self._last_ns = 0

    def _take(self, message: FaceSamples) -> None:
        if self.is_dated("face_samples", message):
            self.worker.put(message)

    def _classify(self, message: FaceSamples) -> None:
        stamp = stamp_ns(message.header.stamp)
        if stamp <= self._last_ns:
            # The detector lets a stamp go back only where time began anew.
            self._classifier.reset()
        self._last_ns = stamp
        self.take_dropped("face_samples")
        if not message.faces:
            nobody = Estimate.nothing(
                Modality.FACE, Reason(message.reasons) or Reason.NO_FACE, stamp, message.header.frame_id
            )
            self._publisher.publish(emotion_message(nobody))
            return
        for rank, face in enumerate(message.faces):
            try:
                estimate = self._estimate(message, face, rank, stamp)
            except ValueError as error:
                name = self.resolve_topic_name("face_samples")
                self.reporter.report("face", f"face {face.track_id} on {name} left out: {error}")
                continue
            self._publisher.publish(emotion_message(estimate))

    def _estimate(self, message: FaceSamples, face: FaceSample, rank: int, stamp: int) -> Estimate:
        if not all(math.isfinite(value) for value in face.box):
            raise ValueError(f"box {[float(value) for value in face.box]}, expected finite pixels")
        found = self._classifier.update(face.track_id, crop_of(face), stamp)
        return decide(
            found.probabilities,
            found.class_ids,
            stamp_ns=stamp,
            frame_id=message.header.frame_id,
            window_start_ns=found.stamps_ns[0],
            window_end_ns=found.stamps_ns[-1],
            person_id=f"face_{face.track_id}",
            modality=Modality.FACE,
            status=Status.FACE_ONLY,
            face_box=tuple(float(value) for value in face.box),
            image_width=message.image_width,
            image_height=message.image_height,
            face_rank=rank,
            faces_in_view=len(message.faces),
            face_frames=len(found.stamps_ns),
            face_weights=self._classifier.metadata.weights_sha256,
        )


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit code."""
    return run(VisualClassifierNode, args)
