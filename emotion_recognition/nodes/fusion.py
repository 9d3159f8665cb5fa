"""Node: face and speech emotions to one emotion a person."""

from emotion_recognition.estimates import Estimate, Modality, Status
from emotion_recognition.fusion import Fusion, FusionSettings, Smoother
from emotion_recognition.msg import Emotion
from emotion_recognition.nodes import qos
from emotion_recognition.nodes.base import PerceptionNode
from emotion_recognition.nodes.conversions import SECOND_NS, emotion_message, estimate_of
from emotion_recognition.nodes.running import run
from emotion_recognition.stamps import RESTART_NS


class FusionNode(PerceptionNode):
    """Publishes every decision on ``emotion/raw`` and its smoothed form on ``emotion``.

    While there is nothing to say, both topics say so every ``idle_period``.
    """

    NAME = "fusion"
    EXPECTED = {
        "emotion/face": (Modality.FACE, (Status.FACE_ONLY, Status.NEITHER)),
        "emotion/speech": (Modality.SPEECH, (Status.SPEECH_ONLY, Status.NEITHER)),
    }

    def configure(self) -> None:
        """Make the fusion and the publishers."""
        p = self.parameters
        self._fusion = Fusion(
            FusionSettings(
                method=p["fusion_method"],
                pair_within_ns=round(p["pair_within"] * SECOND_NS),
                stale_after_ns=round(p["stale_after"] * SECOND_NS),
                min_confidence=p["min_confidence"],
                temperature=p["fused_temperature"],
            )
        )
        self._smoother = Smoother(p["smoothing"], min_confidence=p["min_confidence"])
        self._newest: dict[Modality, int] = {}
        self._looked_ns = 0
        self._raw = self.advertise(Emotion, "emotion/raw", qos.EMOTION)
        self._smoothed = self.advertise(Emotion, "emotion", qos.EMOTION)

    def activate(self) -> None:
        """Listen to both classifiers."""
        self.listen(Emotion, "emotion/face", lambda message: self._take("emotion/face", message), qos.STREAM)
        self.listen(Emotion, "emotion/speech", lambda message: self._take("emotion/speech", message), qos.STREAM)
        self.every(self.parameters["idle_period"], self._idle)

    def forget(self) -> None:
        """Drop everything heard so far."""
        if hasattr(self, "_fusion"):
            self._fusion.reset()
            self._smoother.reset()
            self._newest = {}

    def _take(self, topic: str, message: Emotion) -> None:
        if not self.is_dated(topic, message):
            return
        now = self._now_ns()
        try:
            estimate = estimate_of(message)
            modality, states = self.EXPECTED[topic]
            if estimate.modality is not modality or estimate.status not in states:
                found = f"modality {estimate.modality.name}, status {estimate.status.name}"
                expected = f"modality {modality.name}, status {' or '.join(state.name for state in states)}"
                raise ValueError(f"{found}; expected {expected}")
            if estimate.stamp_ns < self._newest.get(estimate.modality, 0):
                # A classifier lets a stamp go back only where time began anew, as in a bag that loops.
                self.forget()
            self._newest[estimate.modality] = estimate.stamp_ns
            self._name_stale(topic, estimate.stamp_ns, now)
            if estimate.modality is Modality.SPEECH:
                decisions = self._fusion.speech(estimate, now)
            else:
                decisions = self._fusion.face([estimate], now)
        except ValueError as error:
            self.reporter.report("emotion", f"message on {self.resolve_topic_name(topic)} left out: {error}")
            return
        for decision in decisions:
            self._publish(decision)

    def _now_ns(self) -> int:
        """Return ROS time; where it went back, as when a bag loops, forget what was heard in the time before."""
        now = self.get_clock().now().nanoseconds
        if self._looked_ns - now >= RESTART_NS:
            self.forget()
        self._looked_ns = now
        return now

    def _name_stale(self, topic: str, stamp_ns: int, now_ns: int) -> None:
        age_s = (now_ns - stamp_ns) / SECOND_NS
        if age_s > self.parameters["stale_after"]:
            self.reporter.report(
                f"stale {topic}",
                f"message on {self.resolve_topic_name(topic)} is {age_s:.1f} s old, expected at most stale_after, "
                f"{self.parameters['stale_after']} s: left out",
            )

    def _idle(self) -> None:
        nothing = self._fusion.idle(self._now_ns())
        if nothing is not None:
            self._publish(nothing)

    def _publish(self, decision: Estimate) -> None:
        smoothed = self._smoother.update(decision)
        for publisher, estimate in ((self._raw, decision), (self._smoothed, smoothed)):
            if publisher.get_subscription_count():
                publisher.publish(emotion_message(estimate))


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit code."""
    return run(FusionNode, args)
