import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.audio.clock import SampleClock
from emotion_recognition.stamps import SECOND_NS

START = 1_700_000_000 * SECOND_NS


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=60), st.sampled_from([8000, 16000, 44100, 48000]))
def test_exact_times_pass_unchanged(counts, rate):
    clock, done = SampleClock(rate), 0
    for count in counts:
        true_ns = START + done * SECOND_NS // rate
        assert abs(clock.place(true_ns, count, 0.1) - true_ns) <= len(counts)
        done += count


def test_jitter_is_smoothed():
    clock, rng = SampleClock(16000), np.random.default_rng(0)
    errors = []
    for chunk in range(1000):
        true_ns = START + chunk * 160 * SECOND_NS // 16000
        errors.append(clock.place(true_ns + int(rng.normal(0, 10e6)), 160, 0.1) - true_ns)
    assert np.abs(errors[200:]).max() < 3e6  # a tenth of the jitter's reach


def test_drift_does_not_add_up():
    clock = SampleClock(16000)
    for chunk in range(6000):  # 10 minutes of a sound card 200 ppm too slow: 120 ms
        true_ns = START + int(chunk * 1600 * SECOND_NS / 16000 * 1.0002)
        error = clock.place(true_ns, 1600, 0.1) - true_ns
    assert abs(error) < 1e6


@pytest.mark.parametrize("jump_s", [0.11, -0.11, 5.0, -5.0])
def test_a_jump_is_refused_and_changes_nothing(jump_s):
    clock = SampleClock(16000)
    clock.place(START, 16000, 0.1)
    assert clock.place(START + SECOND_NS + int(jump_s * SECOND_NS), 160, 0.1) is None
    assert clock.place(START + SECOND_NS, 160, 0.1) == START + SECOND_NS
