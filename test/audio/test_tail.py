"""The last values of a stream."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.audio.tail import Tail

# Values that are added, and how many of the values so far are then forgotten.
steps = st.lists(st.tuples(st.integers(0, 700), st.integers(-50, 3000)), max_size=40)


@given(steps, st.data())
def test_it_holds_what_was_added_and_not_forgotten(steps, data):
    tail, said, first = Tail(np.float32), np.empty(0, np.float32), 0
    for count, before in steps:
        new = np.arange(len(said), len(said) + count, dtype=np.float32)
        tail.add(new)
        said = np.concatenate([said, new])
        tail.forget(before)
        first = min(max(first, before), len(said))
        assert (tail.first, tail.end, len(tail)) == (first, len(said), len(said) - first)
        low = data.draw(st.integers(first, len(said)))
        high = data.draw(st.integers(low, len(said)))
        assert np.array_equal(tail.between(low, high), said[low:high])


def test_memory_does_not_grow_with_the_stream():
    tail = Tail(np.uint8)
    for number in range(5000):
        tail.add(np.full(320, number % 256, np.uint8))
        tail.forget(tail.end - 48_000)
    assert len(tail) == 48_000 and len(tail._room) <= 2 * (48_000 + 320)
    assert tail.between(tail.end - 320, tail.end).tolist() == [4999 % 256] * 320


def test_room_for_a_minute_that_came_at_once_does_not_stay():
    tail = Tail(np.float32)
    tail.add(np.arange(960_000))
    tail.forget(tail.end - 48_000)
    assert len(tail._room) == 2 * 48_000
    assert tail.between(tail.end - 48_000, tail.end).tolist() == list(range(912_000, 960_000))


def test_a_restart_counts_anew():
    tail = Tail(np.float32)
    tail.add(np.ones(5000, np.float32))
    tail.forget(10)
    tail.restart()
    tail.add(np.array([3.0]))
    assert (tail.first, tail.end, tail.between(0, 1).tolist()) == (0, 1, [3.0])
