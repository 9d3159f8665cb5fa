import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from emotion_recognition.features import MfccSettings  # noqa: E402
from emotion_recognition.training.loop import Optimisation  # noqa: E402
from emotion_recognition.training.speech import MeanExamples, SpeechRecipe, fit  # noqa: E402
from emotion_recognition.training.speech_features import SpeechFeatures  # noqa: E402

OPTIMISATION = Optimisation(((3, 3e-3),), batch=16, warm_up=2, average=0.8)
QUICK = SpeechRecipe("speech-cnn-s1", dropout=0.0, optimisation=OPTIMISATION, mixup=0.1)


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
        MfccSettings(),
    )


def recall(features: SpeechFeatures, chosen, tested) -> float:
    found = fit(features, chosen, QUICK).logits(features.whole[tested]).argmax(1) + 1
    return float(np.mean(found == features.class_ids[tested]))


def test_separable_voices_are_learnt_across_speakers():
    assert recall(separable(), np.arange(128), np.arange(128, 192)) > 0.9


def test_labels_without_meaning_score_at_chance():
    features = separable()
    shuffled = dataclasses.replace(features, class_ids=np.random.default_rng(1).permutation(features.class_ids))
    assert recall(shuffled, np.arange(128), np.arange(128, 192)) < 0.35


def test_training_knows_nothing_of_clips_not_chosen_and_repeats_exactly():
    features = separable()
    chosen = np.arange(96)
    other = dataclasses.replace(features, whole=features.whole.copy(), class_ids=features.class_ids.copy())
    other.whole[96:] = 1e3
    other.class_ids[96:] = 1
    first, second = fit(features, chosen, QUICK), fit(other, chosen, QUICK)
    assert (first.mean == second.mean).all() and (first.std == second.std).all()
    for mine, theirs in zip(first.network.state_dict().values(), second.network.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)


def test_fewer_columns_than_eight_classes():
    features = separable()
    columns = np.minimum(features.class_ids - 1, 5)
    model = fit(features, np.arange(128), QUICK, columns, classes=6)
    found = model.logits(features.whole[128:])
    assert found.shape == (64, 6)
    assert np.mean(found.argmax(1) == columns[128:]) > 0.9


def test_gain_is_part_of_the_spread_of_the_first_coefficient_only():
    features = separable()
    bank = np.concatenate([features.whole[:, None], features.variants], axis=1)
    columns = features.class_ids - 1
    loud, plain = (
        MeanExamples(bank, columns, 8, dataclasses.replace(QUICK, gain_db=gain), features.settings)
        for gain in (12.0, 0.0)
    )
    assert np.allclose(loud.std[1:], plain.std[1:]) and np.allclose(loud.mean, plain.mean)
    # A uniform draw in +-12 dB has variance 48; 128 mel bands put sqrt(128) of each dB into the first coefficient.
    assert loud.std[0] ** 2 - plain.std[0] ** 2 == pytest.approx(48 * 128, rel=1e-3)


def test_mixed_targets_are_shares_that_sum_to_one():
    features = separable()
    bank = np.concatenate([features.whole[:, None], features.variants], axis=1)
    examples = MeanExamples(bank, features.class_ids - 1, 8, dataclasses.replace(QUICK, mixup=5.0), features.settings)
    _, targets = examples.batch(torch.arange(32), torch.Generator().manual_seed(3))
    assert torch.allclose(targets.sum(1), torch.ones(32))
    assert (targets.max(1).values < 1).any()


def test_training_leaves_torch_as_it_was():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    threads = torch.get_num_threads()
    fit(separable(), np.arange(64), QUICK)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_too_few_clips_are_refused():
    with pytest.raises(ValueError, match="15 examples.*batch of 16"):
        fit(separable(), np.arange(15), QUICK)


def test_a_loss_that_is_not_finite_stops():
    features = separable()
    features.whole[:] = np.inf
    features.variants[:] = np.inf
    with pytest.raises(FloatingPointError, match="loss nan"), np.errstate(all="ignore"):
        fit(features, np.arange(64), QUICK)
