import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotion_recognition.faces import FrameSampler

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def taken(sampler, stamps):
    return [int(stamp) for stamp in stamps if sampler.accept(int(stamp))]


def stream(rate, seconds):
    return START + np.round(np.arange(round(seconds * rate)) * SECOND / rate).astype(np.int64)


@pytest.mark.parametrize("rate", [10, 15, 24, 25, 29.97, 30, 50, 60, 120])
def test_fifteen_frames_in_three_seconds_without_drift(rate):
    stamps = taken(FrameSampler(15, 3.0), stream(rate, 600))
    assert len(stamps) == pytest.approx(600 * 5, abs=1)
    due = START + np.arange(len(stamps)) * SECOND // 5
    assert np.abs(np.array(stamps) - due).max() <= SECOND / rate / 2 + 1


def test_the_frames_of_a_30_hz_camera_are_every_sixth():
    stamps = stream(30, 10)
    chosen = taken(FrameSampler(), stamps)
    assert np.diff(np.searchsorted(stamps, chosen)).tolist() == [6] * 49
    assert len(chosen) == 50


@pytest.mark.parametrize("rate", [1, 2, 4, 4.9, 5])
def test_of_a_slow_stream_every_frame_is_taken(rate):
    stamps = stream(rate, 100)
    assert taken(FrameSampler(), stamps) == stamps.tolist()


@pytest.mark.parametrize("rate", [10, 15, 25, 30, 50, 60, 120])
def test_jitter_of_3_ms_leaves_the_spacing_even(rate):
    noise = np.random.default_rng(3).integers(-3_000_000, 3_000_001, round(rate * 60))
    chosen = taken(FrameSampler(), stream(rate, 60) + noise)
    spacing = np.diff(chosen) / SECOND
    assert len(chosen) == pytest.approx(300, abs=1)
    assert np.abs(spacing - 0.2).max() <= 1 / rate + 0.007


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1_000_000, 400_000_000), min_size=1, max_size=300))
def test_any_rising_stamps_give_at_most_the_frames_of_the_grid(steps):
    stamps = START + np.cumsum(steps)
    chosen = taken(FrameSampler(), stamps)
    assert chosen[0] == stamps[0]
    assert len(chosen) <= (stamps[-1] - stamps[0]) / (SECOND / 5) + 2
    # Nothing is passed over for longer than the interval and a frame's step.
    assert max(np.diff(chosen, append=stamps[-1]), default=0) <= 2 * SECOND // 5 + max(steps)


def test_after_a_gap_the_grid_starts_anew():
    sampler = FrameSampler()
    taken(sampler, stream(30, 2))
    late = stream(30, 2) + 10 * SECOND + 123_456_789
    chosen = taken(sampler, late)
    assert chosen[0] == late[0] and len(chosen) == 10


def test_old_and_repeated_stamps_are_not_taken_until_reset():
    sampler = FrameSampler()
    assert sampler.accept(START)
    assert not sampler.accept(START)
    assert not sampler.accept(START - 5 * SECOND)
    sampler.reset()
    assert sampler.accept(START - 5 * SECOND)


def test_other_windows():
    assert len(taken(FrameSampler(frames=8, window_s=2.0), stream(30, 20))) == pytest.approx(80, abs=1)


@pytest.mark.parametrize(
    ("frames", "window_s"), [(0, 3.0), (15, 0.0), (15, -1.0), (15, float("nan")), (15, float("inf"))]
)
def test_settings_out_of_range(frames, window_s):
    with pytest.raises(ValueError, match="expected"):
        FrameSampler(frames, window_s)
