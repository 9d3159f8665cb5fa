"""Real clips all the way: to a bag, evaluated twice, through the nodes, onto the page in a browser."""

import json
import os

import pytest

pytest.importorskip("rosbags", reason="needs requirements/bags.txt")
pytest.importorskip("sklearn", reason="needs requirements/train.txt")
pytest.importorskip("av", reason="needs PyAV")

from mcap.reader import make_reader  # noqa: E402
from rosbags.highlevel import AnyReader  # noqa: E402
from small_bags import storage_file  # noqa: E402

from emotion_recognition.bags.agreement import agreement  # noqa: E402
from emotion_recognition.bags.evaluating import Evaluation, evaluate_bag  # noqa: E402
from emotion_recognition.bags.making import Making, make_bag  # noqa: E402
from emotion_recognition.bags.page import page  # noqa: E402
from emotion_recognition.bags.results import to_json  # noqa: E402

os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
CLIPS = ("03-01-03-02-01-01-03", "03-01-05-02-02-01-04")  # happy, by a man; angry, by a woman


@pytest.fixture(scope="module")
def bag(data_folder, tmp_path_factory):
    """RAVDESS voices with their actors' stills, and a face of MEAD that talks."""
    voices = [data_folder / "ravdess_speech" / f"Actor_{name[-2:]}" / f"{name}.flac" for name in CLIPS]
    talking = data_folder / "mead_clips" / "M030_sad_3_001.mp4"
    path = tmp_path_factory.mktemp("real") / "clips"
    how = Making(stills=data_folder / "ravdess_stills", size=(480, 360))
    made = make_bag([*voices, talking], path, how)
    assert [label.class_id for label in made.labels] == [3, 5] and made.problems == ()
    return path


@pytest.fixture(scope="module")
def offline(bag):
    return evaluate_bag(bag, Evaluation(way="offline"))


def test_the_bag_passes_the_checks_of_rosbags_and_mcap(bag):
    with AnyReader([bag]) as reader:
        for connection, _, data in reader.messages():
            reader.deserialize(data, connection.msgtype)
        count = reader.message_count
    with storage_file(bag).open("rb") as file:
        checked = make_reader(file, validate_crcs=True)
        assert sum(1 for _ in checked.iter_messages()) == checked.get_summary().statistics.message_count == count > 500


def test_it_is_evaluated_twice_to_the_same_json_but_for_the_timing(bag, offline):
    first, second = to_json([offline]), to_json([evaluate_bag(bag, Evaluation(way="offline"))])
    assert first.pop("timing")["realtime_factor"] > 0
    del second["timing"]
    assert json.dumps(first) == json.dumps(second)
    assert first["problems"] == [] and first["judged"] > 20 and set(first["streams"]) == {"fused", "face", "speech"}
    persons = {one.person for one in offline.decisions if one.stream == "face" and one.person}
    assert len(persons) >= 3  # three people, one after another
    assert first["coverage"]["face"] > 0.7 and first["coverage"]["voice"] > 0.2


def test_the_voices_are_heard_as_what_they_are(offline):
    """The weights know these speakers: a bag that is decoded wrongly would show here."""
    speech = [one for one in offline.decisions if one.stream == "speech" and one.is_judged]
    assert len(speech) >= 6
    assert sum(one.class_id == one.truth for one in speech) / len(speech) > 0.5


def test_the_nodes_say_the_same(bag, offline):
    pytest.importorskip("rclpy", reason="needs ROS")
    replayed = evaluate_bag(bag, Evaluation(way="replayed", rate=2.0))
    assert replayed.problems == ()
    assert agreement(offline, replayed) >= 0.99


def test_a_browser_shows_the_same_figures(bag, offline, opened):
    found = to_json([offline])
    shown = opened(page([offline]), width=360)
    for name in ("accuracy", "uar", "macro_f1", "ece"):
        assert shown.inner_text(f'[data-figure="{name}"]') == f"{found[name]:.3f}", name
    for name in ("decisions", "judged"):
        assert shown.inner_text(f'[data-figure="{name}"]') == str(found[name]), name
