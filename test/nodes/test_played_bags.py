"""Real nodes under a bag that is stopped, goes on, and begins again."""

import contextlib
import threading
import time

import pytest

pytest.importorskip("rclpy", reason="needs ROS")
pytest.importorskip("rosbags", reason="needs requirements/bags.txt")
pytest.importorskip("av", reason="the recording is read with PyAV")

from demo_bags import demo_bag  # noqa: E402
from emotion_recognition.msg import Emotion  # noqa: E402
from harness import stamps  # noqa: E402

from emotion_recognition.bags.playing import Player  # noqa: E402
from emotion_recognition.bags.reading import Bag  # noqa: E402
from emotion_recognition.bags.sources import find_sources  # noqa: E402
from emotion_recognition.nodes.composed import PERCEPTION  # noqa: E402

SECOND = 1_000_000_000
REAL = (Emotion.STATUS_FACE_ONLY, Emotion.STATUS_SPEECH_ONLY, Emotion.STATUS_BOTH)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return tmp_path_factory.mktemp("made")


@pytest.fixture
def played(bench, made, tmp_path):
    """A player of four seconds of the bundled recording, all nodes, and what they say."""
    heard = []
    bench.node.create_subscription(Emotion, "emotion", heard.append, 1000)
    with Bag(demo_bag(made, tmp_path / "bag", duration_s=4.0)) as bag:
        spun = []

        def spin(seconds):
            for each in spun:
                each()
            time.sleep(seconds)

        player = Player(bench.node, bag, find_sources(bag), spin, rate=2.0, clock="clock")
        simulated = {"use_sim_time": True, "silence_report": 600.0, "image_transport": "compressed"}
        for node in PERCEPTION:
            own = {name: value for name, value in simulated.items() if name != "image_transport"}
            parameters = simulated if node.NAME == "face_detector" else own
            bench.add(node, "-r", f"/clock:={bench.namespace}/clock", **parameters)
        bench.until(lambda: player.is_heard and player.clocks == len(PERCEPTION), "the nodes listen")
        yield player, heard, spun


@contextlib.contextmanager
def at_work(bench):
    """Let the nodes work in a thread of their own, as in a process: their time must not wait for the bag's."""
    ended = threading.Event()

    def work():
        while not ended.is_set():
            bench.executor.spin_once(timeout_sec=0.05)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def decided(heard):
    return stamps(message for message in heard if message.status in REAL)


def test_a_bag_that_stops_and_goes_on_is_perceived_as_one_that_does_not_stop(bench, played):
    player, heard, spun = played
    at = player.now_ns + 2 * SECOND
    still = []

    def stop_once():
        if player.now_ns >= at and not still:
            player.pause()
            still.append((time.monotonic(), player.now_ns))
        elif still and len(still) == 1 and time.monotonic() - still[0][0] > 1.5:
            still.append((time.monotonic(), player.now_ns, len(heard)))
            player.resume()

    spun.append(stop_once)
    with at_work(bench):
        player.play()
    bench.settle()
    assert len(still) == 2 and still[0][1] == still[1][1]  # the time stood still
    found = decided(heard)
    assert found == sorted(set(found)) and len([one for one in found if one > at]) > 5
    assert {message.status for message in heard if stamps([message])[0] > at} <= set(REAL)  # nothing got stale
    tracks = {message.person_id for message in heard if message.status in REAL}
    assert tracks <= {"voice", "face_1"}


def test_a_bag_that_begins_again_is_perceived_again(bench, played):
    player, heard, _ = played
    with at_work(bench):
        player.play(loops=2)
    bench.settle()
    found = decided(heard)
    (turn,) = [place for place in range(1, len(found)) if found[place] < found[place - 1]]
    first, second = found[:turn], found[turn:]
    assert first == sorted(set(first)) and second == sorted(set(second))
    # Best effort and a busy processor leave out some, not always the same.
    assert min(len(first), len(second)) > 0.6 * max(len(first), len(second)) > 5
    assert abs(first[0] - second[0]) < SECOND and abs(first[-1] - second[-1]) < SECOND


def test_a_player_that_is_stopped_publishes_nothing_more(bench, played):
    player, heard, spun = played
    begin = player.now_ns
    spun.append(lambda: player.now_ns > begin + SECOND and player.stop())
    with at_work(bench):
        player.play(from_s=0.5)
    assert begin + SECOND < player.now_ns < begin + 2 * SECOND
    assert min(player.newest_ns.values()) >= begin + SECOND // 2
