"""Times in messages and as nanoseconds."""

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from emotion_recognition.nodes.conversions import stamp_ns, to_time  # noqa: E402

SECOND = 1_000_000_000


@given(st.integers(-(2**31) * SECOND, 2**31 * SECOND - 1))
def test_a_time_that_a_message_holds_comes_back_whole(time_ns):
    time = to_time(time_ns)
    assert 0 <= time.nanosec < SECOND and stamp_ns(time) == time_ns


@pytest.mark.parametrize("time_ns", [2**31 * SECOND, -(2**31) * SECOND - 1])
def test_a_time_that_no_message_holds_is_refused(time_ns):
    with pytest.raises(ValueError, match=f"time {time_ns} ns: expected what 32 bits"):
        to_time(time_ns)
