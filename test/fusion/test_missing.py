"""The reason that says that no classifier runs."""

import pytest

from emotion_recognition.estimates import Estimate, Modality, Reason
from emotion_recognition.fusion import name_missing

CAMERA, MICROPHONE, MISSING = Reason.CAMERA_STALE, Reason.MICROPHONE_STALE, Reason.MODEL_MISSING


@pytest.mark.parametrize(
    ("reasons", "published", "named"),
    [
        (CAMERA | MICROPHONE, {Modality.FACE, Modality.SPEECH}, CAMERA | MICROPHONE),
        (CAMERA | MICROPHONE, {Modality.FACE}, CAMERA | MICROPHONE | MISSING),
        (CAMERA | MICROPHONE, set(), CAMERA | MICROPHONE | MISSING),
        (CAMERA | Reason.NO_VOICE, {Modality.FACE}, CAMERA | Reason.NO_VOICE),
        (MICROPHONE, {Modality.FACE}, MICROPHONE | MISSING),
        (MICROPHONE, {Modality.SPEECH}, MICROPHONE),
        # A stream that says why it has nothing has a classifier, or had one a moment ago.
        (Reason.NO_FACE | Reason.NO_VOICE, set(), Reason.NO_FACE | Reason.NO_VOICE),
        (Reason.DISABLED, set(), Reason.DISABLED),
    ],
)
def test_a_stale_stream_that_nobody_publishes_has_no_classifier(reasons, published, named):
    estimate = Estimate.nothing(Modality.FUSED, reasons, 5)
    found = name_missing(estimate, lambda modality: modality in published)
    assert found == Estimate.nothing(Modality.FUSED, named, 5)


def test_nobody_is_asked_about_a_stream_that_is_not_stale():
    asked = []
    name_missing(Estimate.nothing(Modality.FUSED, CAMERA | Reason.NO_VOICE, 5), lambda one: asked.append(one) or True)
    assert asked == [Modality.FACE]
