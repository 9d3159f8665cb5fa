"""Face and speech emotions to one emotion a person."""

from collections.abc import Mapping
from typing import Any

from emotion_recognition.estimates import Estimate, Modality, Status
from emotion_recognition.fusion import Fusion, FusionSettings, Smoother, Steadiness
from emotion_recognition.stamps import RESTART_NS, SECOND_NS

STATES = {
    Modality.FACE: (Status.FACE_ONLY, Status.NEITHER),
    Modality.SPEECH: (Status.SPEECH_ONLY, Status.NEITHER),
}
Pair = tuple[Estimate, Estimate]


class FusionStep:
    """Brings both streams together; every decision comes by itself and smoothed.

    Args:
        parameters: of ``fusion``.

    Raises:
        ValueError: a parameter is out of range.
    """

    def __init__(self, parameters: Mapping[str, Any]):
        p = parameters
        self._fusion = Fusion(
            FusionSettings(
                method=p["fusion_method"],
                pair_within_ns=round(p["pair_within"] * SECOND_NS),
                stale_after_ns=round(p["stale_after"] * SECOND_NS),
                min_confidence=p["min_confidence"],
                temperature=p["fused_temperature"],
            )
        )
        self._smoother = Smoother(p["smoothing"], steadiness=Steadiness(p["hysteresis"], p["min_confidence"]))
        self._newest: dict[Modality, int] = {}
        self._looked_ns = 0

    def reset(self) -> None:
        """Drop everything heard so far."""
        self._fusion.reset()
        self._smoother.reset()
        self._newest = {}

    def take(self, estimate: Estimate, modality: Modality, now_ns: int) -> list[Pair]:
        """Take the next estimate of a stream and return the decisions that follow, each with its smoothed form.

        Args:
            estimate: of the stream.
            modality: the stream's, FACE or SPEECH.
            now_ns: ROS time.

        Raises:
            ValueError: the estimate is not one of that stream.
        """
        self._look(now_ns)
        states = STATES[modality]
        if estimate.modality is not modality or estimate.status not in states:
            found = f"modality {estimate.modality.name}, status {estimate.status.name}"
            expected = f"modality {modality.name}, status {' or '.join(state.name for state in states)}"
            raise ValueError(f"{found}; expected {expected}")
        if estimate.stamp_ns < self._newest.get(modality, 0):
            # A classifier lets a stamp go back only where time began anew: for its sensor alone, or, as in a bag that
            # loops, for ROS time too, which _look sees. The other stream has its time.
            self._fusion.forget(modality)
        self._newest[modality] = estimate.stamp_ns
        if modality is Modality.SPEECH:
            decisions = self._fusion.speech(estimate, now_ns)
        else:
            decisions = self._fusion.face([estimate], now_ns)
        return [self._pair(decision) for decision in decisions]

    def idle(self, now_ns: int) -> Pair | None:
        """Return that there is nothing to say, where that is so; to be called every ``idle_period``."""
        self._look(now_ns)
        nothing = self._fusion.idle(now_ns)
        return None if nothing is None else self._pair(nothing)

    def _look(self, now_ns: int) -> None:
        """Where ROS time went back, as when a bag loops, forget what was heard in the time before."""
        if self._looked_ns - now_ns >= RESTART_NS:
            self.reset()
        self._looked_ns = now_ns

    def _pair(self, decision: Estimate) -> Pair:
        return decision, self._smoother.update(decision)
