"""The command `record`: handed over to ros2 bag where that is, else recorded by itself; and what goes wrong."""

import signal
import time

import pytest

pytest.importorskip("rosbags", reason="needs requirements/bags.txt")

from typer.testing import CliRunner  # noqa: E402

from emotion_recognition.bags import recording  # noqa: E402
from emotion_recognition.cli.main import app  # noqa: E402


@pytest.fixture
def record(tmp_path):
    """Function that runs the command; signals are handled as before afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield lambda *words: CliRunner().invoke(app, ["record", "--output", str(tmp_path / "bag"), *words])
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def ros2(tmp_path, monkeypatch):
    """A program that stands for ros2: it notes what it was told and how it was ended."""
    folder = tmp_path / "bin"
    folder.mkdir()
    note = folder / "note"
    script = folder / "ros2"
    # A shell has its trap set within milliseconds.
    script.write_text(
        f"#!/bin/sh\necho \"$@\" > '{note}'\n"
        'case "$*" in *sqlite3*) exit 3;; esac\n'
        f"trap \"echo interrupted >> '{note}'; exit 5\" INT\n"
        "while :; do sleep 0.05; done\n"
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr(recording, "has_ros2_bag", lambda: True)
    return note


def test_ros2_bag_is_interrupted_when_the_time_is_over(record, ros2, tmp_path):
    begun = time.monotonic()
    found = record("--duration", "1", "--no-emotions")
    assert time.monotonic() - begun >= 1
    assert found.exit_code == 5
    told = ros2.read_text().split()
    assert told[:2] == ["bag", "record"] and told[-1] == "interrupted"
    assert told[-4:-1] == ["/image/compressed", "/audio_stamped", "/audio_info"]
    assert str(tmp_path / "record_qos.yaml") in told and (tmp_path / "record_qos.yaml").is_file()
    assert "recording /image/compressed, /audio_stamped, /audio_info to" in found.stderr


def test_the_exit_code_of_ros2_bag_is_handed_on(record, ros2):
    assert record("--storage", "sqlite3").exit_code == 3
    assert ros2.read_text().split()[:2] == ["bag", "record"]


@pytest.fixture
def alone(monkeypatch):
    """No ros2 bag; what would be recorded by itself is made up by ``alone``."""
    asked = {"counts": {"/image/compressed": 7, "/emotion": 0}}

    def made_up(output, topics, storage, is_over):
        if isinstance(asked["counts"], Exception):
            raise asked["counts"]
        asked.update(output=output, topics=[one.name for one in topics], storage=storage)
        while not is_over():
            time.sleep(0.01)
        return asked["counts"]

    monkeypatch.setattr(recording, "has_ros2_bag", lambda: False)
    monkeypatch.setattr(recording, "record", made_up)
    return asked


def test_without_ros2_bag_it_records_until_the_time_is_over_and_counts(record, alone, tmp_path):
    found = record("--duration", "0.2", "--raw", "--topic", "face=", "--topic", "speech=", "--namespace", "/robot")
    assert found.exit_code == 0, found.stderr
    assert found.stdout == "/image/compressed: 7 messages\n/emotion: 0 messages\n"
    assert alone["topics"] == ["/robot/image", "/robot/audio_stamped", "/robot/audio_info", "/robot/emotion"]
    assert (alone["output"], alone["storage"]) == (tmp_path / "bag", "mcap")
    assert not (tmp_path / "record_qos.yaml").exists()


def test_nothing_heard_is_a_failure(record, alone):
    alone["counts"] = {"/image/compressed": 0}
    found = record("--duration", "0.1")
    assert found.exit_code == 1 and "nothing was published on any of these topics" in found.stderr


@pytest.mark.parametrize("problem", [OSError("the disk is full"), RuntimeError("no rclpy")])
def test_what_goes_wrong_is_said(record, alone, problem):
    alone["counts"] = problem
    found = record("--duration", "0.1")
    assert found.exit_code == 1 and str(problem) in found.stderr and "Traceback" not in found.stderr


def test_a_folder_that_is_there_is_left_alone(record, alone, tmp_path):
    (tmp_path / "bag").mkdir()
    found = record("--duration", "0.1")
    assert found.exit_code == 1 and "exists already: name another folder" in found.stderr and "output" not in alone


def test_an_unknown_part_is_a_wrong_use(record, alone):
    found = record("--topic", "nose=/x")
    assert found.exit_code == 2 and "nose" in found.stderr
