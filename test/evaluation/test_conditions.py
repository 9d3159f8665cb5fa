from types import SimpleNamespace

import numpy as np
import pytest

from emotion_recognition.evaluation.conditions import apply_condition, is_of_sound, under_conditions, windows
from emotion_recognition.evaluation.protocols import Split, load_protocol

RATE = 16000


def tone(seconds, level=0.1):
    return (level * np.sin(np.arange(int(seconds * RATE)) * 0.2)).astype(np.float32)


def rng():
    return np.random.default_rng(0)


def test_windows_are_those_of_the_robot():
    assert [len(window) / RATE for window in windows(tone(4.2))] == [1.0, 1.5, 2.0, 2.5, 3.0, 3.0, 3.0]
    sound = tone(4.2)
    assert (windows(sound)[-1] == sound[RATE : 4 * RATE]).all()
    assert len(windows(tone(0.4))) == 1 and len(windows(tone(0.4))[0]) == int(0.4 * RATE)


def test_gain_is_in_decibels_and_cut_at_full_scale():
    (louder,) = apply_condition(tone(1, 0.1), "clips gain +12 dB", rng())
    assert louder == pytest.approx(tone(1, 0.1) * 10**0.6, abs=1e-6)
    (cut,) = apply_condition(tone(1, 0.5), "clips gain +12 dB", rng())
    assert cut.max() == 1 and cut.min() == -1
    (quieter,) = apply_condition(tone(1, 0.4), "clips gain -12 dB", rng())
    assert np.abs(quieter).max() == pytest.approx(0.4 / 10**0.6, rel=1e-3)


@pytest.mark.parametrize("ratio", [0, 10])
def test_noise_has_the_ratio_asked_for(ratio):
    sound = tone(2)
    (noisy,) = apply_condition(sound, f"clips noise {ratio} dB", rng())
    found = 10 * np.log10(np.mean(sound**2) / np.mean((noisy - sound) ** 2))
    assert found == pytest.approx(ratio, abs=0.2)


def test_windows_of_a_condition_are_cut_after_it():
    pieces = apply_condition(tone(3.4, 0.1), "windows gain -12 dB", rng())
    assert len(pieces) == 5 and np.abs(pieces[-1]).max() == pytest.approx(0.1 / 10**0.6, rel=1e-3)


def test_conditions_of_the_protocol_are_known():
    conditions = load_protocol("p5").conditions
    assert [name for name in conditions if not is_of_sound(name)] == [
        "face noise 0 dB",
        "face missing",
        "voice missing",
    ]
    with pytest.raises(ValueError, match="'loud': expected one such as"):
        apply_condition(tone(1), "loud", rng())


def test_every_fold_is_classified_by_its_own_model_under_each_condition():
    clips = [SimpleNamespace(name=f"c{row}", actor=row + 1, class_id=row + 1) for row in range(3)]
    splits = [
        Split(0, "a", np.array([2]), np.array([], int), np.array([0, 1])),
        Split(4, "b", np.array([0]), np.array([], int), np.array([2])),
    ]
    calls = []

    def classify(fold, sounds):
        calls.append((fold, [len(sound) for sound in sounds]))
        return np.tile(np.eye(8)[fold] * [np.abs(sounds[0]).max()], (len(sounds), 1))

    record = under_conditions(
        clips, splits, ["clips", "windows", "clips gain -12 dB", "voice missing"], lambda clip: tone(1.6, 0.2),
        classify, name="made", model="m", protocol="p5", corpus="ravdess",
    )  # fmt: skip
    whole, window = int(1.6 * RATE), [RATE, int(1.5 * RATE)]
    assert calls == [
        (0, [whole] * 2), (0, window * 2), (0, [whole] * 2), (4, [whole]), (4, window), (4, [whole])
    ]  # fmt: skip
    assert set(record.conditions) == {"clips", "windows", "clips gain -12 dB"}
    clips_only = record.select("clips")
    assert (clips_only.names, clips_only.folds.tolist(), clips_only.truth.tolist()) == (
        ("c0", "c1", "c2"), [0, 0, 4], [1, 2, 3],
    )  # fmt: skip
    assert record.select("windows").names == ("c0", "c0", "c1", "c1", "c2", "c2")
    assert record.select("clips gain -12 dB", 4).logits[0, 4] == pytest.approx(0.2 / 10**0.6, rel=1e-3)
    with pytest.raises(ValueError, match="none of them is of sound"):
        under_conditions(clips, splits, ["face missing"], None, classify, name="a", model="m", protocol="", corpus="")
    with pytest.raises(ValueError, match=r"shape \(2, 7\) for 2 sounds"):
        under_conditions(
            clips, splits, ["clips"], lambda clip: tone(1), lambda fold, sounds: np.zeros((len(sounds), 7)),
            name="a", model="m", protocol="", corpus="",
        )  # fmt: skip


def test_a_clips_noise_is_its_own_whatever_the_other_clips():
    clips = [SimpleNamespace(name=f"c{row}", actor=row + 1, class_id=row + 1) for row in range(3)]

    def first_samples(some):
        split = Split(0, "a", np.array([], int), np.array([], int), np.arange(len(some)))
        return under_conditions(
            some, [split], ["clips noise 0 dB"], lambda clip: tone(0.1),
            lambda fold, sounds: np.array([sound[:8] for sound in sounds]), name="n", model="m", protocol="p5",
            corpus="ravdess",
        ).logits  # fmt: skip

    every = first_samples(clips)
    assert (first_samples(clips[1:]) == every[1:]).all() and (first_samples(clips[2:]) == every[2:]).all()
    assert (every[0] != every[1]).all() and (every[1] != every[2]).all()
