import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotion_recognition.features import MfccSettings, NumpyMfcc
from emotion_recognition.features.mfcc import dct_matrix
from emotion_recognition.features.trimming import frame_levels, sounding


def mfcc_of_levels(levels):
    """MFCCs of flat spectra whose 128 bands all have the given level in dB."""
    return dct_matrix(40, 128) @ np.tile(np.asarray(levels, float), (128, 1))


def test_levels_are_the_power_of_all_bands():
    assert frame_levels(mfcc_of_levels([-20.0, 0.0])) == pytest.approx(
        [-20 + 10 * np.log10(128), 10 * np.log10(128)], abs=1e-9
    )


def test_silence_at_the_ends_goes_and_pauses_stay():
    levels = [-80, -60, 0, -5, -70, -3, -36, -80]
    assert sounding(mfcc_of_levels(levels)) == slice(2, 6)
    assert sounding(mfcc_of_levels(levels), range_db=37) == slice(2, 7)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("level", [1e30, -1e30])
def test_levels_beyond_any_sound_are_no_trouble(level):
    assert sounding(np.full((40, 3), level, np.float32) * np.eye(40, 1, dtype=np.float32)) == slice(0, 3)


def test_a_tone_between_silences_is_found_to_the_frame():
    rate = 16000
    sound = np.zeros(3 * rate, np.float32)
    sound[rate : 2 * rate] = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    found = sounding(NumpyMfcc()(sound))
    # A frame sees 1024 samples to either side of its centre, every 512 samples.
    assert abs(found.start - (rate - 1024) / 512) <= 1.5
    assert abs(found.stop - (2 * rate + 1024) / 512) <= 2.5


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-100, 0), min_size=1, max_size=30),
    st.floats(-40, 40),
    st.floats(0, 100),
)
def test_gain_changes_nothing_and_the_loudest_frame_stays(levels, gain, range_db):
    kept = sounding(mfcc_of_levels(levels), range_db)
    again = sounding(mfcc_of_levels(np.array(levels) + gain), range_db + 1e-6)
    assert kept.start <= int(np.argmax(levels)) < kept.stop
    assert again.start <= kept.start and again.stop >= kept.stop


@pytest.mark.parametrize("wrong", [np.zeros((40, 0)), np.zeros(40)])
def test_no_frame_is_refused(wrong):
    with pytest.raises(ValueError, match="expected .coefficients, T."):
        sounding(wrong)
    with pytest.raises(ValueError, match="range -1"):
        sounding(np.zeros((40, 2)), -1)


def test_bands_are_those_the_coefficients_are_made_of():
    rng = np.random.default_rng(0)
    mfcc = NumpyMfcc(MfccSettings())
    sound = rng.standard_normal(16000).astype(np.float32) * 0.1
    assert np.allclose(dct_matrix(40, 128) @ mfcc.decibels(sound), mfcc(sound), atol=1e-3)
