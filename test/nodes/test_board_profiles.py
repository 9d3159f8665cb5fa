"""A node started with a board's profile has its parameters, and a user's file wins over them however it names nodes."""

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

from processes import SHARE  # noqa: E402

from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode  # noqa: E402

DEFAULTS = SHARE / "config" / "emotion_recognition.yaml"
ZENBO = SHARE / "config" / "boards" / "zenbo.yaml"


def given(bench, node, *files):
    words = [word for file in files for word in ("--params-file", str(file))]
    return bench.add(node, *words, started=False).parameters


def test_a_profile_wins_over_the_defaults_and_changes_nothing_else(bench):
    plain = given(bench, FusionNode, DEFAULTS)
    assert plain["cpus"] == ""
    assert given(bench, FusionNode, DEFAULTS, ZENBO) == {**plain, "cpus": "big"}


@pytest.mark.parametrize("key", ["/**", "/**/speech_classifier", "{namespace}/speech_classifier", "{namespace}/*"])
def test_a_users_file_wins_over_a_profile(bench, tmp_path, key):
    mine = tmp_path / "mine.yaml"
    mine.write_text(f"{key.format(namespace=bench.namespace)}:\n  ros__parameters: {{cpus: '0', window: 2.0}}\n")
    found = given(bench, SpeechClassifierNode, ZENBO, mine)
    assert found["cpus"] == "0" and found["classifier_engine"] == "onnxruntime"
