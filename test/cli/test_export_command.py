"""The command that writes a model's files for an engine."""

import json
import shutil
import sys

import pytest

pytest.importorskip("typer")
pytest.importorskip("torch")

from typer.testing import CliRunner  # noqa: E402

from emotion_recognition.cli.export import Engine  # noqa: E402
from emotion_recognition.cli.main import app  # noqa: E402
from emotion_recognition.engines import ENGINES, load_metadata  # noqa: E402
from emotion_recognition.weights import PAPER_SPEECH, SPEECH  # noqa: E402

NAME = PAPER_SPEECH.stem


def export(folder, engine="onnxruntime", model=NAME, *words):
    return CliRunner().invoke(
        app, ["export", "--engine", engine, "--model", str(model), "--output", str(folder), *words]
    )


def test_every_engine_can_be_asked_for():
    assert tuple(engine.value for engine in Engine) == ENGINES


def test_a_shipped_model_by_its_name(tmp_path):
    found = export(tmp_path, "ncnn")
    assert found.exit_code == 0, found.stderr
    assert found.stdout.splitlines()[0].startswith("speech: ncnn differs from torch by ")
    assert found.stdout.splitlines()[1] == f"model: {tmp_path / NAME}.json"
    shipped, made = load_metadata(PAPER_SPEECH), load_metadata(tmp_path / f"{NAME}.json")
    assert made.files.keys() == shipped.files.keys()
    # pnnx writes the same again: the shipped files are those of the shipped weights.
    for key in ("speech_ncnn_param", "speech_ncnn_bin"):
        assert made.files[key].read_bytes() == shipped.files[key].read_bytes()


def test_one_json_object(tmp_path):
    found = export(tmp_path, "torch", PAPER_SPEECH, "--json")
    assert found.exit_code == 0, found.stderr
    assert json.loads(found.stdout) == {
        "model": str(tmp_path / f"{NAME}.json"), "engine": "torch", "difference": {"speech": 0.0},
    }  # fmt: skip


def test_a_model_that_is_neither_file_nor_shipped_is_refused_with_the_shipped_ones(tmp_path):
    found = export(tmp_path / "new", model="my_voice")
    assert found.exit_code == 2 and not found.stdout
    assert "--model my_voice: no such file" in found.stderr and SPEECH.stem in found.stderr
    assert not (tmp_path / "new").exists()


def test_an_unknown_engine_is_refused(tmp_path):
    assert export(tmp_path, "caffe").exit_code == 2


def test_a_changed_model_is_refused(tmp_path):
    folder = shutil.copytree(
        PAPER_SPEECH.parent, tmp_path / "copy", ignore=shutil.ignore_patterns("*_fer2013*", "s*net*")
    )
    weights = load_metadata(folder / PAPER_SPEECH.name).files["safetensors"]
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
    found = export(tmp_path / "new", model=folder / PAPER_SPEECH.name)
    assert found.exit_code == 1 and "sha256 is" in found.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("library", "file"), [("ncnn", "engines.txt"), ("pnnx", "train.txt"), ("openvino", "engines.txt")]
)
def test_a_library_that_is_missing_is_named_with_its_requirements(tmp_path, monkeypatch, library, file):
    for module in ("ncnn_engine", "ncnn_export", "openvino_engine"):
        monkeypatch.delitem(sys.modules, f"emotion_recognition.engines.{module}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    found = export(tmp_path / "new", "openvino" if library == "openvino" else "ncnn")
    assert found.exit_code == 1 and not (tmp_path / "new").exists()
    assert found.stderr == (
        f"error: this command needs {library}; install it with: pip install -r requirements/{file}\n"
    )
