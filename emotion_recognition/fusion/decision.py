"""From a distribution over classes to a decision about a person."""

from collections.abc import Sequence

import numpy as np

from emotion_recognition import emotions
from emotion_recognition.estimates import Estimate, Modality, Reason, Status
from emotion_recognition.fusion.affect import valence_arousal


def decide(
    probabilities: Sequence[float],
    class_ids: Sequence[int],
    *,
    modality: Modality,
    status: Status,
    reasons: Reason = Reason.NONE,
    min_confidence: float = 0.0,
    class_id: int | None = None,
    **fields,
) -> Estimate:
    """Return the estimate a distribution gives: label, confidence, valence and arousal follow from it.

    Args:
        probabilities: (C,), finite, from 0, not all 0; normalised here.
        class_ids: the label table beside them.
        modality: what kind of decision it is.
        status: what it was computed from.
        reasons: why a stream is left out; ABSTAINED is set here or taken away.
        min_confidence: where no class reaches it, the label is UNKNOWN and the reasons have ABSTAINED; the confidence
            stays that of the most probable class.
        class_id: what to name, in place of the most probable class where it reaches ``min_confidence``: a class of the
            table, whose probability then is the confidence, or UNKNOWN.
        fields: the other fields of :class:`Estimate`.

    Raises:
        ValueError: the probabilities or another field are out of range, or the class is not in the table.
    """
    values = np.asarray(probabilities, np.float64)
    if values.ndim != 1 or not np.isfinite(values).all() or values.sum() <= 0:
        raise ValueError(f"probabilities {probabilities}, expected finite values, not all 0")
    values = values / values.sum()
    best = int(values.argmax())
    if class_id is None:
        class_id = int(class_ids[best]) if values[best] >= min_confidence else emotions.UNKNOWN
    abstains = class_id == emotions.UNKNOWN
    if not abstains and class_id not in class_ids:
        raise ValueError(f"class_id {class_id} is not in the label table {tuple(class_ids)}")
    reasons = reasons & ~Reason.ABSTAINED
    valence, arousal = valence_arousal(values, class_ids)
    return Estimate(
        modality=modality,
        status=status,
        reasons=reasons | Reason.ABSTAINED if abstains else reasons,
        class_id=int(class_id),
        confidence=float(values[best if abstains else list(class_ids).index(class_id)]),
        class_ids=tuple(int(number) for number in class_ids),
        probabilities=tuple(values.tolist()),
        valence=valence,
        arousal=arousal,
        **fields,
    )
