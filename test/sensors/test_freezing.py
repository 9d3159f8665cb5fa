"""A stream of frames that stands still."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.sensors.freezing import FreezeGuard

SECOND = 1_000_000_000


def frame(value):
    return np.full((4, 6, 3), value, np.uint8)


def test_the_same_frame_is_frozen_after_the_time_and_not_before():
    guard = FreezeGuard(2.0)
    times = [0, SECOND, 2 * SECOND - 1, 2 * SECOND, 9 * SECOND]
    assert [guard.is_frozen(frame(7), time_ns) for time_ns in times] == [False, False, False, True, True]


def test_one_other_pixel_ends_it():
    guard = FreezeGuard(1.0)
    other = frame(7)
    other[3, 5, 2] += 1
    assert not guard.is_frozen(frame(7), 0)
    assert guard.is_frozen(frame(7), SECOND)
    assert not guard.is_frozen(other, 2 * SECOND)
    assert not guard.is_frozen(frame(7), 3 * SECOND)


@pytest.mark.parametrize("row", [0, 1, 60, 61, 121, 199])
def test_one_other_pixel_of_a_large_frame_ends_it(row):
    guard = FreezeGuard(1.0)
    first = np.random.default_rng(0).integers(0, 256, (200, 30, 3), np.uint8)
    other = first.copy()
    other[row, 17, 1] ^= 1
    assert not guard.is_frozen(first, 0)
    assert guard.is_frozen(first.copy(), SECOND)
    assert not guard.is_frozen(other, 2 * SECOND)


def test_another_shape_of_the_same_bytes_is_another_frame():
    guard = FreezeGuard(1.0)
    guard.is_frozen(frame(7), 0)
    assert not guard.is_frozen(frame(7).reshape(6, 4, 3), SECOND)


def test_time_that_goes_back_begins_anew():
    guard = FreezeGuard(1.0)
    guard.is_frozen(frame(7), 10 * SECOND)
    assert not guard.is_frozen(frame(7), 5 * SECOND)
    assert guard.is_frozen(frame(7), 6 * SECOND)


def test_reset_forgets():
    guard = FreezeGuard(1.0)
    guard.is_frozen(frame(7), 0)
    guard.reset()
    assert not guard.is_frozen(frame(7), 5 * SECOND)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=30).filter(lambda v: all(map(int.__ne__, v, v[1:]))))
def test_a_stream_that_always_changes_is_never_frozen(values):
    guard = FreezeGuard(0.1)
    assert not any(guard.is_frozen(frame(value), n * SECOND) for n, value in enumerate(values))


@pytest.mark.parametrize("after_s", [0, -1, float("nan")])
def test_no_time_is_refused(after_s):
    with pytest.raises(ValueError, match="after_s"):
        FreezeGuard(after_s)
