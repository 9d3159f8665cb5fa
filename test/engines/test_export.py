import json
import os
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from model_fixtures import with_ncnn  # noqa: E402
from small_models import RandomFace, crops, face_fields, random_speech, settle, speech_fields  # noqa: E402

from emotion_recognition.engines import ModelError, load_metadata  # noqa: E402
from emotion_recognition.engines import export as exporting  # noqa: E402
from emotion_recognition.engines.export import export_face, export_speech  # noqa: E402
from emotion_recognition.engines.network import installed_engines, load_network  # noqa: E402
from emotion_recognition.models.factory import create_model  # noqa: E402


@pytest.mark.parametrize("variant", ["s1", "s2", "s3"])
def test_the_variant_is_told_by_its_channels(tmp_path, variant):
    sidecar = export_speech(random_speech(variant), f"speech-cnn-{variant}", speech_fields(), tmp_path, "voice")
    assert load_metadata(sidecar).architecture == f"speech-cnn-{variant}"
    assert sorted(os.listdir(tmp_path)) == ["voice.json", "voice.safetensors", "voice.speech.onnx"]


def test_the_weights_of_the_sidecar_stand_in_every_onnx_file(face_sidecar):
    metadata = load_metadata(face_sidecar)
    for part in metadata.parts:
        model = onnx.load(metadata.files[f"{part}_onnx"])
        properties = {entry.key: entry.value for entry in model.metadata_props}
        assert properties["weights_sha256"] == metadata.weights_sha256
        assert properties["part"] == part


def test_safetensors_keys_open_with_their_part(face_sidecar):
    from safetensors import safe_open

    with safe_open(load_metadata(face_sidecar).files["safetensors"], "np") as file:
        assert {key.split(".")[0] for key in file.keys()} == {"backbone", "fan"}  # noqa: SIM118 (not a dict)


def test_no_path_of_this_machine_is_left_in_the_files(face_sidecar):
    places = {str(Path.home()), str(Path.cwd()), str(Path(torch.__file__).parents[1]), "site-packages"}
    for path in face_sidecar.parent.iterdir():
        content = path.read_bytes()
        found = [place for place in places if place not in ("/", "") and place.encode() in content]
        assert not found, f"{path.name} holds {found}"


def test_exporting_again_gives_the_same_bytes(tmp_path):
    model = random_speech()
    one = export_speech(model, "speech-cnn-s2", speech_fields(), tmp_path / "one", "voice")
    two = export_speech(model, "speech-cnn-s2", speech_fields(), tmp_path / "two", "voice")
    for path in one.parent.iterdir():
        assert path.read_bytes() == (two.parent / path.name).read_bytes()


def test_the_model_is_left_as_it_was(tmp_path):
    model = random_speech().train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    export_speech(model, "speech-cnn-s2", speech_fields(), tmp_path, "voice")
    assert model.training
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_weights_that_are_not_finite_are_refused(tmp_path):
    model = random_speech()
    with torch.no_grad():
        model.fc.bias[3] = float("nan")
    with pytest.raises(ModelError, match="speech.fc.bias is not finite"):
        export_speech(model, "speech-cnn-s2", speech_fields(), tmp_path, "voice")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"labels": ["x"]}, "unknown metadata labels"),
        ({"class_ids": [1, 12]}, "class_ids"),
        ({"licence": ""}, "licence"),
    ],
)
def test_wrong_fields_leave_the_last_export_in_place(tmp_path, fields, problem):
    sidecar = export_speech(random_speech(), "speech-cnn-s2", speech_fields(), tmp_path, "voice")
    before = sidecar.read_text()
    with pytest.raises(ModelError, match=problem):
        export_speech(random_speech(seed=4), "speech-cnn-s2", {**speech_fields(), **fields}, tmp_path, "voice")
    assert sidecar.read_text() == before
    load_metadata(sidecar)
    assert len(list(tmp_path.iterdir())) == 3


def test_an_onnx_file_that_differs_from_torch_is_not_written(tmp_path, monkeypatch):
    """Spoil the exporter's output by one weight: the comparison with torch must notice."""
    strip = exporting._strip

    def spoil(model):
        strip(model)
        weight = model.graph.initializer[-1]
        values = onnx.numpy_helper.to_array(weight) + np.float32(0.1)
        weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))

    monkeypatch.setattr(exporting, "_strip", spoil)
    with pytest.raises(ModelError, match="onnxruntime and the module differ by"):
        export_speech(random_speech(), "speech-cnn-s2", speech_fields(), tmp_path, "voice")
    assert list(tmp_path.iterdir()) == []


def test_a_face_model_needs_known_preprocessing(tmp_path):
    with pytest.raises(ModelError, match="preprocessing has unknown colour"):
        export_face(
            RandomFace(), "ghostnet-tam-fan", {**face_fields(), "preprocessing": {"colour": 1}}, tmp_path, "face"
        )


READ_OTHERWISE = [
    ("speech-cnn-s1", {"prelu": "channel"}, "tensors are not those of speech-cnn-s1 speech"),
    ("ghostnet-tam-fan", {"depthwise": "strided"}, "tensors are not those of ghostnet-tam-fan backbone"),
    ("ghostnet-tam-fan", {"triplet_residual": True}, "torch and the module differ"),
    ("resnet-fan", {"frame_weights": "beta"}, "torch and the module differ"),
]


def read_otherwise(architecture, readings):
    """Return a network of these readings, its part that differs by them, how to export it, its fields and an input."""
    torch.manual_seed(0)
    model = create_model(architecture, **readings)
    if architecture.startswith("speech"):
        batch = torch.randn(16, 40)
        settle(model, batch)
        return model, model, "speech", export_speech, speech_fields(), batch
    batch = torch.from_numpy(crops(4)).permute(0, 3, 1, 2) / 127.5 - 1
    settle(model.backbone, batch)
    if "frame_weights" in readings:
        with torch.no_grad():
            model.fan.alpha.weight.mul_(40)
        return model, model.fan, "fan", export_face, face_fields(), torch.randn(2, 5, 72)
    return model, model.backbone, "backbone", export_face, face_fields(), batch


@pytest.mark.parametrize(("architecture", "readings", "problem"), READ_OTHERWISE)
def test_readings_are_named_and_every_engine_runs_them(tmp_path, architecture, readings, problem):
    model, module, part, export, fields, inputs = read_otherwise(architecture, readings)
    sidecar = export(model, architecture, {**fields, "readings": readings}, tmp_path, "model")
    assert json.loads(sidecar.read_text())["readings"] == readings
    # ncnn has the other operations of the ghostnets already.
    metadata = load_metadata(sidecar if architecture.startswith("ghostnet") else with_ncnn(sidecar))
    assert metadata.readings == readings
    with torch.inference_mode():
        expected = module.eval()(inputs).numpy()
    for engine in installed_engines():
        if engine == "ncnn" and f"{part}_ncnn_bin" not in metadata.files:
            continue
        np.testing.assert_allclose(load_network(metadata, part, engine).run(inputs.numpy()), expected, atol=1e-3)


@pytest.mark.parametrize(("architecture", "readings", "problem"), READ_OTHERWISE)
def test_a_network_of_readings_that_are_not_named_is_refused(tmp_path, architecture, readings, problem):
    model, _, _, export, fields, _ = read_otherwise(architecture, readings)
    with pytest.raises(ModelError, match=problem):
        export(model, architecture, {**fields, "readings": {}}, tmp_path, "model")
    assert list(tmp_path.iterdir()) == []


def test_the_sidecar_names_no_machine_path(face_sidecar):
    content = json.loads(face_sidecar.read_text())
    assert all("/" not in entry["path"] for entry in content["files"].values())
