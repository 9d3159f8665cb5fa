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
    ({"batch": 1}, "batch 1"),
])  # fmt: skip
def test_impossible_changes_are_refused(changes, text):
    with pytest.raises(ValueError, match=text):
        Changes(**changes).applied(Without(CYCLES))


def test_impossible_dropout_is_refused():
    with pytest.raises(ValueError, match=r"dropout 1\.0"):
        Changes(dropout=1.0).applied(WithDropout(CYCLES))


def test_augmentation_is_changed_where_there_is_a_choice():
    from emotion_recognition.training.speech import SpeechRecipe

    assert Changes(augmentation="paper").applied(SpeechRecipe()).augmentation == "paper"
    with pytest.raises(ValueError, match="augmentation paper: ghostnet has one only"):
        Changes(augmentation="paper").applied(Without(CYCLES))
