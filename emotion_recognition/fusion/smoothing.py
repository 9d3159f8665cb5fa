"""Decisions smoothed over time, each person by themself."""

import math
from dataclasses import dataclass, fields

import numpy as np

from emotion_recognition.estimates import Estimate, Status
from emotion_recognition.fusion.decision import decide
from emotion_recognition.fusion.means import transfer
from emotion_recognition.fusion.steadiness import Steadiness
from emotion_recognition.stamps import SECOND_NS

_DECIDED = {"class_id", "confidence", "class_ids", "probabilities", "valence", "arousal"}
_KEPT = tuple(field.name for field in fields(Estimate) if field.name not in _DECIDED)


@dataclass(frozen=True)
class _Kept:
    stamp_ns: int
    class_ids: tuple[int, ...]
    probabilities: np.ndarray
    class_id: int
    face_frames: int


class Smoother:
    """Exponential smoothing of probabilities in stamp time, and a label that does not flicker.

    What was has the weight exp(-dt / time constant), what is new the rest; stamp, window, status and everything else
    are those of the newest decision. When the label table changes, what was is brought to the new table as fusion
    brings one stream to the other's, so that a voice that comes or goes does not undo the smoothing.

    The label follows :class:`~emotion_recognition.fusion.steadiness.Steadiness`; the confidence is the named class's
    probability, that of the most probable one while the label is UNKNOWN.

    Args:
        time_constant_s: from 0, which leaves the probabilities as they are.
        max_gap_s: a person not heard of for longer begins anew; above 0.
        steadiness: of the label.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        time_constant_s: float = 0.5,
        max_gap_s: float = 3.0,
        steadiness: Steadiness = Steadiness(),  # noqa: B008 (frozen)
    ):
        if not time_constant_s >= 0 or not max_gap_s > 0:
            raise ValueError(f"time_constant_s {time_constant_s}, max_gap_s {max_gap_s}: expected 0 or more, above 0")
        self.time_constant_s = time_constant_s
        self.max_gap_s = max_gap_s
        self.steadiness = steadiness
        self._persons: dict[str, _Kept] = {}

    def reset(self) -> None:
        """Forget everyone, for instance because time began anew."""
        self._persons.clear()

    def update(self, estimate: Estimate) -> Estimate:
        """Return the smoothed form of a person's newest decision.

        With status NEITHER everyone is forgotten and the estimate is returned as it is. A stamp not after the person's
        last begins anew, and so does a face of one frame after more: the number of a track is another face's now.
        """
        if estimate.status is Status.NEITHER:
            self.reset()
            return estimate
        was = self._kept(estimate)
        values = self._smooth(was, estimate)
        label = self.steadiness.name(values, estimate.class_ids, was.class_id if was else None)
        frames = estimate.face_frames or (was.face_frames if was else 0)
        self._persons[estimate.person_id] = _Kept(estimate.stamp_ns, estimate.class_ids, values, label, frames)
        self._drop_gone(estimate.stamp_ns)
        kept = {name: getattr(estimate, name) for name in _KEPT}
        return decide(values, estimate.class_ids, class_id=label, **kept)

    def _kept(self, estimate: Estimate) -> _Kept | None:
        """Return what is kept of an estimate's person, None where they begin anew."""
        was = self._persons.get(estimate.person_id)
        if was is None or not 0 < estimate.stamp_ns - was.stamp_ns <= self.max_gap_s * SECOND_NS:
            return None
        return None if estimate.face_frames == 1 < was.face_frames else was

    def _smooth(self, was: _Kept | None, estimate: Estimate) -> np.ndarray:
        new = np.asarray(estimate.probabilities)
        new = new / new.sum()
        if was is None or self.time_constant_s == 0:
            return new
        weight = math.exp((was.stamp_ns - estimate.stamp_ns) / SECOND_NS / self.time_constant_s)
        old = was.probabilities
        if was.class_ids != estimate.class_ids:
            old = transfer(old, was.class_ids, estimate.class_ids, new, estimate.class_ids)
        return weight * old + (1 - weight) * new

    def _drop_gone(self, stamp_ns: int) -> None:
        oldest = stamp_ns - self.max_gap_s * SECOND_NS
        for person in [person for person, kept in self._persons.items() if kept.stamp_ns < oldest]:
            del self._persons[person]
