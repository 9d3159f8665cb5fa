"""A stream whose stamps go back while ROS time goes on: its sensor restarted; the other stream is none the worse."""

import pytest
from made_estimates import MS, face, no_voice, speech

from emotion_recognition.chain import FusionStep
from emotion_recognition.estimates import Modality, Reason, Status
from emotion_recognition.parameters import defaults


def said(pairs):
    return [(raw.person_id, raw.stamp_ns // MS, raw.status, raw.reasons) for raw, _ in pairs]


@pytest.fixture
def take():
    """Function that gives a step an estimate at a time in milliseconds; both streams have been fused at 10000."""
    step = FusionStep(defaults("fusion"))

    def give(one, at_ms):
        return step.take(one, one.modality, at_ms * MS)

    give.step = step
    assert said(give(speech(9900), 10_000)) == [("voice", 9900, Status.SPEECH_ONLY, Reason.CAMERA_STALE)]
    assert said(give(face(10_000), 10_000)) == [("face_1", 10_000, Status.BOTH, Reason.NONE)]
    return give


def test_a_camera_that_goes_back_leaves_the_voice(take):
    assert take(face(8200), 10_200) == []
    assert take.step.idle(10_300 * MS) is None
    assert said(take(speech(10_400), 10_500)) == [("voice", 10_400, Status.SPEECH_ONLY, Reason.CAMERA_STALE)]


def test_a_microphone_that_goes_back_leaves_the_face(take):
    assert take(speech(8000), 10_200) == []
    found = said(take(face(10_200), 10_200))
    assert found == [("face_1", 10_200, Status.FACE_ONLY, Reason.MICROPHONE_STALE)]


def test_silence_of_a_microphone_that_went_back_is_heard(take):
    assert take(no_voice(9000), 10_200) == []
    assert said(take(face(10_200), 10_200)) == [("face_1", 10_200, Status.FACE_ONLY, Reason.NO_VOICE)]


def test_a_person_s_stamps_go_on_rising(take):
    assert take(face(9400), 10_100) == take(face(9900), 10_600) == []
    assert said(take(face(10_100), 10_700))[0][:2] == ("face_1", 10_100)


def test_when_ros_time_goes_back_everything_begins_anew(take):
    assert said(take(face(5000), 5000)) == [("face_1", 5000, Status.FACE_ONLY, Reason.MICROPHONE_STALE)]


def test_other_modalities_are_refused(take):
    with pytest.raises(ValueError, match="modality FACE"):
        take.step.take(face(11_000), Modality.SPEECH, 11_000 * MS)
