"""Profiles of boards: what they set is allowed, differs from the defaults, and can be overruled."""

from pathlib import Path

import pytest
import yaml

from emotion_recognition.parameters import NODES, checked, defaults

ROOT = Path(__file__).resolve().parents[1]
FILES = {path.stem: path for path in sorted((ROOT / "config" / "boards").glob("*.yaml"))}
# The engine is named even where it is the default: which one a board has, and why, is what its profile is for.
NAMED = "classifier_engine"
CLASSIFIERS = ("visual_classifier", "speech_classifier")
board = pytest.mark.parametrize("board", FILES)


def profile(board: str) -> dict[str, dict]:
    """Return the parameters of a profile by node."""
    content = yaml.safe_load(FILES[board].read_text())
    # Not /**: ROS reads keys in the order of their first appearance, and a user's file must win whatever it has.
    assert all(key.startswith("/**/") and list(value) == ["ros__parameters"] for key, value in content.items())
    return {key.removeprefix("/**/"): value["ros__parameters"] for key, value in content.items()}


def test_the_boards():
    assert set(FILES) == {"zenbo", "rpi4", "rpi5"}


@board
def test_every_value_is_allowed_and_differs_from_the_default(board):
    nodes = profile(board)
    assert set(nodes) <= set(NODES)
    for node, values in nodes.items():
        assert checked(node, values) == {**defaults(node), **values}
        for name, value in values.items():
            assert name == NAMED or value != defaults(node)[name], f"{node} {name} is the default"


@board
def test_every_profile_names_its_engine_and_why(board):
    engines = {profile(board)[node][NAMED] for node in CLASSIFIERS}
    assert len(engines) == 1
    comments = [line for line in FILES[board].read_text().splitlines() if line.startswith("#")]
    assert any(line.startswith(f"# {NAMED}: ") for line in comments)
    assert any("Nothing was measured on this board." in line for line in comments)
    assert f"| `{board}` |" in (ROOT / "docs" / "BOARDS.md").read_text()


def test_the_big_cores_of_the_one_big_little_board_are_chosen():
    assert {node: values["cpus"] for node, values in profile("zenbo").items()} == dict.fromkeys(NODES, "big")
    assert not any("cpus" in values for name in ("rpi4", "rpi5") for values in profile(name).values())


def test_the_installed_profiles_are_these():
    pytest.importorskip("rclpy", reason="needs ROS")
    from emotion_recognition.nodes.boards import boards
    from emotion_recognition.nodes.running import prepare_environment

    prepare_environment()
    found = boards()
    assert list(found) == list(FILES)
    assert all(found[name].read_text() == FILES[name].read_text() for name in FILES)


def test_files_in_order():
    pytest.importorskip("rclpy", reason="needs ROS")
    from emotion_recognition.nodes.boards import board_file, boards, parameter_files
    from emotion_recognition.nodes.running import prepare_environment

    prepare_environment()
    rpi5 = str(boards()["rpi5"])
    assert board_file("none") is None and board_file("") is None
    assert parameter_files("none", "d.yaml", "d.yaml") == ["d.yaml"]
    assert parameter_files("none", "my.yaml", "d.yaml") == ["my.yaml"]
    assert parameter_files("rpi5", "d.yaml", "d.yaml") == ["d.yaml", rpi5]
    assert parameter_files("rpi5", "my.yaml", "d.yaml") == [rpi5, "my.yaml"]
    with pytest.raises(ValueError, match="no board 'pi'; expected one of none, rpi4, rpi5, zenbo"):
        parameter_files("pi", "d.yaml", "d.yaml")
