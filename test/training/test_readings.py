"""Readings of the paper's open points, from a recipe to what a robot loads; and recipes from before there were any."""

import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("av")
pytest.importorskip("joblib")
pytest.importorskip("sklearn")
pytest.importorskip("onnx")

from safetensors import safe_open  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from emotion_recognition.classifiers.face_input import FaceInput  # noqa: E402
from emotion_recognition.engines.export import REFERENCE_ENGINES  # noqa: E402
from emotion_recognition.engines.network import load_network  # noqa: E402
from emotion_recognition.engines.torch_engine import load_part  # noqa: E402
from emotion_recognition.engines.weights import load_metadata  # noqa: E402
from emotion_recognition.evaluation.records import RunRecord  # noqa: E402
from emotion_recognition.models.cost import count_macs  # noqa: E402
from emotion_recognition.training.changes import Changes  # noqa: E402
from emotion_recognition.training.checkpoints import STATE  # noqa: E402
from emotion_recognition.training.cross_validation import cross_validate  # noqa: E402
from emotion_recognition.training.face_clips import clip_input  # noqa: E402
from emotion_recognition.training.learners import SIX, Task, create_learner  # noqa: E402
from emotion_recognition.training.whole import train_model  # noqa: E402

CHANNEL = {"prelu": "channel"}
QUICK = Changes(epochs=2, batch=4)
OTHERWISE = dataclasses.replace(QUICK, readings=CHANNEL)


@pytest.fixture
def task(ravdess, cache):
    return Task("S1", str(ravdess), changes=QUICK, cache=cache)


def train(task, output, **more):
    return train_model(task, output, allow_partial=True, **more)


def made_record(task, recipe):
    rng = np.random.default_rng(0)
    return RunRecord(
        name="run", model="speech-cnn-s1", protocol="p2", corpus="ravdess", recipe=recipe, names=["a", "b"],
        actors=[1, 5], folds=[0, 0], truth=[1, 2], logits=rng.normal(size=(2, 8)),
    )  # fmt: skip


def forget(path):
    """Take the readings out of a checkpoint, as it was written before there were any."""
    with safe_open(path, "pt") as stream:
        state = json.loads(stream.metadata()[STATE])
        tensors = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118 - not a dictionary
    assert state["identity"].pop("readings") == {}
    save_file(tensors, path, {STATE: json.dumps(state)})


def test_a_speech_model_says_its_readings_and_both_engines_run_them(task, tmp_path):
    learner = create_learner(dataclasses.replace(task, classes=6, changes=OTHERWISE))
    assert learner.described()["readings"] == learner.readings == CHANNEL
    model = learner.fit(np.arange(12))
    metadata = load_metadata(learner.exported(model, 1.0, {}, tmp_path, "voice"))
    assert metadata.readings == CHANNEL and json.loads(metadata.path.read_text())["readings"] == CHANNEL
    assert any(isinstance(layer, torch.nn.PReLU) for layer in load_part(metadata, "speech").modules())
    whole = learner._features.whole[:3]
    standardised = ((whole - model.mean) / model.std).astype(np.float32)
    for engine in REFERENCE_ENGINES:
        found = load_network(metadata, "speech", engine).run(standardised)
        assert found[:, np.array(SIX) - 1] == pytest.approx(
            learner.logits(model, np.arange(3))[:, np.array(SIX) - 1], abs=1e-3
        )


def test_a_visual_model_says_its_readings_and_both_engines_run_them(cremad, cache, tmp_path):
    changes = dataclasses.replace(QUICK, readings={"frame_weights": "beta"})
    learner = create_learner(Task("resnet-fan", str(cremad), changes=changes, cache=cache))
    network = learner.fit(np.arange(12))
    metadata = load_metadata(learner.exported(network, 1.0, {}, tmp_path, "face"))
    assert metadata.readings == {"frame_weights": "beta"}
    assert not load_part(metadata, "fan").alpha_in_clip
    frames = clip_input(learner._crops(np.arange(1))[0], FaceInput(metadata.preprocessing)).numpy()
    for engine in REFERENCE_ENGINES:
        embeddings = load_network(metadata, "backbone", engine).run(frames)
        found = load_network(metadata, "fan", engine).run(embeddings[np.newaxis])[0]
        expected = learner.logits(network, np.arange(1))[0]
        assert found[np.array(SIX) - 1] == pytest.approx(expected[np.array(SIX) - 1], abs=2e-3)


def test_a_folder_of_other_readings_is_refused_and_one_from_before_goes_on(task, tmp_path):
    first = load_metadata(train(task, tmp_path)).weights_sha256
    other = dataclasses.replace(task, changes=OTHERWISE)
    claim, checkpoint = tmp_path / "run.json", tmp_path / "checkpoint.safetensors"
    with pytest.raises(ValueError, match=r"holds another run: recipe .*'readings': {'prelu': 'channel'}"):
        train(other, tmp_path)
    claimed = json.loads(claim.read_text())
    assert claimed["recipe"].pop("readings") == {}
    claim.write_text(json.dumps(claimed))
    forget(checkpoint)
    assert load_metadata(train(task, tmp_path)).weights_sha256 == first
    with pytest.raises(ValueError, match="holds another run: recipe"):
        train(other, tmp_path)
    claim.unlink()
    with pytest.raises(ValueError, match="checkpoint.safetensors is of another run: readings {}, not {'prelu': 'chan"):
        train(other, tmp_path)


def test_a_record_from_before_readings_is_one_of_the_default_ones(task, tmp_path):
    recipe = json.loads(json.dumps(create_learner(task).described()))
    assert recipe.pop("readings") == {}
    by_fold = {"chosen by fold": {"actors 1-4": {**recipe, "dropout": 0.4}}}
    for number, found in enumerate((recipe, by_fold)):
        metadata = load_metadata(train(task, tmp_path / str(number), record=made_record(task, found)))
        assert metadata.scores["protocol"] == "p2" and metadata.readings == {}
        with pytest.raises(ValueError, match="differs in readings; expected the recipe of speech-cnn-s1"):
            train(dataclasses.replace(task, changes=OTHERWISE), tmp_path / "other", record=made_record(task, found))
    assert not (tmp_path / "other").exists()


def test_a_cross_validation_keeps_readings_and_what_they_cost(task, tmp_path):
    other = dataclasses.replace(task, changes=OTHERWISE)
    record = cross_validate(other, "p2", tmp_path, 1, allow_partial=True)
    assert record.recipe["readings"] == CHANNEL
    # 12,224 weights fewer than with one of each element's own.
    assert record.parameters == 443_144 and record.macs == count_macs("S1", 8, CHANNEL)
