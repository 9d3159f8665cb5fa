import numpy as np
import pytest

pytest.importorskip("sklearn")

from emotion_recognition.evaluation import action_unit_classifier  # noqa: E402
from emotion_recognition.evaluation.action_unit_classifier import classify_action_units  # noqa: E402
from emotion_recognition.evaluation.protocols import load_protocol  # noqa: E402


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(action_unit_classifier, "TREES", 30)
    monkeypatch.setattr(action_unit_classifier, "STRENGTHS", (0.1,))


def clips(units_of):
    names = [
        f"03-01-{emotion:02}-01-01-{repetition:02}-{actor:02}"
        for actor in range(1, 25)
        for emotion in range(1, 9)
        for repetition in (1, 2, 3)
    ]
    actors, truth = np.array([int(name[-2:]) for name in names]), np.array([int(name[6:8]) for name in names])
    draw = np.random.default_rng(4)
    return units_of(truth, draw), names, actors, truth, load_protocol("p2").indices(names, actors.tolist())


def signs(truth, draw):
    """Units whose products in pairs tell the bits of the class, which no linear rule can read."""
    units = draw.choice([-1.0, 1.0], (len(truth), 35))
    for bit in range(3):
        units[:, 2 * bit + 1] = units[:, 2 * bit] * np.where((truth - 1) >> bit & 1, 1, -1)
    return units[:, :6]


def levels(truth, draw):
    units = draw.standard_normal((len(truth), 35))
    units[np.arange(len(truth)), truth] += 2
    return units


@pytest.mark.parametrize("units_of, kinds", [(signs, {"trees"}), (levels, {"logistic", "logistic and trees"})])
def test_validation_actors_choose_the_kind(units_of, kinds):
    units, names, actors, truth, splits = clips(units_of)
    found = classify_action_units(units, names, actors, truth, splits[:2])
    assert {kind for kind, _, _ in found.recipe["kind, scaling and C"]} <= kinds
    whole = found.select("clips")
    assert np.mean(whole.predicted == whole.truth) > 0.6
    assert np.exp(whole.logits).sum(axis=1) == pytest.approx(np.ones(len(whole.truth)), abs=1e-3)


def test_labels_of_test_actors_choose_nothing():
    units, names, actors, truth, splits = clips(levels)
    before = classify_action_units(units, names, actors, truth, splits[:1])
    other = truth.copy()
    other[splits[0].test] = other[splits[0].test] % 8 + 1
    after = classify_action_units(units, names, actors, other, splits[:1])
    assert (before.logits == after.logits).all() and before.recipe == after.recipe
