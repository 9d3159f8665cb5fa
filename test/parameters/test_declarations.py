import pytest

from emotion_recognition.audio.resampling import RATE_RANGE
from emotion_recognition.parameters import ParameterError, checked, declarations
from emotion_recognition.sensors.pcm import MAX_CHANNELS, SAMPLE_FORMATS


def test_the_microphone_may_have_every_format_that_can_be_read():
    found = declarations("mfcc_extractor")
    assert found["sample_format"].one_of == SAMPLE_FORMATS
    assert found["sample_rate"].maximum == RATE_RANGE[1]
    assert found["channels"].maximum == MAX_CHANNELS


@pytest.mark.parametrize("rate", [0, *RATE_RANGE])
def test_a_sample_rate_that_can_be_resampled_is_taken(rate):
    assert checked("mfcc_extractor", {"sample_rate": rate})["sample_rate"] == rate


def test_a_sample_rate_too_low_is_refused():
    with pytest.raises(ParameterError, match="sample_rate is 3999; expected 0 or at least 4000 Hz"):
        checked("mfcc_extractor", {"sample_rate": RATE_RANGE[0] - 1})
