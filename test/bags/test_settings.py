"""Parameter files of an evaluation."""

import pytest

from emotion_recognition.bags.settings import PERCEPTION, flat, read_parameters
from emotion_recognition.parameters import ParameterError, defaults


def written(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_all_is_default():
    assert read_parameters(None) == {node: defaults(node) for node in PERCEPTION}


def test_a_node_gets_what_addresses_it_and_the_more_special_wins(tmp_path):
    found = read_parameters(
        written(
            tmp_path,
            "/robot/fusion: {ros__parameters: {smoothing: 2.5}}\n"
            "/**: {ros__parameters: {threads: 2, smoothing: 0.5, use_sim_time: true, of_another_package: 1}}\n"
            "/**/media_source: {ros__parameters: {media: x.mp4}}\n",
        )
    )
    assert found["fusion"]["smoothing"] == 2.5
    assert found["face_detector"]["threads"] == found["speech_classifier"]["threads"] == 2
    assert found["mfcc_extractor"]["hop"] == defaults("mfcc_extractor")["hop"]


def test_the_shipped_file_of_defaults_is_read():
    from pathlib import Path

    file = Path(__file__).resolve().parents[2] / "config" / "emotion_recognition.yaml"
    assert read_parameters(file) == read_parameters(None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("/**: {ros__parameters: {smoothing: -1.0}}", "fusion: parameter smoothing is -1.0; expected double"),
        ("fusion: {ros__parameters: {smothing: 1.0}}", "fusion has no parameter smothing; it has "),
        ("fusion: {smoothing: 1.0}", "fusion has no ros__parameters"),
        ("[1, 2]", "holds list, expected a ROS parameter file"),
        ("a: [", "expected a ROS parameter file"),
    ],
)
def test_wrong_files_are_named(tmp_path, text, problem):
    path = written(tmp_path, text)
    with pytest.raises(ParameterError, match=problem) as error:
        read_parameters(path)
    assert str(path) in str(error.value)


def test_flat_parameters_name_the_node_only_where_nodes_differ(tmp_path):
    path = written(tmp_path, "visual_classifier: {ros__parameters: {threads: 3}}")
    found = flat(read_parameters(path))
    assert found["visual_classifier.threads"] == 3 and found["face_detector.threads"] == 1
    assert found["window"] == 3.0 and "threads" not in found
