"""Node: MFCC windows to one speech emotion a window."""

from emotion_recognition.classifiers import SpeechClassifier
from emotion_recognition.engines import load_metadata
from emotion_recognition.estimates import Estimate, Modality, Reason, Status
from emotion_recognition.fusion import decide
from emotion_recognition.msg import Emotion, MfccWindow
from emotion_recognition.nodes import qos
from emotion_recognition.nodes.base import PerceptionNode
from emotion_recognition.nodes.conversions import emotion_message, mfcc_mean_of, mfcc_of, stamp_ns
from emotion_recognition.nodes.running import run
from emotion_recognition.weights import speech_sidecar

# On a slow processor a longer queue would only make every decision older.
QUEUED_WINDOWS = 1


class SpeechClassifierNode(PerceptionNode):
    """Publishes on ``emotion/speech`` for every window, or that there is no voice in it."""

    NAME = "speech_classifier"

    def configure(self) -> None:
        """Load the weights."""
        p = self.parameters
        metadata = load_metadata(speech_sidecar(p["speech_model"]))
        self._classifier = SpeechClassifier(metadata, p["classifier_engine"], p["threads"])
        self._publisher = self.advertise(Emotion, "emotion/speech", qos.STREAM)
        self.get_logger().info(f"speech model {metadata.name}, weights {metadata.weights_sha256[:12]}")

    def activate(self) -> None:
        """Listen to the MFCC extractor."""
        self.work_in_thread(self._classify, capacity=QUEUED_WINDOWS)
        self.listen(MfccWindow, "mfcc", self._take, qos.SAMPLES)

    def _take(self, message: MfccWindow) -> None:
        if self.is_dated("mfcc", message):
            self.worker.put(message)

    def _classify(self, message: MfccWindow) -> None:
        self.take_dropped("mfcc")
        try:
            estimate = self._estimate(message)
        except ValueError as error:
            self.reporter.report("mfcc", f"window on {self.resolve_topic_name('mfcc')} left out: {error}")
            return
        self._publisher.publish(emotion_message(estimate))

    def _estimate(self, message: MfccWindow) -> Estimate:
        stamp = stamp_ns(message.header.stamp)
        mfcc = mfcc_of(message) if self._classifier.reads_matrix else mfcc_mean_of(message)
        if not 0 <= message.voice_activity <= 1:
            raise ValueError(f"voice_activity {message.voice_activity}, expected 0 to 1")
        if message.voice_activity < self.parameters["min_voice_activity"]:
            reasons = Reason(message.reasons) or Reason.NO_VOICE
            return Estimate.nothing(Modality.SPEECH, reasons, stamp, message.header.frame_id)
        found = self._classifier.classify(mfcc, (stamp,))
        return decide(
            found.probabilities,
            found.class_ids,
            stamp_ns=stamp,
            frame_id=message.header.frame_id,
            window_start_ns=stamp_ns(message.window_start),
            window_end_ns=stamp_ns(message.window_end),
            person_id="voice",
            modality=Modality.SPEECH,
            status=Status.SPEECH_ONLY,
            voice_activity=message.voice_activity,
            speech_weights=self._classifier.metadata.weights_sha256,
        )


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit code."""
    return run(SpeechClassifierNode, args)
