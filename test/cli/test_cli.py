"""The console command from outside: arguments in; exit code, stdout and stderr out."""

import json
import os
import sys

import pytest

pytest.importorskip("typer")

from typer.testing import CliRunner  # noqa: E402

from emotion_recognition.cli import demo, output, run  # noqa: E402
from emotion_recognition.cli.main import app  # noqa: E402
from emotion_recognition.version import __version__  # noqa: E402

RUNNER = CliRunner()


def invoke(*words):
    return RUNNER.invoke(app, list(map(str, words)))


def test_version_and_help():
    assert invoke("--version").stdout == __version__ + "\n"
    result = invoke("--help")
    assert result.exit_code == 0
    for command in ("demo", "run", "parameters", "train", "cross-validate", "search", "score"):
        assert command in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["no-such-command"],
        ["demo", "--no-such-option"],
        ["parameters", "--format", "xml"],
        ["run", "--media", "a.mp4", "--camera", "/dev/video0"],
        ["run", "--params-file", "no_such_file.yaml"],
        ["demo", "--params-file", "no_such_file.yaml"],
        ["train"],
        ["train", "nose"],
    ],
)
def test_wrong_usage_is_exit_code_2_and_silent_on_stdout(words):
    result = invoke(*words)
    assert result.exit_code == 2
    if words != ["train"]:
        assert result.stdout == "" and result.stderr


def test_parameters_as_one_json_object():
    result = invoke("parameters", "--json")
    assert result.exit_code == 0 and result.stdout.count("\n") == 1
    found = json.loads(result.stdout)
    assert found["window"]["default"] == 3.0 and found["window"]["unit"] == "s"
    assert "visual_classifier" in found["window"]["nodes"]


def test_parameters_as_files():
    import yaml

    table = invoke("parameters").stdout
    assert table.startswith("| parameter |") and "| `window` |" in table
    found = yaml.safe_load(invoke("parameters", "--format", "yaml").stdout)
    assert found["/**/visual_classifier"]["ros__parameters"]["window"] == 3.0


@pytest.fixture
def executed(monkeypatch):
    calls = []
    monkeypatch.setattr(os, "execv", lambda path, words: calls.append((path, words)))
    monkeypatch.setattr(run, "load", lambda module: None)
    return calls


def test_run_becomes_the_bring_up(executed, tmp_path):
    settings = tmp_path / "my settings.yaml"
    settings.write_text("{}")
    result = invoke(
        "run", "--camera", "/dev/video2", "--microphone", "default", "--params-file", settings, "--namespace", "robot/",
        "--", "-p", "window:=2.0",
    )  # fmt: skip
    assert result.exit_code == 0
    module = ["-m", "emotion_recognition.nodes.composed"]
    ros = ["--ros-args", "--params-file", str(settings), "-r", "__ns:=/robot", "-p", "window:=2.0"]
    assert executed == [
        (sys.executable, [sys.executable, *module, "--camera", "/dev/video2", "--microphone", "default", *ros])
    ]


@pytest.mark.parametrize(
    "words, expected",
    [
        ([], []),
        (["--media", "a b.mp4"], ["--media", "a b.mp4"]),
        (["--", "--ros-args", "-p", "a:=1"], ["--ros-args", "-p", "a:=1"]),
        (["--namespace", "/"], []),
    ],
)
def test_run_passes_on_what_is_given(executed, words, expected):
    assert invoke("run", *words).exit_code == 0
    assert executed[0][1][3:] == expected


def test_run_lays_the_users_file_over_the_boards(executed, tmp_path, monkeypatch):
    pytest.importorskip("rclpy", reason="needs ROS")
    monkeypatch.setattr(run, "load", output.load)
    settings = tmp_path / "settings.yaml"
    settings.write_text("{}")
    assert invoke("run", "--params-file", settings, "--board", "zenbo").exit_code == 0
    words = executed[0][1]
    files = [words[index + 1] for index, word in enumerate(words) if word == "--params-file"]
    assert [os.path.basename(file) for file in files] == ["zenbo.yaml", "settings.yaml"]
    assert os.path.basename(os.path.dirname(files[0])) == "boards" and os.path.isfile(files[0])


def test_no_board_is_called_alike_by_command_and_nodes():
    pytest.importorskip("rclpy", reason="needs ROS")
    from emotion_recognition.nodes.boards import board_file

    assert board_file(run.NO_BOARD) is None


def test_a_board_that_is_not_known_is_refused_with_those_that_are(executed, monkeypatch):
    pytest.importorskip("rclpy", reason="needs ROS")
    monkeypatch.setattr(run, "load", output.load)
    result = invoke("run", "--board", "nano")
    assert result.exit_code == 2 and not executed
    assert "--board: no board 'nano'; expected one of none, rpi4, rpi5, zenbo" in result.stderr


def test_run_without_ros_says_what_to_do(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'rclpy'", name="rclpy")

    monkeypatch.setattr(output.importlib, "import_module", missing)
    result = invoke("run")
    assert result.exit_code == 1 and result.stdout == ""
    assert "make setup" in result.stderr


@pytest.mark.parametrize("missing, file", [("torch", "requirements/train.txt"), ("av", "requirements/demo.txt")])
def test_a_missing_library_names_its_requirements_file(monkeypatch, missing, file):
    def fail(name):
        raise ModuleNotFoundError(f"No module named '{missing}'", name=f"{missing}.nn")

    monkeypatch.setattr(output.importlib, "import_module", fail)
    result = invoke("demo")
    assert result.exit_code == 1 and result.stdout == ""
    assert f"pip install -r {file}" in result.stderr


def test_a_module_of_ours_that_is_missing_is_a_fault_and_not_hidden():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        output.load("emotion_recognition.no_such_module")


def test_every_requirements_file_exists_and_brings_what_is_said():
    from pathlib import Path

    root = Path(__file__).parents[2]
    names = {"sklearn": "scikit-learn", "PIL": "pillow", "yaml": "PyYAML"}
    for module, file in output.REQUIREMENTS.items():
        assert f"\n{names.get(module, module)}==" in "\n" + (root / file).read_text(), f"{module} in {file}"


def test_not_a_number_is_never_printed_as_json():
    with pytest.raises(ValueError):
        output.print_json({"accuracy": float("nan")})


# --- demo ---


class Playing:
    """Stands in for the ROS player: hears given records, ends with given code."""

    def __init__(self, records=(), return_code=0, interrupted=False, untold=()):
        self.records, self.return_code, self.interrupted = list(records), return_code, interrupted
        self.untold = list(untold)

    def play(self, media, on_record, on_line, ros_args):
        self.media, self.ros_args = media, ros_args
        for record in self.records:
            on_record(record)
        on_line("[WARN] [fusion]: a warning")
        return self


@pytest.fixture
def playing(monkeypatch):
    for module in ("av", "rich", "matplotlib"):
        pytest.importorskip(module)

    def use(player):
        load = output.load
        monkeypatch.setattr(
            demo, "load", lambda name: player if name == "emotion_recognition.demo.player" else load(name)
        )
        return player

    return use


def story():
    from emotion_recognition.demo.records import BOTH, FACE_ONLY, NEITHER, SPEECH_ONLY, Heard

    statuses = [NEITHER, FACE_ONLY, FACE_ONLY, BOTH, BOTH, BOTH, SPEECH_ONLY]
    shares = {"happy": 0.5, "sad": 0.5}
    return [
        Heard(i * 10**9, i * 10**9, 0, i * 10**9, "face_1" if status else "", status, "happy", 0.5, shares, 0, 0, 0)
        for i, status in enumerate(statuses)
    ]


def test_demo_ends_with_the_summary(playing, tmp_path):
    player = playing(Playing(story()))
    result = invoke("demo", "--output", tmp_path / "t.png")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[-1] == "emotions published: 7, both: 3, face: 2, voice: 1"
    assert any("face_1" in line for line in lines[:-1])
    assert (tmp_path / "t.png").read_bytes()[:4] == b"\x89PNG"
    assert os.path.samefile(player.media, demo.RECORDING) and player.ros_args == []
    assert "a warning" in result.stderr and "a warning" not in result.stdout


def test_demo_as_one_json_object(playing, tmp_path):
    playing(Playing(story()))
    settings = tmp_path / "p.yaml"
    settings.write_text("{}")
    result = invoke("demo", "--json", "--output", tmp_path / "t.png", "--params-file", settings)
    found = json.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert (found["published"], found["neither"], found["face"], found["voice"], found["both"]) == (7, 1, 2, 1, 3)
    assert found["records"][3]["status"] == 3 and found["records"][3]["probabilities"] == {"happy": 0.5, "sad": 0.5}
    assert found["picture"] == str(tmp_path / "t.png")


def test_demo_ended_by_hand_is_a_success(playing, tmp_path):
    playing(Playing(story()[:2], return_code=-9, interrupted=True))
    result = invoke("demo", "--output", tmp_path / "t.png")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "emotions published: 2, both: 0, face: 1, voice: 0"


def test_demo_fails_when_the_nodes_fail(playing, tmp_path):
    playing(Playing(story(), return_code=1, untold=["[INFO] last words"]))
    result = invoke("demo", "--output", tmp_path / "t.png")
    assert result.exit_code == 1
    assert "last words" in result.stderr and "the nodes ended with exit code 1" in result.stderr
    assert "emotions published" not in result.stdout and not (tmp_path / "t.png").exists()


def test_demo_fails_when_nothing_was_heard(playing, tmp_path):
    playing(Playing())
    result = invoke("demo", "--output", tmp_path / "t.png")
    assert result.exit_code == 1 and "nothing was heard" in result.stderr


def test_demo_of_what_is_not_media_starts_nothing(playing, tmp_path):
    player = playing(Playing(story()))
    text = tmp_path / "notes.txt"
    text.write_text("not media\n" * 100)
    for path in (text, tmp_path / "missing.mp4"):
        result = invoke("demo", path)
        assert result.exit_code == 1 and result.stdout == ""
        assert str(path) in result.stderr
    result = invoke("demo", "--output", tmp_path / "no_such_folder" / "t.png")
    assert result.exit_code == 1 and "does not exist" in result.stderr
    assert not hasattr(player, "media")
