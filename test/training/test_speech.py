import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from emotion_recognition.emotions import CLASS_IDS  # noqa: E402
from emotion_recognition.evaluation import score  # noqa: E402
from emotion_recognition.evaluation.calibration import calibration_error, fit_temperature  # noqa: E402
from emotion_recognition.features import MfccSettings  # noqa: E402
from emotion_recognition.training.speech import (  # noqa: E402
    SpeechRecipe,
    cross_validate_speech,
    fit,
    train_speech,
)
from emotion_recognition.training.speech_features import SpeechFeatures  # noqa: E402

QUICK = SpeechRecipe(variant="s1", epochs=3, batch=16, rate=3e-3, warm_up=2, average=0.8, dropout=0.0, mixup=0.1)


def separable(actors: int = 24) -> SpeechFeatures:
    """Some actors, 8 classes, a clip each: a pattern of its own for every class, well above the noise."""
    rng = np.random.default_rng(0)
    patterns = rng.normal(0, 20, (8, 40)).astype(np.float32)
    patterns[:, 0] -= 400
    class_ids = np.tile(np.arange(1, 9), actors)
    count = len(class_ids)

    def noisy():
        return patterns[class_ids - 1] + rng.normal(0, 1, (count, 40)).astype(np.float32)

    return SpeechFeatures(
        class_ids,
        np.repeat(np.arange(1, actors + 1), 8),
        noisy(),
        np.stack([noisy(), noisy()], 1),
        noisy(),
        np.arange(count),
        MfccSettings(),
    )


@pytest.fixture(scope="module")
def result():
    seen = []
    return cross_validate_speech(separable(), QUICK, seen.append), seen


def test_separable_voices_are_learnt_across_speakers(result):
    scores, _ = result
    assert [fold["actors"] for fold in scores["folds"]] == [list(range(a, a + 4)) for a in range(1, 25, 4)]
    assert all(fold["clips_tested"] == 32 for fold in scores["folds"])
    assert scores["means"]["clips"]["uar"]["mean"] > 0.9
    assert scores["means"]["windows_gain"]["uar"]["mean"] > 0.9
    assert sum(map(sum, scores["confusion_clips"])) == 192


def test_cross_validation_is_json_and_repeats_exactly(result):
    scores, _ = result
    assert json.loads(json.dumps(scores, allow_nan=False)) == json.loads(json.dumps(scores))
    assert cross_validate_speech(separable(8), QUICK) == cross_validate_speech(separable(8), QUICK)


def test_progress_names_fold_and_epoch(result):
    _, seen = result
    assert [item["fold"] for item in seen if item["stage"] == "fold"] == [1, 2, 3, 4, 5, 6]
    assert seen[0]["stage"] == "training" and (seen[0]["epoch"], seen[0]["of"], seen[0]["folds"]) == (1, 3, 6)


def test_labels_without_meaning_score_at_chance():
    features = separable(12)
    shuffled = dataclasses.replace(features, class_ids=np.random.default_rng(1).permutation(features.class_ids))
    assert cross_validate_speech(shuffled, QUICK)["means"]["clips"]["uar"]["mean"] < 0.35


def test_training_knows_nothing_of_clips_not_chosen():
    features = separable()
    chosen = np.arange(96)
    other = dataclasses.replace(features, whole=features.whole.copy(), class_ids=features.class_ids.copy())
    other.whole[96:] = 1e3
    other.class_ids[96:] = 1
    first, second = fit(features, chosen, QUICK), fit(other, chosen, QUICK)
    assert (first.mean == second.mean).all() and (first.std == second.std).all()
    for mine, theirs in zip(first.network.state_dict().values(), second.network.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)


def test_training_leaves_torch_as_it_was():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    fit(separable(), np.arange(64), dataclasses.replace(QUICK, epochs=1))
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_too_few_clips_are_refused():
    with pytest.raises(ValueError, match="15 clips.*batch of 16"):
        fit(separable(), np.arange(15), QUICK)


def test_a_loss_that_is_not_finite_stops():
    features = separable()
    features.whole[:] = np.inf
    features.variants[:] = np.inf
    with pytest.raises(FloatingPointError, match="loss nan"), np.errstate(all="ignore"):
        fit(features, np.arange(64), QUICK)


def test_the_model_written_gives_the_scores_of_the_network(tmp_path, result):
    pytest.importorskip("onnx")
    from emotion_recognition.engines.network import load_network
    from emotion_recognition.engines.weights import load_metadata

    features, (scores, _) = separable(), result
    recipe = QUICK
    metadata = load_metadata(train_speech(features, tmp_path, recipe, scores))
    assert metadata.class_ids == CLASS_IDS
    assert metadata.temperature == scores["temperature"]
    assert metadata.scores["means"] == scores["means"]
    assert "NC-SA 4.0" in metadata.licence and "192 clips of 24 actors" in metadata.trained_on
    assert MfccSettings(**metadata.preprocessing.mfcc) == MfccSettings()
    model = fit(features, np.arange(192), recipe)
    inputs = (features.windows - np.array(metadata.preprocessing.mean)) / np.array(metadata.preprocessing.std)
    logits = load_network(metadata, "speech").run(inputs.astype(np.float32))
    assert logits == pytest.approx(model.logits(features.windows), abs=1e-4)


def test_scores_of_another_recipe_are_refused(tmp_path, result):
    with pytest.raises(ValueError, match="run it again"):
        train_speech(separable(), tmp_path, dataclasses.replace(QUICK, epochs=5), result[0])
    assert not list(tmp_path.iterdir())


def test_temperature_is_found():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20000, 8))
    powers = np.exp(logits)
    truth = np.array([rng.choice(8, p=p) for p in powers / powers.sum(1, keepdims=True)]) + 1
    assert fit_temperature(logits, truth) == pytest.approx(1.0, abs=0.05)
    assert fit_temperature(logits * 3, truth) == pytest.approx(3.0, abs=0.15)


def test_scores_of_known_predictions():
    found = score(np.array([1, 1, 1, 1, 3, 3]), np.array([1, 1, 1, 3, 3, 5]), (1, 3, 5))
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.uar == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert found.confusion == ((3, 1, 0), (0, 1, 1), (0, 0, 0))
    assert json.loads(json.dumps(found.to_json()))["count"] == 6


@pytest.mark.parametrize(("truth", "predicted"), [([], []), ([1, 2], [1]), ([1], [9])])
def test_impossible_scores_are_refused(truth, predicted):
    with pytest.raises(ValueError):
        score(np.array(truth, int), np.array(predicted, int), CLASS_IDS)


def test_calibration_error_of_known_probabilities():
    probabilities = np.array([[0.8, 0.2]] * 10)
    assert calibration_error(np.array([1] * 8 + [2] * 2), probabilities, (1, 2)) == pytest.approx(0.0)
    assert calibration_error(np.array([1] * 5 + [2] * 5), probabilities, (1, 2)) == pytest.approx(0.3)
    assert calibration_error(np.array([1, 1]), np.array([[1.0, 0.0]] * 2), (1, 2)) == 0.0
