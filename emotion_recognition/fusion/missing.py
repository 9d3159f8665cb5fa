"""Streams that nobody classifies told apart from those that have fallen silent."""

from collections.abc import Callable
from dataclasses import replace

from emotion_recognition.estimates import Estimate, Modality, Reason

# Why a stream that nobody publishes is left out.
STALE = {Modality.FACE: Reason.CAMERA_STALE, Modality.SPEECH: Reason.MICROPHONE_STALE}


def name_missing(estimate: Estimate, is_published: Callable[[Modality], bool]) -> Estimate:
    """Return a fused estimate with the reason MODEL_MISSING where one of its stale streams has no classifier.

    Args:
        estimate: on the fused topics.
        is_published: tells of FACE or SPEECH whether somebody publishes it; asked only where that stream is stale.
    """
    if any(estimate.reasons & stale and not is_published(modality) for modality, stale in STALE.items()):
        return replace(estimate, reasons=estimate.reasons | Reason.MODEL_MISSING)
    return estimate
