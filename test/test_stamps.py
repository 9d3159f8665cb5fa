import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.stamps import LATEST_NS, StampGuard, Verdict

SECOND = 1_000_000_000
NOW = 1_000 * SECOND


@pytest.fixture
def guard():
    return StampGuard(max_age_s=2.0, max_future_s=0.5)


def ok(restarted=False):
    return Verdict(True, "", restarted)


def test_stamps_that_go_forward_near_the_clock_are_accepted(guard):
    for step in range(5):
        now = NOW + step * SECOND // 10
        assert guard.check(now - SECOND // 20, now) == ok()


@pytest.mark.parametrize("age", [2 * SECOND, 0, -SECOND // 2])
def test_the_limits_themselves_are_accepted(guard, age):
    assert guard.check(NOW - age, NOW) == ok()


@pytest.mark.parametrize(
    ("stamp", "problem"),
    [
        (0, "stamp 0.000000000 s is not set: expected the time the sensor measured"),
        (-5, "stamp -0.000000005 s is not set: expected the time the sensor measured"),
        (NOW - 5 * SECOND, "stamp 995.000000000 s is 5.000 s old: expected at most 2 s"),
        (NOW - 2 * SECOND - 1, "stamp 997.999999999 s is 2.000 s old: expected at most 2 s"),
        (NOW + SECOND, "stamp 1001.000000000 s is 1.000 s in the future: expected at most 0.5 s"),
    ],
)
def test_stamps_out_of_range_are_refused_with_value_age_and_limit(guard, stamp, problem):
    assert guard.check(stamp, NOW) == Verdict(False, problem)
    assert guard.check(NOW, NOW) == ok()


def test_a_repeated_or_earlier_stamp_is_refused(guard):
    guard.check(NOW, NOW)
    assert guard.check(NOW, NOW).problem == "stamp 1000.000000000 s repeats the last one: expected a later stamp"
    assert guard.check(NOW - SECOND // 4, NOW).problem == (
        "stamp 999.750000000 s is 0.250 s before the last one, 1000.000000000 s: expected a later stamp"
    )
    assert guard.check(NOW + 1, NOW) == ok()


def test_a_clock_that_stands_at_zero_is_named(guard):
    assert "use_sim_time something must publish /clock" in guard.check(NOW, 0).problem


def test_when_the_clock_jumps_back_the_first_good_stamp_restarts(guard):
    guard.check(NOW, NOW)
    early = NOW - 100 * SECOND
    assert not guard.check(NOW + 1, early).accepted, "a stamp of the old run lies in the future"
    assert guard.check(early, early) == ok(restarted=True)
    assert guard.check(early + 1, early + 1) == ok()


def test_a_clock_corrected_by_less_than_a_second_does_not_restart(guard):
    guard.check(NOW, NOW)
    corrected = NOW - SECOND + 1
    assert "before the last one" in guard.check(corrected, corrected).problem
    assert guard.check(NOW + 1, NOW) == ok()


def test_a_sensor_that_keeps_to_an_earlier_timeline_is_believed_after_a_second():
    guard = StampGuard(max_age_s=math.inf, max_future_s=0.5)
    guard.check(NOW, NOW)
    verdicts = []
    for step in range(25):
        passed = step * SECOND // 20
        verdicts.append(guard.check(NOW - 500 * SECOND + passed, NOW + passed))
    assert not any(verdict.accepted for verdict in verdicts[:21])
    assert verdicts[21] == ok(restarted=True)
    assert verdicts[22:] == [ok()] * 3


def test_two_senders_with_different_times_never_restart():
    guard = StampGuard(max_age_s=math.inf, max_future_s=0.5)
    for step in range(100):
        passed = step * SECOND // 10
        assert guard.check(NOW + passed, NOW + passed) == ok()
        assert not guard.check(NOW - 500 * SECOND + passed, NOW + passed).accepted


def test_one_earlier_stamp_repeated_for_long_is_not_a_timeline():
    guard = StampGuard(max_age_s=math.inf, max_future_s=0.5)
    guard.check(NOW, NOW)
    assert not any(guard.check(NOW - SECOND, NOW + step * SECOND).accepted for step in range(10))


def test_an_earlier_timeline_older_than_the_limit_stays_refused(guard):
    guard.check(NOW, NOW)
    for step in range(100):
        passed = step * SECOND // 10
        assert "s old" in guard.check(NOW - 500 * SECOND + passed, NOW + passed).problem


def test_a_stamp_too_late_for_messages_is_refused_however_far_ahead_stamps_may_be():
    guard = StampGuard(max_age_s=math.inf, max_future_s=math.inf)
    assert guard.check(LATEST_NS, NOW) == ok()
    problem = guard.check(LATEST_NS + 1, NOW).problem
    assert problem.startswith(f"stamp {2**31 - 1 - 86_400}.000000001 s is too late for messages: expected at most")


def test_reset_forgets_the_last_stamp(guard):
    guard.check(NOW, NOW)
    guard.reset()
    assert guard.check(NOW - SECOND, NOW) == ok()


@pytest.mark.parametrize("limits", [(-1, 0.5), (2, -0.1), (math.nan, 0.5)])
def test_wrong_limits_are_refused(limits):
    with pytest.raises(ValueError, match="expected 0 or more seconds"):
        StampGuard(*limits)


offsets = st.integers(-5 * SECOND, 3 * SECOND)


@given(st.lists(st.tuples(st.integers(-3 * SECOND, 3 * SECOND), offsets), max_size=60))
def test_what_is_accepted_rises_and_lies_in_range(steps):
    """Whatever a sensor and a clock do: between restarts accepted stamps rise, and each verdict says one thing."""
    guard = StampGuard(max_age_s=2.0, max_future_s=0.5)
    now, last = NOW, None
    for step, offset in steps:
        now += step
        stamp = now + offset
        verdict = guard.check(stamp, now)
        assert verdict.accepted == (verdict.problem == "")
        if verdict.accepted:
            assert -2 * SECOND <= offset <= SECOND // 2
            assert verdict.restarted or last is None or stamp > last
            last = stamp
        else:
            assert not verdict.restarted


@given(st.lists(st.integers(1, SECOND // 2), min_size=1, max_size=60), st.integers(-SECOND // 2, 2 * SECOND))
def test_a_steady_sensor_loses_nothing(gaps, delay):
    guard = StampGuard(max_age_s=2.0, max_future_s=0.5)
    now = NOW
    for gap in gaps:
        now += gap
        assert guard.check(now - delay, now) == ok()
