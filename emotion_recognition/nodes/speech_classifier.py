"""Node: MFCC windows to one speech emotion a window."""

from emotion_recognition.chain import SpeechStep
from emotion_recognition.estimates import Estimate, Reason
from emotion_recognition.msg import Emotion, MfccWindow
from emotion_recognition.nodes import qos
from emotion_recognition.nodes.base import PerceptionNode
from emotion_recognition.nodes.conversions import emotion_message, mfcc_mean_of, mfcc_of, stamp_ns, window_ns
from emotion_recognition.nodes.diagnosing import model_facts
from emotion_recognition.nodes.running import run

# On a slow processor a longer queue would only make every decision older.
QUEUED_WINDOWS = 1


class SpeechClassifierNode(PerceptionNode):
    """Publishes on ``emotion/speech`` for every window, or that there is no voice in it."""

    NAME = "speech_classifier"

    def configure(self) -> None:
        """Load the weights."""
        self._step = SpeechStep(self.parameters)
        metadata = self._step.metadata
        self._publisher = self.advertise(Emotion, "emotion/speech", qos.STREAM)
        self.about = model_facts(metadata, self.parameters["classifier_engine"])
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
            self.leave_out("mfcc", "mfcc", f"window on {{topic}} left out: {error}")
            return
        self.monitor.note("voice activity", message.voice_activity)
        self._publisher.publish(emotion_message(estimate))

    def _estimate(self, message: MfccWindow) -> Estimate:
        return self._step.classify(
            mfcc_of(message) if self._step.reads_matrix else mfcc_mean_of(message),
            message.voice_activity,
            Reason(message.reasons),
            stamp_ns(message.header.stamp),
            message.header.frame_id,
            window_ns(message),
        )


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit code."""
    return run(SpeechClassifierNode, args)
