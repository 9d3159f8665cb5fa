"""ncnn's files: what is rewritten for them, and that none is run that was made for something else."""

import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("ncnn")
pytest.importorskip("pnnx")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from small_models import random_speech, speech_fields  # noqa: E402
from torch import nn  # noqa: E402

from emotion_recognition.engines import ModelError, load_metadata, load_network  # noqa: E402
from emotion_recognition.engines.export import export_engine, export_speech  # noqa: E402
from emotion_recognition.engines.ncnn_export import EdgePool, SplitFrameAttention, rewritten  # noqa: E402
from emotion_recognition.engines.weights import file_sha256  # noqa: E402
from emotion_recognition.models.attention import AxisGate, FrameAttention  # noqa: E402
from emotion_recognition.models.factory import create_model  # noqa: E402
from emotion_recognition.weights import PAPER_FACE, SHIPPED  # noqa: E402


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([(2, 2), (2, 1), (1, 2)]), st.integers(0, 9))
def test_pooling_with_the_edge_repeated_is_the_average_of_what_is_there(height, width, steps, seed):
    x = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(EdgePool(steps)(x), nn.AvgPool2d(steps, ceil_mode=True)(x), atol=1e-6, rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.booleans(), st.sampled_from([0.01, 1.0, 30.0, 1000.0]), st.integers(0, 9))
def test_split_frame_attention_is_the_attention(length, alpha_in_clip, scale, seed):
    """Up to weights far smaller than a float, which frame attention survives."""
    torch.manual_seed(seed)
    attention = FrameAttention(6, alpha_in_clip=alpha_in_clip).eval()
    embeddings = torch.randn(2, length, 6) * scale
    with torch.inference_mode():
        found, expected = SplitFrameAttention(attention)(embeddings), attention(embeddings)
    torch.testing.assert_close(found, expected, atol=1e-5 * max(1, scale), rtol=1e-4)


def test_a_pooling_that_cannot_be_rewritten_is_refused():
    with pytest.raises(ModelError, match="expected steps of 1 or 2"):
        rewritten(nn.Sequential(nn.AvgPool2d(3, ceil_mode=True)))


def test_weights_too_small_for_a_float_stay_finite(face_sidecar):
    metadata = load_metadata(face_sidecar)
    embeddings = np.random.default_rng(0).normal(0, 300, (1, 4, 576)).astype(np.float32)
    expected = load_network(metadata, "fan", "torch").run(embeddings)
    found = load_network(metadata, "fan", "ncnn").run(embeddings)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def layers(param):
    return [line.split() for line in param.read_text().splitlines()[2:]]


def test_batch_norms_are_folded_and_triplet_attention_convolves_along_the_channels():
    for sidecar in SHIPPED.values():
        metadata = load_metadata(sidecar)
        for part in metadata.parts:
            assert not [layer for layer in layers(metadata.files[f"{part}_ncnn_param"]) if "Norm" in layer[0]]
    along = [
        layer for layer in layers(load_metadata(PAPER_FACE).files["backbone_ncnn_param"]) if layer[0] == "Convolution1D"
    ]
    gates = sum(isinstance(m, AxisGate) and m.axis > 1 for m in create_model("ghostnet-tam-fan").modules())
    assert len(along) == gates > 10 and all("1=7" in layer for layer in along)


def test_every_shipped_file_is_small():
    files = [path for sidecar in SHIPPED.values() for path in load_metadata(sidecar).files.values()]
    assert len(files) == 2 * 3 + 2 * 2 + 2 * (4 + 2)
    assert max(path.stat().st_size for path in files) < 3_000_000


@pytest.fixture
def copy(speech_sidecar, tmp_path):
    """A copy of a model to be spoilt: (sidecar, its content as a dictionary, function that writes that back)."""
    shutil.copytree(speech_sidecar.parent, tmp_path / "copy")
    sidecar = tmp_path / "copy" / speech_sidecar.name
    content = json.loads(sidecar.read_text())

    def save():
        for entry in content["files"].values():
            entry["sha256"] = file_sha256(sidecar.parent / entry["path"])
        sidecar.write_text(json.dumps(content))
        return load_metadata(sidecar)

    return sidecar, content, save


def test_a_model_without_the_files_says_how_to_make_them(copy):
    sidecar, content, save = copy
    del content["files"]["speech_ncnn_bin"]
    with pytest.raises(ModelError, match=rf"no speech_ncnn_bin.* export --engine ncnn --model {sidecar} --output"):
        load_network(save(), "speech", "ncnn")


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Metadata of a model of other weights."""
    folder = tmp_path_factory.mktemp("other")
    sidecar = export_speech(random_speech(seed=9), "speech-cnn-s2", speech_fields(), folder, "speech")
    return load_metadata(export_engine(load_metadata(sidecar), "ncnn", folder)[0])


def test_files_of_other_weights_are_refused(copy, other):
    sidecar, _, save = copy
    for kind in ("param", "bin"):
        shutil.copy(other.files[f"speech_ncnn_{kind}"], sidecar.parent)
    with pytest.raises(ModelError, match=f"made for .*weights={other.weights_sha256}.* expects part=speech;"):
        load_network(save(), "speech", "ncnn")


def test_a_bin_file_of_another_param_file_is_refused(copy, other):
    sidecar, _, save = copy
    shutil.copy(other.files["speech_ncnn_bin"], sidecar.parent)
    digest = file_sha256(other.files["speech_ncnn_bin"])
    with pytest.raises(ModelError, match=f"made for .*expects part=speech.*bin={digest}"):
        load_network(save(), "speech", "ncnn")


def test_files_for_another_size_are_refused(face_sidecar, tmp_path):
    """ncnn would read beyond the weights of the triplet attention."""
    shutil.copytree(face_sidecar.parent, tmp_path / "copy")
    sidecar = tmp_path / "copy" / face_sidecar.name
    content = json.loads(sidecar.read_text())
    content["preprocessing"]["size"] = 96
    sidecar.write_text(json.dumps(content))
    with pytest.raises(ModelError, match="made for .*input=anyx3x64x64.* expects part=backbone;input=anyx3x96x96"):
        load_network(load_metadata(sidecar), "backbone", "ncnn")


@pytest.mark.parametrize("text", ["", "7767517\n1 1\nReLU relu 1 1 a b\n", "7767517\n1 1\n", "7767517\n1 1\nInput\n"])
def test_what_is_no_param_file_is_refused(copy, text):
    sidecar, content, save = copy
    (sidecar.parent / content["files"]["speech_ncnn_param"]["path"]).write_text(text)
    with pytest.raises(ModelError, match="not an ncnn file of this project"):
        load_network(save(), "speech", "ncnn")


@pytest.mark.parametrize(("old", "new"), [("InnerProduct", "Unheard"), ("7767517", "1234567")])
def test_a_param_file_that_ncnn_cannot_load_is_refused(copy, old, new):
    sidecar, content, save = copy
    path = sidecar.parent / content["files"]["speech_ncnn_param"]["path"]
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ModelError, match="cannot load it and speech.speech.ncnn.bin"):
        load_network(save(), "speech", "ncnn")
