import dataclasses
from dataclasses import dataclass

import pytest

pytest.importorskip("torch")

from emotion_recognition.training.changes import Changes  # noqa: E402
from emotion_recognition.training.loop import Optimisation  # noqa: E402


@dataclass(frozen=True)
class WithDropout:
    optimisation: Optimisation
    dropout: float = 0.2
    architecture: str = "speech-cnn-s2"


@dataclass(frozen=True)
class Without:
    optimisation: Optimisation
    architecture: str = "ghostnet"


CYCLES = Optimisation(((10, 2e-3), (5, 1e-3)), batch=64, seed=1)


def test_nothing_changed_is_the_recipe():
    assert Changes().applied(WithDropout(CYCLES)) == WithDropout(CYCLES)


def test_epochs_make_one_cycle_at_the_highest_rate():
    assert Changes(epochs=7).applied(WithDropout(CYCLES)).optimisation.cycles == ((7, 2e-3),)


def test_a_rate_keeps_the_proportion_of_the_cycles():
    assert Changes(rate=8e-3).applied(Without(CYCLES)).optimisation.cycles == ((10, 8e-3), (5, 4e-3))
    assert Changes(epochs=3, rate=1e-4).applied(Without(CYCLES)).optimisation.cycles == ((3, 1e-4),)


def test_batch_seed_and_dropout():
    changed = Changes(batch=8, seed=9, dropout=0.4).applied(WithDropout(CYCLES))
    assert changed == WithDropout(dataclasses.replace(CYCLES, batch=8, seed=9), 0.4)


@pytest.mark.parametrize(("changes", "text"), [
    ({"dropout": 0.1}, "ghostnet has none"), ({"rate": 0.0}, "rate above 0"), ({"epochs": 0}, "epochs from 1"),
    ({"batch": 1}, "batch 1"), ({"precision": "float16"}, "precision 'float16': expected one of .*'bfloat16'"),
    ({"readings": {"prelu": "channel"}}, "ghostnet has no reading 'prelu'; it has depthwise"),
    ({"readings": {"depthwise": "none"}}, "depthwise is 'none', expected one of 'every', 'strided'"),
])  # fmt: skip
def test_impossible_changes_are_refused(changes, text):
    with pytest.raises(ValueError, match=text):
        Changes(**changes).applied(Without(CYCLES))


def test_impossible_dropout_is_refused():
    with pytest.raises(ValueError, match=r"dropout 1\.0"):
        Changes(dropout=1.0).applied(WithDropout(CYCLES))


def test_side_tasks_are_the_voices_that_reads_the_matrix():
    pytest.importorskip("torch")
    from emotion_recognition.training.speech import SpeechRecipe
    from emotion_recognition.training.speech_matrix import SpeechMatrixRecipe

    assert Changes().applied(SpeechMatrixRecipe()).side_weight == 0
    assert Changes(side_weight=0.3).applied(SpeechMatrixRecipe()).side_weight == 0.3
    with pytest.raises(ValueError, match="side_weight 0.3: speech-cnn-s2 has no side tasks"):
        Changes(side_weight=0.3).applied(SpeechRecipe())
    with pytest.raises(ValueError, match="side_weight -1: expected a number from 0"):
        Changes(side_weight=-1).applied(SpeechMatrixRecipe())


def test_augmentation_is_changed_where_there_is_a_choice():
    from emotion_recognition.training.speech import SpeechRecipe

    found = Changes(augmentation="paper").applied(SpeechRecipe())
    # The paper's are noise, pitch and rate only.
    assert (found.augmentation, found.gain_db) == ("paper", 0.0)
    kept = Changes(augmentation="robot").applied(SpeechRecipe(gain_db=6.0))
    assert (kept.augmentation, kept.gain_db) == ("robot", 6.0)
    alone = Changes(augmentation="none", mixup=0.2).applied(SpeechRecipe())
    assert (alone.augmentation, alone.gain_db, alone.versions, alone.mixup) == ("none", 0.0, 0, 0.2)
    with pytest.raises(ValueError, match="mixup 0.2: ghostnet has no mixup"):
        Changes(mixup=0.2).applied(Without(CYCLES))
    with pytest.raises(ValueError, match="augmentation paper: ghostnet has one only"):
        Changes(augmentation="paper").applied(Without(CYCLES))


def test_precision():
    assert Changes(precision="bfloat16").applied(Without(CYCLES)).optimisation.precision == "bfloat16"
    assert Changes().applied(Without(CYCLES)).optimisation.precision == "float32"


def test_readings_are_kept_where_they_are_not_the_default():
    from emotion_recognition.training.face_clips import default_recipe

    recipe = default_recipe("ghostnet-tam-fan")
    assert recipe.readings == {} and Changes(readings={"depthwise": "every"}).applied(recipe) == recipe
    changed = Changes(readings={"depthwise": "strided", "frame_weights": "alpha_beta"}).applied(recipe)
    assert changed.readings == {"depthwise": "strided"}
    both = Changes(readings={"triplet_residual": True}).applied(changed)
    assert both.readings == {"depthwise": "strided", "triplet_residual": True}
    assert Changes(readings={"depthwise": "every", "triplet_residual": False}).applied(both) == recipe


def test_a_model_without_readings_says_so():
    from emotion_recognition.training.speech_matrix import SpeechMatrixRecipe

    with pytest.raises(ValueError, match="speech-resnet has no reading 'prelu'; it has none"):
        Changes(readings={"prelu": "channel"}).applied(SpeechMatrixRecipe())


def test_what_holds_for_every_step_holds_for_a_second_training_too():
    from emotion_recognition.training.face import RECIPES

    recipe = RECIPES["resnet-fan"]
    assert Changes().applied(recipe) == recipe
    changed = Changes(rate=0.2, batch=32, seed=5, precision="float32").applied(recipe)
    expected = dataclasses.replace(recipe.refinement.optimisation, batch=32, seed=5, precision="float32")
    assert changed.refinement == dataclasses.replace(recipe.refinement, optimisation=expected)
    assert Changes(epochs=3, seed=5).applied(recipe).refinement is None
