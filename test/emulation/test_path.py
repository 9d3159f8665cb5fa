"""The path on this machine: its stages, what they go on from, and the exit code of the comparison."""

import os
import sys

import numpy as np
import pytest

pytest.importorskip("av", reason="the recording is read with PyAV")

from emotion_recognition.demo import RECORDING  # noqa: E402
from emotion_recognition.emulation import __main__ as command  # noqa: E402
from emotion_recognition.emulation import compare, stages, system  # noqa: E402
from emotion_recognition.emulation.inputs import inputs  # noqa: E402

OWN = "networks, onnxruntime"


@pytest.fixture(scope="module")
def given():
    return inputs(RECORDING)


@pytest.fixture(scope="module")
def found(given):
    return stages.run_all(given, ["onnxruntime"])


def test_the_inputs_are_three_seconds_of_pictures_and_sound(given):
    assert given["frames"].shape == (15, 480, 640, 3) and given["frames"].dtype == np.uint8
    assert np.all(np.diff(given["stamps"]) > 0) and 2.6e9 < np.ptp(given["stamps"]) < 3e9
    sound = given["sound"]
    assert sound.shape[1] == 2 and abs(len(sound) / int(given["rate"]) - 3) < 0.1 and np.abs(sound).max() > 0.05


def test_the_path_finds_a_face_a_voice_and_decisions(found):
    names = {name.split("/")[0] for name in found}
    assert names == {
        "detection", "following", "crops", "resampling", "voice activity", "level", "MFCC", OWN, f"paper's {OWN}",
        "fusion", "whole path",
    }  # fmt: skip
    assert found["crops/pixels"].shape == (15, 224, 224, 3) and set(found["following/tracks"]) == {1}
    assert found["following/scores"].min() > 0.9 and found["detection/boxes"].shape == (3, 4)
    assert found["MFCC/window 0"].shape[0] == 40 and found["voice activity/share"].max() > 0.2
    assert found[f"{OWN}/face logits"].shape[0] == 15
    assert 3.0 in found["fusion/decision, status"]  # both face and voice
    assert all(np.isfinite(values).all() for values in found.values())


def test_the_path_is_the_same_when_it_is_run_again(given, found):
    again = stages.run_all(given, ["onnxruntime"], found)
    assert max(one.absolute for one in compare(found, again)) == 0


def test_a_stage_goes_on_from_what_is_given_and_keeps_its_own(given, found):
    changed = {**found, "crops/pixels": np.flip(found["crops/pixels"], axis=1)}
    other = stages.run(given, ["onnxruntime"], changed)
    np.testing.assert_array_equal(other["crops/pixels"], found["crops/pixels"])
    assert np.abs(other[f"{OWN}/embeddings"] - found[f"{OWN}/embeddings"]).max() > 0.01
    # The frame attention was given the embeddings that were found, so it gives what it gave.
    np.testing.assert_array_equal(other[f"{OWN}/face logits"], found[f"{OWN}/face logits"])


@pytest.fixture
def beside(monkeypatch, tmp_path):
    """This machine in the place of the emulated one."""
    monkeypatch.setattr(system, "find_qemu", lambda folder: sys.executable)
    monkeypatch.setattr(system, "parse_version", lambda text: (10, 0))
    monkeypatch.setattr(system, "prepare_root", lambda folder: folder)
    monkeypatch.setattr(system, "find_python", lambda root: (sys.executable, "3.11"))
    monkeypatch.setattr(system, "install_wheels", lambda folder, version, wanted: folder)
    monkeypatch.setattr(
        system, "emulated", lambda qemu, root, cpu, module, words: [sys.executable, "-m", module, *words]
    )
    path = os.pathsep.join([str(command.SOURCE), *(path for path in sys.path if path)])
    monkeypatch.setattr(system, "emulated_environment", lambda paths: {**os.environ, "PYTHONPATH": path})
    monkeypatch.setattr(command, "ENGINES", ("onnxruntime",))
    return ["--folder", str(tmp_path), "--cpu", "cortex-a72"]


def test_the_comparison_ends_with_0_where_all_is_within_the_limit(beside, capsys):
    assert command.main(beside) == 0
    out = capsys.readouterr().out
    assert "cortex-a72, emulated: " in out and out.endswith("every stage is within 0.0001\n")
    assert "| fusion | " in out and "too far" not in out


def test_the_comparison_ends_with_1_where_a_stage_is_not(beside, capsys, monkeypatch):
    def read(path):
        found = stages.read(path)
        if path.name == "cortex-a72.npz":
            found["voice activity/probabilities"][3] += 2e-4
        return found

    monkeypatch.setattr(command, "read", read)
    assert command.main(beside) == 1
    out = capsys.readouterr().out
    (far,) = [line for line in out.splitlines() if "too far" in line]
    assert far.startswith("| voice activity | probabilities | ") and "2.00e-04" in far
    assert out.endswith("not every stage is within 0.0001\n")


def test_the_comparison_ends_with_2_where_it_cannot_be_made(beside, capsys, monkeypatch, tmp_path):
    def missing(folder):
        raise system.EmulationError("no qemu: install it")

    monkeypatch.setattr(system, "find_qemu", missing)
    assert command.main(beside) == 2
    assert "error: no qemu: install it" in capsys.readouterr().err
    assert command.main([*beside, "--recording", str(tmp_path / "no.mkv")]) == 2
