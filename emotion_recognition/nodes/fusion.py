"""Node: face and speech emotions to one emotion a person."""

from emotion_recognition.chain import FusionStep
from emotion_recognition.chain.decisions import Pair
from emotion_recognition.estimates import Estimate, Modality, Reason
from emotion_recognition.fusion import name_missing
from emotion_recognition.msg import Emotion
from emotion_recognition.nodes import qos
from emotion_recognition.nodes.base import PerceptionNode
from emotion_recognition.nodes.conversions import SECOND_NS, emotion_message, estimate_of
from emotion_recognition.nodes.running import run

STREAMS = {"emotion/face": Modality.FACE, "emotion/speech": Modality.SPEECH}
TOPICS = {modality: topic for topic, modality in STREAMS.items()}


class FusionNode(PerceptionNode):
    """Publishes every decision on ``emotion/raw`` and its smoothed form on ``emotion``.

    While there is nothing to say, or perception is switched off, both topics say so every ``idle_period``.
    """

    NAME = "fusion"

    def configure(self) -> None:
        """Make the fusion and the publishers."""
        self._step = FusionStep(self.parameters)
        self._raw = self.advertise(Emotion, "emotion/raw", qos.EMOTION)
        self._smoothed = self.advertise(Emotion, "emotion", qos.EMOTION)

    def activate(self) -> None:
        """Listen to both classifiers."""
        self.listen(Emotion, "emotion/face", lambda message: self._take("emotion/face", message), qos.STREAM)
        self.listen(Emotion, "emotion/speech", lambda message: self._take("emotion/speech", message), qos.STREAM)
        self.every(self.parameters["idle_period"], self._idle)

    def say_off(self) -> None:
        """Publish that perception is switched off, now and every ``idle_period``."""
        self.every(self.parameters["idle_period"], self._publish_off)
        self._publish_off()

    def forget(self) -> None:
        """Drop everything heard so far."""
        if hasattr(self, "_step"):
            self._step.reset()

    def _take(self, topic: str, message: Emotion) -> None:
        if not self.is_dated(topic, message):
            return
        now = self.get_clock().now().nanoseconds
        try:
            estimate = estimate_of(message)
            decisions = self._step.take(estimate, STREAMS[topic], now)
        except ValueError as error:
            self.leave_out(topic, "emotion", f"message on {{topic}} left out: {error}")
            return
        self._name_stale(topic, estimate.stamp_ns, now)
        for decision in decisions:
            self._publish(decision)

    def _name_stale(self, topic: str, stamp_ns: int, now_ns: int) -> None:
        age_s = (now_ns - stamp_ns) / SECOND_NS
        if age_s > self.parameters["stale_after"]:
            self.leave_out(
                topic,
                f"stale {topic}",
                f"message on {{topic}} is {age_s:.1f} s old, expected at most stale_after, "
                f"{self.parameters['stale_after']} s: left out",
            )

    def _idle(self) -> None:
        nothing = self._step.idle(self.get_clock().now().nanoseconds)
        if nothing is not None:
            self._publish(nothing)

    def _publish_off(self) -> None:
        off = Estimate.nothing(Modality.FUSED, Reason.DISABLED, self.get_clock().now().nanoseconds)
        self._publish((off, off))

    def _publish(self, decision: Pair) -> None:
        self.monitor.note("status", decision[0].status.name)
        for publisher, estimate in zip((self._raw, self._smoothed), decision, strict=True):
            if publisher.get_subscription_count():
                publisher.publish(emotion_message(name_missing(estimate, self._is_published)))

    def _is_published(self, modality: Modality) -> bool:
        return self.count_publishers(self.resolve_topic_name(TOPICS[modality])) > 0


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit code."""
    return run(FusionNode, args)
