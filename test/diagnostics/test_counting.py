"""What a node counts, over its life and over the last periods."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.diagnostics import PERIODS, Monitor, resident_mib
from emotion_recognition.diagnostics.counting import KEPT_LATENCIES


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def monitor(clock):
    return Monitor(clock)


def second(monitor, clock, **counts):
    """Let a second pass in which so many messages are received, left out and skipped on ``image``."""
    for _ in range(counts.get("received", 0)):
        monitor.receive("image", 5, "camera")
    for _ in range(counts.get("left_out", 0)):
        monitor.leave_out("image", "too dark")
    monitor.skip("image", counts.get("skipped", 0))
    clock.now_s += 1.0
    monitor.close_period()


def test_nothing_is_known_of_a_topic_before_it_is_listened_to(monitor):
    assert monitor.inputs() == {}
    monitor.leave_out("image", "nobody listens")
    assert monitor.inputs() == {}


def test_a_topic_on_which_nothing_has_come(monitor, clock):
    monitor.begin("image")
    clock.now_s += 2.5
    found = monitor.inputs()["image"]
    assert (found.listening, found.heard, found.silent_s, found.received, found.rate) == (True, False, 2.5, 0, 0.0)
    assert (found.stamp_ns, found.frame_id, found.problem) == (None, "", "")


def test_messages_are_counted_for_ever_and_their_rate_is_of_late(monitor, clock):
    monitor.begin("image")
    for _ in range(PERIODS + 5):
        second(monitor, clock, received=30)
    found = monitor.inputs()["image"]
    assert found.received == 30 * (PERIODS + 5) and found.rate == pytest.approx(30.0)
    for _ in range(PERIODS):
        second(monitor, clock, received=10)
    assert monitor.inputs()["image"].rate == pytest.approx(10.0)
    # The period that goes on counts with the time it has lasted.
    clock.now_s += 0.5
    assert monitor.inputs()["image"].rate == pytest.approx(10.0 * PERIODS / (PERIODS + 0.5))


def test_the_rate_is_right_from_the_first_second_on(monitor, clock):
    monitor.begin("image")
    second(monitor, clock, received=20)
    assert monitor.inputs()["image"].rate == pytest.approx(20.0)


def test_what_was_left_out_or_skipped_is_remembered_and_forgotten(monitor, clock):
    monitor.begin("image")
    second(monitor, clock, received=8, left_out=3, skipped=2)
    found = monitor.inputs()["image"]
    assert (found.left_out, found.skipped, found.problem) == (3, 2, "too dark")
    assert (found.recently_left_out, found.recently_skipped) == (3, 2)
    for _ in range(PERIODS):
        second(monitor, clock, received=1)
    found = monitor.inputs()["image"]
    assert (found.left_out, found.skipped, found.recently_left_out, found.recently_skipped) == (3, 2, 0, 0)
    assert found.problem == ""


def test_the_newest_problem_is_told_and_a_caution_leaves_nothing_out(monitor, clock):
    monitor.begin("image")
    second(monitor, clock, left_out=1)
    monitor.caution("image", "frozen")
    found = monitor.inputs()["image"]
    assert (found.problem, found.left_out) == ("frozen", 1)


def test_the_last_message_is_told(monitor, clock):
    monitor.begin("image")
    monitor.receive("image", 7_000_000_000, "left_eye")
    clock.now_s += 1.5
    found = monitor.inputs()["image"]
    assert (found.stamp_ns, found.frame_id, found.heard, found.silent_s) == (7_000_000_000, "left_eye", True, 1.5)
    monitor.receive("image")
    assert monitor.inputs()["image"].stamp_ns is None


def test_a_rest_ends_the_listening_and_keeps_the_counts(monitor, clock):
    monitor.begin("image")
    second(monitor, clock, received=4)
    monitor.note("faces", 2)
    monitor.rest()
    assert not monitor.inputs()["image"].listening and monitor.notes() == {}
    clock.now_s += 60.0
    monitor.begin("image")
    found = monitor.inputs()["image"]
    assert (found.listening, found.heard, found.silent_s, found.received) == (True, False, 0.0, 4)


def test_latencies_are_of_the_last_periods(monitor, clock):
    assert monitor.outputs().latencies_ms is None
    monitor.publish()
    assert monitor.outputs().latencies_ms is None and monitor.outputs().published == 1
    for value in range(1, 101):
        monitor.publish(value / 1000)
    p50, p95, longest = monitor.outputs().latencies_ms
    assert (p50, p95, longest) == pytest.approx((50.5, 95.05, 100.0))
    for _ in range(PERIODS + 1):
        clock.now_s += 1.0
        monitor.close_period()
    assert monitor.outputs().latencies_ms is None
    monitor.publish(0.020)
    assert monitor.outputs().latencies_ms == pytest.approx((20.0, 20.0, 20.0))
    assert monitor.outputs().rate == pytest.approx(1 / PERIODS)


def test_latencies_take_no_more_memory_than_they_may(monitor):
    for value in range(3 * KEPT_LATENCIES):
        monitor.publish(float(value))
    assert len(monitor._outputs.now.latencies_s) == KEPT_LATENCIES
    assert monitor.outputs().published == 3 * KEPT_LATENCIES


def test_values_of_the_moment_do_not_outlive_it(monitor, clock):
    monitor.note("faces", 2)
    monitor.note("voice activity", 0.6666)
    assert monitor.notes() == {"faces": "2", "voice activity": "0.67"}
    for _ in range(PERIODS):
        clock.now_s += 1.0
        monitor.close_period()
    monitor.note("faces", 1)
    assert monitor.notes() == {"faces": "1", "voice activity": "0.67"}
    clock.now_s += 1.0
    monitor.close_period()
    assert monitor.notes() == {"faces": "1"}


def test_errors_are_counted_and_the_last_is_told(monitor, clock):
    assert monitor.errors()[0] == 0
    monitor.fail("KeyError: 'a'")
    monitor.fail("KeyError: 'b'")
    clock.now_s += 3.0
    assert monitor.errors() == (2, "KeyError: 'b'", 3.0)


@given(
    st.lists(st.tuples(st.sampled_from(["received", "left_out", "skipped", "tick"]), st.integers(1, 5)), max_size=40)
)
def test_counts_of_late_are_those_of_the_last_periods(events):
    clock = Clock()
    monitor = Monitor(clock)
    monitor.begin("image")
    periods = [{"received": 0, "left_out": 0, "skipped": 0}]
    for what, count in events:
        if what == "tick":
            second(monitor, clock)
            periods.append({"received": 0, "left_out": 0, "skipped": 0})
            continue
        periods[-1][what] += count
        for _ in range(count if what != "skipped" else 1):
            {
                "received": lambda: monitor.receive("image"),
                "left_out": lambda: monitor.leave_out("image", "x"),
                "skipped": lambda count=count: monitor.skip("image", count),
            }[what]()
    found = monitor.inputs()["image"]
    late = periods[-1 - PERIODS :]
    for what in ("received", "left_out", "skipped"):
        assert getattr(found, what) == sum(period[what] for period in periods)
    assert found.recently_left_out == sum(period["left_out"] for period in late)
    assert found.recently_skipped == sum(period["skipped"] for period in late)
    if len(periods) > 1:
        assert found.rate == pytest.approx(sum(period["received"] for period in late) / (len(late) - 1))


def test_several_threads_may_feed_it(monitor):
    monitor.begin("image")

    def feed():
        for _ in range(2000):
            monitor.receive("image", 1)
            monitor.leave_out("image", "x")
            monitor.publish(0.001)

    threads = [threading.Thread(target=feed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        monitor.close_period()
        monitor.inputs()
        monitor.outputs()
    for thread in threads:
        thread.join()
    found = monitor.inputs()["image"]
    assert (found.received, found.left_out, monitor.outputs().published) == (8000, 8000, 8000)


def test_memory_is_read_from_the_system(tmp_path):
    psutil = pytest.importorskip("psutil")
    assert resident_mib() == pytest.approx(psutil.Process().memory_info().rss / 2**20, rel=0.05)
    (tmp_path / "statm").write_text("200 100 1 1 0 1 0\n")
    import os

    assert resident_mib(tmp_path / "statm") == 100 * os.sysconf("SC_PAGE_SIZE") / 2**20
    assert resident_mib(tmp_path / "none") is None
    (tmp_path / "statm").write_text("nonsense\n")
    assert resident_mib(tmp_path / "statm") is None
