"""The launch file, as launch itself reads it. launch is no wheel: where it cannot be imported this is skipped."""

import os
from pathlib import Path

import pytest

LAUNCH = Path(__file__).resolve().parents[1] / "launch" / "emotion_recognition.launch.py"
pytest.importorskip("rclpy", reason="needs ROS")
# Not launch alone: that is also the name of this project's folder.
pytest.importorskip(
    "launch.actions", reason="launch cannot be imported: it comes with a ROS distribution, not from PyPI"
)
pytest.importorskip(
    "launch_ros.actions", reason="launch_ros cannot be imported: it comes with a ROS distribution, not from PyPI"
)

import yaml  # noqa: E402
from launch import LaunchContext  # noqa: E402
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction, SetEnvironmentVariable  # noqa: E402
from launch.launch_description_sources import get_launch_description_from_python_launch_file  # noqa: E402
from launch.utilities import perform_substitutions  # noqa: E402
from launch_ros.actions import Node  # noqa: E402

from emotion_recognition.nodes.running import PROFILE_VARIABLES, prepare_environment  # noqa: E402
from emotion_recognition.security import ENCLAVES  # noqa: E402

LAUNCH_DEFAULTS = "emotion_recognition.yaml"
NODES = ["face_detector", "mfcc_extractor", "visual_classifier", "speech_classifier", "fusion"]
ARGUMENTS = {
    "namespace", "params_file", "board", "use_sim_time", "log_level", "composed", "respawn", "media", "camera",
    "microphone",
    "image_topic", "compressed_image_topic", "audio_topic", "plain_audio_topic", "audio_info_topic", "emotion_topic",
}  # fmt: skip


@pytest.fixture
def description(monkeypatch):
    """What the launch file describes, where the user has set no middleware profile."""
    prepare_environment()
    for name in PROFILE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return get_launch_description_from_python_launch_file(str(LAUNCH))


def of(description, kind):
    return [entity for entity in description.entities if isinstance(entity, kind)]


def nodes_of(description, **arguments) -> tuple[list[Node], LaunchContext]:
    """Return the nodes that arguments bring up, and the context they are in."""
    context = LaunchContext()
    context.launch_configurations.update(arguments)
    for argument in of(description, DeclareLaunchArgument):
        argument.visit(context)
    (function,) = of(description, OpaqueFunction)
    return function.execute(context), context


def launched(description, **arguments) -> dict[str, list[str]]:
    """Return the command line of every node that arguments bring up, by the name of its executable."""
    nodes, context = nodes_of(description, **arguments)
    commands = {}

    def record(process, context):
        words = [perform_substitutions(context, part) for part in process.cmd]
        name = Path(words[0]).name
        assert name not in commands and os.access(words[0], os.X_OK)
        commands[name] = words[1:]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExecuteProcess, "execute", record)  # instead of starting it
        for node in nodes:
            assert isinstance(node, Node)
            node.execute(context)
    return commands


def parameters(words: list[str]) -> list[dict]:
    """Return the contents of the parameter files of a command line, in order."""
    return [yaml.safe_load(Path(file).read_text()) for file in after(words, "--params-file")]


def after(words: list[str], option: str) -> list[str]:
    return [words[index + 1] for index, word in enumerate(words) if word == option]


def test_every_argument_is_declared_with_a_meaning_and_a_default(description):
    declared = {argument.name: argument for argument in of(description, DeclareLaunchArgument)}
    assert set(declared) == ARGUMENTS
    assert all(argument.description and argument.default_value is not None for argument in declared.values())


def test_the_middleware_reads_the_shipped_profile(description):
    context = LaunchContext()
    (variable,) = of(description, SetEnvironmentVariable)
    variable.visit(context)
    assert Path(os.environ.pop(perform_substitutions(context, variable.name))).name == "fastdds.xml"


def test_five_processes_by_default(description):
    commands = launched(description)
    assert list(commands) == NODES
    for name, words in commands.items():
        assert f"__node:={name}" in after(words, "-r")
        assert after(words, "--log-level") == ["info"]
        assert (
            after(words, "--enclave") == [f"/emotion_recognition/{name}"] and after(words, "--enclave")[0] in ENCLAVES
        )
        file, own = parameters(words)
        assert f"/**/{name}" in file
        assert [one["ros__parameters"] for one in own.values()] == [{"use_sim_time": False}]


def test_one_process_when_composed(description):
    (words,) = launched(description, composed="true", media="film.mkv", namespace="robot").values()
    assert words[0] == "--media=film.mkv"
    assert after(words, "--enclave") == ["/emotion_recognition/composed"]
    assert [word for word in after(words, "-r") if word.startswith("__")] == ["__ns:=/robot"]
    assert f"/**/{NODES[0]}" in parameters(words)[0]


def respawned(description, **arguments) -> dict[str, tuple[bool, float | None]]:
    """Return whether, and after how long, each process is started again, by the name of its executable."""
    told, plain = {}, Node.__init__

    def record(self, *, executable, respawn=False, respawn_delay=None, **others):
        told[executable] = respawn, respawn_delay
        plain(self, executable=executable, respawn=respawn, respawn_delay=respawn_delay, **others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Node, "__init__", record)
        nodes_of(description, **arguments)
    return told


def test_a_node_that_has_ended_is_started_again_unless_told_otherwise(description):
    always = dict.fromkeys(NODES, (True, 1.0))
    assert respawned(description) == always
    assert respawned(description, respawn="false") == dict.fromkeys(NODES, (False, 1.0))
    assert respawned(description, camera="/dev/video0") == {**always, "media_source": (True, 1.0)}
    assert respawned(description, media="film.mkv") == {**always, "media_source": (False, 1.0)}


def test_one_process_is_started_again_unless_it_plays_a_file(description):
    assert respawned(description, composed="true", camera="/dev/video0") == {"composed": (True, 1.0)}
    assert respawned(description, composed="true", media="film.mkv") == {"composed": (False, 1.0)}


def test_a_source_is_a_sixth_process(description):
    commands = launched(description, camera="/dev/video7", microphone="default")
    assert list(commands) == [*NODES, "media_source"]
    own = [one["ros__parameters"] for file in parameters(commands["media_source"])[1:] for one in file.values()]
    assert {"camera": "/dev/video7", "microphone": "default"} in own


@pytest.mark.parametrize("composed", ["false", "true"])
def test_arguments_reach_every_node(description, tmp_path, composed):
    file = tmp_path / "mine.yaml"
    file.write_text("/**: {ros__parameters: {window: 2.0}}\n")
    commands = launched(
        description, composed=composed, namespace="left/eye", params_file=str(file), use_sim_time="true",
        log_level="debug", image_topic="camera/image_raw", emotion_topic="/feeling",
    )  # fmt: skip
    assert len(commands) == (1 if composed == "true" else 5)
    for words in commands.values():
        rules = after(words, "-r")
        assert {"__ns:=/left/eye", "image:=camera/image_raw", "emotion:=/feeling"} <= set(rules)
        assert not any(rule.startswith(("audio:=", "audio_stamped:=")) for rule in rules)
        assert after(words, "--log-level") == ["debug"]
        given, own = parameters(words)
        assert given == {"/**": {"ros__parameters": {"window": 2.0}}}
        assert [one["ros__parameters"] for one in own.values()] == [{"use_sim_time": True}]


BOARDS = sorted(path.stem for path in (LAUNCH.parents[1] / "config" / "boards").glob("*.yaml"))


def test_every_profile_of_a_board_can_be_chosen(description):
    declared = {argument.name: argument for argument in of(description, DeclareLaunchArgument)}
    assert declared["board"].choices == ["none", *BOARDS] and len(BOARDS) >= 3


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("composed", ["false", "true"])
def test_a_board_is_laid_over_the_defaults_and_under_a_file_of_ones_own(description, tmp_path, board, composed):
    profile = yaml.safe_load((LAUNCH.parents[1] / "config" / "boards" / f"{board}.yaml").read_text())
    for words in launched(description, composed=composed, board=board).values():
        assert [Path(file).name for file in after(words, "--params-file")][:2] == [LAUNCH_DEFAULTS, f"{board}.yaml"]
        assert parameters(words)[1] == profile and len(parameters(words)) == 3
    file = tmp_path / "mine.yaml"
    file.write_text("/**/fusion: {ros__parameters: {smoothing: 2.0}}\n")
    for words in launched(description, composed=composed, board=board, params_file=str(file)).values():
        assert [Path(name).name for name in after(words, "--params-file")][:2] == [f"{board}.yaml", "mine.yaml"]
        assert len(parameters(words)) == 3


@pytest.mark.parametrize("argument", ["composed", "use_sim_time", "respawn", "board"])
def test_a_choice_that_does_not_exist_is_refused(description, argument):
    with pytest.raises(RuntimeError, match=argument):
        launched(description, **{argument: "perhaps"})
