"""Which class a person's smoothed probabilities are named, so that the label does not flicker.

Two rules with one margin, as a thermostat has them (a Schmitt trigger). A named class stays until another leads it by
the margin, and until its own probability falls below the least confidence: then the label is UNKNOWN. From UNKNOWN a
class is named again only when the most probable one reaches the least confidence and the margin. So whatever is named
has the least confidence at all times. Without a margin this is the most probable class where it is sure enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emotion_recognition import emotions
from emotion_recognition.fusion.affect import nearest_class


@dataclass(frozen=True)
class Steadiness:
    """Settings of the label.

    Attributes:
        hysteresis: probability by which another class must lead the named one, 0 to 1.
        min_confidence: least probability of a class that is named, 0 to 1.

    Raises:
        ValueError: a setting is out of range.
    """

    hysteresis: float = 0.0
    min_confidence: float = 0.0

    def __post_init__(self):
        if not (0 <= self.hysteresis <= 1 and 0 <= self.min_confidence <= 1):
            raise ValueError(f"{self}: expected both from 0 to 1")

    @property
    def named_again_from(self) -> float:
        """Probability from which a class is named after UNKNOWN: the margin above the least, at most half way to 1."""
        return min(self.min_confidence + self.hysteresis, (self.min_confidence + 1) / 2)

    def name(self, probabilities: np.ndarray, class_ids: Sequence[int], held: int | None = None) -> int:
        """Return the class id a person's newest probabilities are named.

        Args:
            probabilities: (C,), sum 1.
            class_ids: the label table beside them.
            held: what this returned for the person's last ones; None where there are none. A class that the table
                lacks is taken for the nearest one in it.

        Returns:
            A class of the table, or UNKNOWN.
        """
        best = int(np.argmax(probabilities))
        if held is None or held == emotions.UNKNOWN:
            least = self.min_confidence if held is None else self.named_again_from
            return int(class_ids[best]) if probabilities[best] >= least else emotions.UNKNOWN
        place = list(class_ids).index(held if held in class_ids else nearest_class(held, class_ids))
        if probabilities[best] - probabilities[place] >= self.hysteresis:
            place = best
        return int(class_ids[place]) if probabilities[place] >= self.min_confidence else emotions.UNKNOWN
