"""Bags through the real nodes, beside the same bags offline."""

import os

import pytest

# Read when the middleware starts: this machine only.
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"

pytest.importorskip("rosbags", reason="needs requirements/bags.txt")
pytest.importorskip("sklearn", reason="needs requirements/train.txt")
pytest.importorskip("av", reason="needs PyAV")
pytest.importorskip("rclpy", reason="needs ROS")

from demo_bags import demo_bag  # noqa: E402
from small_bags import copied  # noqa: E402

from emotion_recognition.bags.agreement import agreement  # noqa: E402
from emotion_recognition.bags.evaluating import Evaluation, evaluate_bag  # noqa: E402
from emotion_recognition.bags.reading import Bag  # noqa: E402
from emotion_recognition.bags.results import to_json  # noqa: E402
from emotion_recognition.stamps import SECOND_NS  # noqa: E402


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return tmp_path_factory.mktemp("made")


def both(path, rate, **how):
    offline, replayed = (evaluate_bag(path, Evaluation(way=way, rate=rate, **how)) for way in ("offline", "replayed"))
    assert (offline.mode, replayed.mode) == ("offline", "replayed")
    for stream in ("face", "speech"):
        times = [[one.time_s for one in run.decisions if one.stream == stream] for run in (offline, replayed)]
        assert times[0] and times[0] == times[1], stream
    return offline, replayed


@pytest.mark.parametrize(("rate", "seconds"), [(1.0, 6.0), (4.0, 6.0), (0.5, 2.5)])
def test_the_nodes_say_what_is_said_offline_at_any_rate(made, tmp_path, rate, seconds):
    bag = demo_bag(made, tmp_path / "bag", duration_s=seconds)
    offline, replayed = both(bag, rate)
    assert agreement(offline, replayed) >= 0.99
    assert replayed.problems == () and replayed.models.keys() == offline.models.keys()
    fused = [one for one in replayed.decisions if one.stream == "fused" and one.person]
    assert len(fused) > 4 and all(one.latency_s > 0 for one in fused)
    timing = to_json([replayed])["timing"]
    assert timing["latency_s"]["p50"] > 0 and timing["bags"][0]["wall_s"] >= 0.9 * seconds / rate


def test_a_bag_of_raw_pictures_that_begins_within_a_word(made, tmp_path):
    bag = demo_bag(made, tmp_path / "bag", images="raw", duration_s=5.0)
    with Bag(bag) as opened:
        start_ns = opened.start_ns

    def later(topic, time_ns, data):
        if topic == "/audio_info":
            yield start_ns + 2_130_000_000, data
        elif time_ns > start_ns + 2_130_000_000:
            yield time_ns, data

    offline, replayed = both(copied(bag, tmp_path / "later", later), 1.0)
    assert agreement(offline, replayed) >= 0.99
    first = next(one for one in replayed.decisions if one.stream == "speech")
    assert first.window_start_s >= -0.1 and first.window_end_s - first.window_start_s < 1.2


def test_the_nodes_get_the_parameters_and_their_complaints_are_problems(made, tmp_path):
    (tmp_path / "params.yaml").write_text(
        "/**: {ros__parameters: {frames: 5, max_stamp_age: 0.5}}\nfusion: {ros__parameters: {smoothing: 0.0}}\n"
    )
    bag = demo_bag(made, tmp_path / "bag", duration_s=4.0)
    with Bag(bag) as opened:
        start_ns = opened.start_ns

    def old(topic, time_ns, data):
        late = topic == "/image/compressed" and time_ns > start_ns + 3 * SECOND_NS
        yield time_ns + (SECOND_NS if late else 0), data

    how = {"parameters": tmp_path / "params.yaml"}
    offline, replayed = both(copied(bag, tmp_path / "old", old), 2.0, **how)
    assert agreement(offline, replayed) >= 0.99
    for run in (offline, replayed):
        assert run.parameters["frames"] == 5
        (line,) = run.problems
        assert "topic /image/compressed, offset 4.0" in line and " s old: expected at most 0.5 s" in line


def test_nodes_that_cannot_start_are_an_error(made, tmp_path):
    """Without one of them the rest would be judged as if it were all."""
    (tmp_path / "params.yaml").write_text(
        f"speech_classifier: {{ros__parameters: {{speech_model: {tmp_path}/a.json}}}}\n"
    )
    bag = demo_bag(made, tmp_path / "bag", duration_s=2.5)
    with pytest.raises(RuntimeError, match=rf"the nodes ended with exit code 1: .*cannot configure: {tmp_path}/a.json"):
        evaluate_bag(bag, Evaluation(way="replayed", rate=1.0, parameters=tmp_path / "params.yaml"))
