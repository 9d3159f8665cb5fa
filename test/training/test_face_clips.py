import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from emotion_recognition.classifiers.face_input import FaceInput  # noqa: E402
from emotion_recognition.engines.errors import ModelError  # noqa: E402
from emotion_recognition.models.configurations import FACE  # noqa: E402
from emotion_recognition.training.face_clips import (  # noqa: E402
    ClipExamples,
    clip_input,
    default_recipe,
    fit,
    logits,
)
from emotion_recognition.training.loop import Optimisation  # noqa: E402

QUICK = dataclasses.replace(
    default_recipe("resnet-fan"), size=32, optimisation=Optimisation(((4, 3e-3),), batch=4, warm_up=2, average=0.5)
)


def bright_and_dark(count=8, frames=3, side=40):
    """Clips of noise, every other one bright, and their columns."""
    rng = np.random.default_rng(0)
    columns = np.arange(count) % 2
    clips = [rng.integers(0, 60, (frames, side, side, 3)) + 180 * column for column in columns]
    return [clip.astype(np.uint8) for clip in clips], columns


def test_the_input_is_what_the_robot_computes():
    crops, _ = bright_and_dark()
    face_input = FaceInput(QUICK.preprocessing)
    expected = np.empty(face_input.shape, np.float32)
    face_input.fill(crops[3][1], expected)
    found = clip_input(crops[3], face_input)
    assert found.shape == (3, 3, 32, 32) and (found[1].numpy() == expected).all()


def test_examples_are_augmented_alike_in_all_frames_and_repeat_with_the_generator():
    crops = [np.repeat(clip[:1], 3, 0) for clip in bright_and_dark()[0]]
    examples = ClipExamples(crops, np.zeros(8), QUICK)

    def draw(seed):
        return examples.batch(torch.tensor([1, 2]), torch.Generator().manual_seed(seed))[0]

    inputs = draw(1)
    assert inputs.shape == (2, 3, 3, 32, 32) and inputs.min() >= -1 and inputs.max() <= 1
    assert torch.equal(inputs[:, 0], inputs[:, 2])
    assert torch.equal(inputs, draw(1)) and not torch.equal(inputs, draw(2))
    plain = ClipExamples(crops, np.zeros(8), dataclasses.replace(QUICK, augmented=False))
    assert torch.equal(
        plain.batch(torch.tensor([1]), torch.Generator())[0][0], clip_input(crops[1], FaceInput(QUICK.preprocessing))
    )


def test_clips_are_learnt():
    crops, columns = bright_and_dark(16)
    recipe = dataclasses.replace(QUICK, optimisation=Optimisation(((8, 3e-3),), batch=8, warm_up=2, average=0.5))
    network = fit(crops, columns, recipe, classes=2)
    found = logits(network, crops[:5], recipe)
    assert found.shape == (5, 2) and found.dtype == np.float64
    assert (logits(network, crops, recipe).argmax(1) == columns).mean() >= 0.9


class Killed(Exception):
    pass


def test_a_training_that_was_killed_ends_with_the_weights_of_an_unbroken_one(tmp_path):
    crops, columns = bright_and_dark()

    def stop(figures):
        if figures["epoch"] == 2:
            raise Killed

    whole = fit(crops, columns, QUICK)
    with pytest.raises(Killed):
        fit(crops, columns, QUICK, checkpoint=tmp_path / "c.safetensors", report=stop)
    resumed = fit(crops, columns, QUICK, checkpoint=tmp_path / "c.safetensors")
    for mine, theirs in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)
    with pytest.raises(ValueError, match="classes 8, not 6"):
        fit(crops, columns, QUICK, 6, tmp_path / "c.safetensors")


def test_a_checkpoint_that_is_a_pickle_is_refused(tmp_path):
    crops, columns = bright_and_dark()
    torch.save({"epoch": 1}, tmp_path / "c.safetensors")
    with pytest.raises(ModelError, match="not a whole checkpoint"):
        fit(crops, columns, QUICK, checkpoint=tmp_path / "c.safetensors")


@pytest.mark.parametrize("name", list(FACE))
def test_every_face_model_has_a_recipe_at_its_own_size(name):
    recipe = default_recipe(name)
    assert (recipe.architecture, recipe.size, recipe.preprocessing.size) == (name, FACE[name].size, FACE[name].size)
