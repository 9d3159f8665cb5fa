"""A model written once more, with the files of one engine made anew."""

import json
import os
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from small_models import face_fields, settle  # noqa: E402

from emotion_recognition.engines import ENGINES, ModelError, installed_engines, load_metadata, load_network  # noqa: E402
from emotion_recognition.engines.export import export_engine, export_face  # noqa: E402
from emotion_recognition.models.factory import create_model  # noqa: E402

NCNN = {"speech_ncnn_param", "speech_ncnn_bin"}


@pytest.fixture
def needs_ncnn():
    pytest.importorskip("ncnn")
    pytest.importorskip("pnnx")


@pytest.fixture
def plain(speech_sidecar, tmp_path):
    """A model as a training leaves it, without ncnn's files, and its licence."""
    shutil.copytree(speech_sidecar.parent, tmp_path / "plain")
    sidecar = tmp_path / "plain" / speech_sidecar.name
    content = json.loads(sidecar.read_text())
    for key in NCNN & set(content["files"]):
        (sidecar.parent / content["files"].pop(key)["path"]).unlink()
    sidecar.write_text(json.dumps(content))
    sidecar.with_suffix(".LICENSE").write_text("free")
    return sidecar


def content_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("engine", ENGINES)
def test_the_whole_model_is_written_and_the_engine_runs_it(needs_ncnn, plain, tmp_path, engine):
    if engine not in installed_engines():
        pytest.skip(f"{engine} is not installed")
    before = content_of(plain.parent)
    metadata = load_metadata(plain)
    sidecar, differences = export_engine(metadata, engine, tmp_path / "new")
    assert sidecar == tmp_path / "new" / plain.name and differences.keys() == {"speech"}
    assert 0 <= differences["speech"] < 1e-4
    found = load_metadata(sidecar)
    assert set(found.files) == set(metadata.files) | (NCNN if engine == "ncnn" else set())
    # ONNX made anew is the ONNX that the training wrote.
    for key, path in metadata.files.items():
        assert found.files[key].read_bytes() == path.read_bytes()
    assert found.weights_sha256 == metadata.weights_sha256 and found.scores == metadata.scores
    assert (tmp_path / "new" / "speech.LICENSE").read_text() == "free"
    sample = np.random.default_rng(0).normal(size=(2, 40)).astype(np.float32)
    expected = load_network(metadata, "speech", "torch").run(sample)
    np.testing.assert_allclose(load_network(found, "speech", engine).run(sample), expected, atol=1e-4)
    assert content_of(plain.parent) == before


def test_a_model_is_completed_in_its_own_folder(needs_ncnn, plain):
    before = content_of(plain.parent)
    export_engine(load_metadata(plain), "ncnn", plain.parent)
    after = content_of(plain.parent)
    assert set(after) - set(before) == {"speech.speech.ncnn.param", "speech.speech.ncnn.bin"}
    assert {name for name in before if before[name] != after[name]} == {plain.name}
    was, now = json.loads(before[plain.name]), json.loads(after[plain.name])
    assert {key: now["files"].pop(key)["path"] for key in NCNN} == {
        "speech_ncnn_param": "speech.speech.ncnn.param", "speech_ncnn_bin": "speech.speech.ncnn.bin",
    }  # fmt: skip
    assert now == was
    export_engine(load_metadata(plain), "ncnn", plain.parent)
    assert content_of(plain.parent) == after


def test_files_that_differ_from_torch_are_not_written(needs_ncnn, plain, tmp_path, monkeypatch):
    from emotion_recognition.engines import ncnn_export

    rewritten = ncnn_export.rewritten

    def spoil(module):
        copied = rewritten(module)
        with torch.no_grad():
            copied.fc.bias += 0.01
        return copied

    monkeypatch.setattr(ncnn_export, "rewritten", spoil)
    with pytest.raises(ModelError, match=r"ncnn and the module differ by 0\.01 .* allowed is 0\.00"):
        export_engine(load_metadata(plain), "ncnn", tmp_path / "new")
    assert os.listdir(tmp_path / "new") == []


def test_a_converter_that_fails_is_named(needs_ncnn, plain, tmp_path, monkeypatch):
    import pnnx

    monkeypatch.setattr(pnnx, "EXEC_PATH", shutil.which("false"))
    with pytest.raises(ModelError, match="pnnx ends with 1"):
        export_engine(load_metadata(plain), "ncnn", tmp_path / "new")
    assert os.listdir(tmp_path / "new") == []


def test_a_converter_that_hangs_is_ended(needs_ncnn, plain, tmp_path, monkeypatch):
    from emotion_recognition.engines import ncnn_export

    monkeypatch.setattr(ncnn_export, "TIMEOUT_S", 0.0)
    with pytest.raises(ModelError, match="pnnx has not converted it within 0.0 s"):
        export_engine(load_metadata(plain), "ncnn", tmp_path / "new")
    assert os.listdir(tmp_path / "new") == []


def test_an_unknown_engine_is_refused(plain, tmp_path):
    with pytest.raises(ModelError, match="engine 'caffe', expected one of onnxruntime, torch, ncnn, openvino"):
        export_engine(load_metadata(plain), "caffe", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_frames_that_are_averaged_are_so_in_every_engine(needs_ncnn, tmp_path):
    """The paper's network without any attention has a part that the shipped ones have not."""
    torch.manual_seed(0)
    model = create_model("ghostnet")
    settle(model.backbone, torch.rand(8, 3, 32, 32) * 2 - 1)
    fields = {**face_fields(), "preprocessing": {"size": 32}}
    sidecar = export_face(model, "ghostnet", fields, tmp_path, "mean")
    metadata = load_metadata(export_engine(load_metadata(sidecar), "ncnn", tmp_path)[0])
    embeddings = np.random.default_rng(0).normal(size=(3, 7, 576)).astype(np.float32)
    expected = load_network(metadata, "fan", "torch").run(embeddings)
    for engine in installed_engines():
        np.testing.assert_allclose(load_network(metadata, "fan", engine).run(embeddings), expected, atol=1e-5)
