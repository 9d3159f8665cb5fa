import json
import shutil
import sys

import numpy as np
import pytest

from emotion_recognition.engines import ENGINES, ModelError, Network, installed_engines, load_metadata, load_network
from emotion_recognition.engines.weights import file_sha256
from emotion_recognition.parameters import all_declarations

PARTS = [("face_sidecar", "backbone"), ("face_sidecar", "fan"), ("speech_sidecar", "speech")]
SAMPLES = {"backbone": (2, 3, 64, 64), "fan": (3, 4, 576), "speech": (5, 40)}
OUTPUTS = {"backbone": (2, 576), "fan": (3, 8), "speech": (5, 8)}


def sample(part, seed=0):
    return np.random.default_rng(seed).normal(size=SAMPLES[part]).astype(np.float32)


@pytest.fixture(params=ENGINES)
def engine(request):
    if request.param not in installed_engines():
        pytest.skip(f"{request.param} is not installed")
    return request.param


@pytest.mark.parametrize(("sidecar", "part"), PARTS)
def test_every_engine_gives_what_the_exported_modules_gave(request, sidecar, part, engine):
    """The reference is the module in plain torch with the file's weights, not another engine."""
    torch = pytest.importorskip("torch")
    from emotion_recognition.engines.torch_engine import load_part

    metadata = load_metadata(request.getfixturevalue(sidecar))
    with torch.no_grad():
        expected = load_part(metadata, part)(torch.from_numpy(sample(part))).numpy()
    found = load_network(metadata, part, engine).run(sample(part))
    assert found.shape == OUTPUTS[part] and found.dtype == np.float32
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(("sidecar", "part"), PARTS)
def test_one_row_is_the_same_alone_and_in_a_batch(request, sidecar, part, engine):
    network = load_network(load_metadata(request.getfixturevalue(sidecar)), part, engine)
    batch = sample(part)
    whole = network.run(batch)
    # Sums in another order: a few units of float32's last place of the largest value, about 18 in the made backbone.
    allowed = 3e-6 * max(1.0, float(np.abs(whole).max()))
    for row in range(len(batch)):
        np.testing.assert_allclose(network.run(batch[row : row + 1]), whole[row : row + 1], rtol=0, atol=allowed)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 39), np.float32),
        np.zeros((0, 40), np.float32),
        np.zeros(40, np.float32),
        np.zeros((1, 40), np.float64),
    ],
)
def test_a_wrong_input_is_refused_with_what_is_expected(speech_sidecar, engine, wrong):
    network = load_network(load_metadata(speech_sidecar), "speech", engine)
    with pytest.raises(ValueError, match=r"expected \(any, 40\) float32"):
        network.run(wrong)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_input_that_is_not_finite_is_refused(speech_sidecar, engine, value):
    """Left to themselves, ncnn and OpenVINO make a number of it."""
    network = load_network(load_metadata(speech_sidecar), "speech", engine)
    wrong = np.zeros((2, 40), np.float32)
    wrong[1, 7] = value
    with pytest.raises(ValueError, match="input has values that are not finite"):
        network.run(wrong)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_output_that_is_not_finite_is_refused(value):
    network = Network("made", lambda array: np.full_like(array, value), (None, 3), (None, 3))
    with pytest.raises(ModelError, match="output has values that are not finite"):
        network.run(np.zeros((1, 3), np.float32))


def test_unknown_parts_and_engines_are_refused(speech_sidecar):
    metadata = load_metadata(speech_sidecar)
    with pytest.raises(ModelError, match="part 'fan', speech-cnn-s2 has speech"):
        load_network(metadata, "fan")
    with pytest.raises(ModelError, match="expected one of onnxruntime, torch, ncnn, openvino"):
        load_network(metadata, "speech", "tensorflow")
    with pytest.raises(ValueError, match="threads is 0"):
        load_network(metadata, "speech", threads=0)


@pytest.mark.parametrize("library", ["torch", "ncnn", "openvino"])
def test_an_engine_that_is_not_installed_is_named_and_how_to_install_it(speech_sidecar, monkeypatch, library):
    monkeypatch.delitem(sys.modules, f"emotion_recognition.engines.{library}_engine", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ModelError, match=rf"engine '{library}' cannot be used here.*pip install {library}"):
        load_network(load_metadata(speech_sidecar), "speech", library)


def test_the_parameter_offers_every_engine():
    assert all_declarations()["classifier_engine"].one_of == ENGINES


def test_a_session_uses_the_threads_asked_for_and_does_not_spin(speech_sidecar):
    from emotion_recognition.engines.onnxruntime_engine import create_session

    path = str(load_metadata(speech_sidecar).files["speech_onnx"])
    for threads in (1, 2):
        options = create_session(path, threads).get_session_options()
        assert (options.intra_op_num_threads, options.inter_op_num_threads) == (threads, 1)
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
        assert options.get_session_config_entry("session.inter_op.allow_spinning") == "0"


def replace_file(sidecar, folder, key, donor):
    """Copy a model and put another file in the place of one of its own, with that file's true sha256."""
    shutil.copytree(sidecar.parent, folder)
    copied = folder / sidecar.name
    content = json.loads(copied.read_text())
    shutil.copy(donor, folder / content["files"][key]["path"])
    content["files"][key]["sha256"] = file_sha256(donor)
    copied.write_text(json.dumps(content))
    return load_metadata(copied)


@pytest.fixture(params=["onnxruntime", "openvino"])
def onnx_engine(request):
    if request.param not in installed_engines():
        pytest.skip(f"{request.param} is not installed")
    return request.param


def test_an_onnx_file_of_other_weights_is_refused(speech_sidecar, tmp_path, onnx_engine):
    pytest.importorskip("torch")
    from small_models import random_speech, speech_fields

    from emotion_recognition.engines.export import export_speech

    other = load_metadata(
        export_speech(random_speech(seed=9), "speech-cnn-s2", speech_fields(), tmp_path / "other", "speech")
    )
    metadata = replace_file(speech_sidecar, tmp_path / "mixed", "speech_onnx", other.files["speech_onnx"])
    with pytest.raises(ModelError, match=f"made from weights {other.weights_sha256}"):
        load_network(metadata, "speech", onnx_engine)


def test_an_onnx_file_of_another_part_is_refused(face_sidecar, tmp_path, onnx_engine):
    donor = load_metadata(face_sidecar).files["fan_onnx"]
    metadata = replace_file(face_sidecar, tmp_path / "mixed", "backbone_onnx", donor)
    with pytest.raises(ModelError, match=r"input .*expected one .* of \[None, 3, 64, 64\]"):
        load_network(metadata, "backbone", onnx_engine)


def test_an_onnx_file_for_another_size_is_refused(face_sidecar, tmp_path, onnx_engine):
    shutil.copytree(face_sidecar.parent, tmp_path / "copy")
    sidecar = tmp_path / "copy" / "face.json"
    content = json.loads(sidecar.read_text())
    content["preprocessing"]["size"] = 96
    sidecar.write_text(json.dumps(content))
    with pytest.raises(ModelError, match=r"expected one .* of \[None, 3, 96, 96\]"):
        load_network(load_metadata(sidecar), "backbone", onnx_engine)


def test_a_broken_onnx_file_is_refused(speech_sidecar, tmp_path, onnx_engine):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(load_metadata(speech_sidecar).files["speech_onnx"].read_bytes()[:1000])
    metadata = replace_file(speech_sidecar, tmp_path / "mixed", "speech_onnx", broken)
    with pytest.raises(ModelError, match="cannot load it"):
        load_network(metadata, "speech", onnx_engine)


def test_tensors_of_another_variant_are_refused(speech_sidecar, tmp_path):
    pytest.importorskip("torch")
    shutil.copytree(speech_sidecar.parent, tmp_path / "copy")
    sidecar = tmp_path / "copy" / "speech.json"
    content = json.loads(sidecar.read_text())
    content["architecture"] = "speech-cnn-s3"
    sidecar.write_text(json.dumps(content))
    with pytest.raises(ModelError, match="not those of speech-cnn-s3 speech"):
        load_network(load_metadata(sidecar), "speech", "torch")
