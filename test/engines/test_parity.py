"""On real faces and voices every engine gives torch's output: within 1e-4, relative to the largest value above 1."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("av")

import real_inputs  # noqa: E402

from emotion_recognition.classifiers.face_input import FaceInput  # noqa: E402
from emotion_recognition.engines import ENGINES, installed_engines, load_metadata, load_network  # noqa: E402
from emotion_recognition.engines.torch_engine import load_part  # noqa: E402
from emotion_recognition.weights import FACE, PAPER_FACE, PAPER_SPEECH, SPEECH  # noqa: E402

TOLERANCE = 1e-4
PARTS = [(sidecar, part) for sidecar in (FACE, PAPER_FACE) for part in ("backbone", "fan")]
PARTS += [(sidecar, "speech") for sidecar in (SPEECH, PAPER_SPEECH)]


@pytest.fixture(scope="module")
def data(request):
    """The data folder, or None: the bundled recording is enough of a test, the data sets are a better one."""
    try:
        return request.getfixturevalue("data_folder")
    except pytest.skip.Exception:
        return None


@pytest.fixture(scope="module")
def faces(data):
    return real_inputs.recording_faces() + (real_inputs.data_faces(data) if data else [])


@pytest.fixture(scope="module")
def voices(data):
    return np.stack(real_inputs.recording_voice() + (real_inputs.data_voices(data) if data else []))


@pytest.fixture(scope="module", params=PARTS, ids=lambda found: f"{found[0].stem}-{found[1]}")
def case(request, faces, voices):
    """A part of a shipped model, real inputs and torch's outputs: [(input, output)]."""
    sidecar, part = request.param
    metadata = load_metadata(sidecar)
    inputs = batches(metadata, part, faces, voices)
    with torch.inference_mode():
        module = load_part(metadata, part)
        return metadata, part, [(array, module(torch.from_numpy(array)).numpy()) for array in inputs]


def batches(metadata, part, faces, voices):
    """Return inputs of one row, of 15 and of all, and of any length where the network takes any."""
    if part == "speech":
        scale = np.asarray(metadata.preprocessing.std, np.float32)
        matrices = ((voices - np.asarray(metadata.preprocessing.mean)[:, None]) / scale[:, None]).astype(np.float32)
        if metadata.architecture != "speech-resnet":
            means = matrices.mean(2)
            return [means[:1], np.resize(means, (15, 40)), means]
        cut = [matrices[:1, :, :length] for length in (1, 2, 3, 5, 8, 31, 64, 93)]
        return [*cut, np.resize(matrices, (15, *matrices.shape[1:])), matrices]
    preparing = FaceInput(metadata.preprocessing)
    frames = np.empty((len(faces), *preparing.shape), np.float32)
    for crop, row in zip(faces, frames, strict=True):
        preparing.fill(crop, row)
    if part == "backbone":
        return [frames[:1], frames[:15], frames]
    with torch.inference_mode():
        embeddings = load_part(metadata, "backbone")(torch.from_numpy(frames)).numpy()
    clips = np.stack([np.roll(embeddings, number, 0)[:15] for number in range(15)])
    return [embeddings[None, :1], embeddings[None, :2], embeddings[None, :15], clips, embeddings[None]]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_gives_torchs_output(case, engine):
    if engine not in installed_engines():
        pytest.skip(f"{engine} is not installed")
    metadata, part, expected = case
    network = load_network(metadata, part, engine)
    for array, wanted in expected:
        found = network.run(array)
        allowed = TOLERANCE * max(1.0, float(np.abs(wanted).max()))
        np.testing.assert_allclose(found, wanted, rtol=0, atol=allowed, err_msg=f"input {array.shape}")


def test_the_inputs_are_told_apart(case):
    """Without this the equality above would say little."""
    _, _, expected = case
    whole = expected[-2][1]
    assert np.ptp(whole, axis=0).max() > 100 * TOLERANCE


@pytest.mark.parametrize("engine", [engine for engine in ENGINES if engine != "torch"])
def test_two_threads_give_the_same(faces, engine):
    """Not torch, whose threads are a setting of the whole process."""
    if engine not in installed_engines():
        pytest.skip(f"{engine} is not installed")
    metadata = load_metadata(FACE)
    frames = batches(metadata, "backbone", faces[:2], None)[0]
    one, two = (load_network(metadata, "backbone", engine, threads).run(frames) for threads in (1, 2))
    np.testing.assert_allclose(two, one, rtol=0, atol=1e-5)
