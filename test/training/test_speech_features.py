import numpy as np
import pytest

from emotion_recognition.datasets.ravdess import find_clips
from emotion_recognition.features import MfccSettings, create_mfcc
from emotion_recognition.training.speech_features import (
    apply_gain,
    compute_features,
    mean_mfcc,
    pink_noise,
    random_version,
)

soundfile = pytest.importorskip("soundfile")
RATE = 16000


def sound(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, round(RATE * seconds)).astype(np.float32)


@pytest.fixture
def clips(tmp_path):
    for number, seconds in ((1, 3.7), (2, 1.5), (3, 3.0)):
        soundfile.write(tmp_path / f"03-01-05-01-01-01-{number:02d}.wav", sound(seconds, number), RATE, subtype="FLOAT")
    return find_clips(tmp_path)


def test_gain_is_what_a_louder_sound_gives():
    mfcc = create_mfcc()
    quiet, loud = mean_mfcc(mfcc, sound(3.0)), mean_mfcc(mfcc, sound(3.0) * 10 ** (7.5 / 20))
    found = apply_gain(np.stack([quiet, quiet]), np.array([7.5, 0.0]), MfccSettings())
    assert found[0] == pytest.approx(loud, abs=1e-3)
    assert (found[1] == quiet).all()


def test_features_of_clips(clips):
    features = compute_features(clips, variants=3)
    assert features.class_ids.tolist() == [5, 5, 5] and features.actors.tolist() == [1, 2, 3]
    assert features.variants.shape == (3, 3, 40)
    mfcc = create_mfcc()
    assert features.whole[0] == pytest.approx(mfcc(sound(3.7, 1)).mean(1), abs=1e-3)


def test_a_clip_has_the_same_versions_whatever_stands_beside_it(clips):
    together, alone = compute_features(clips, variants=3), compute_features(clips[1:2], variants=3)
    assert (together.variants[1] == alone.variants[0]).all()
    assert not (compute_features(clips[1:2], variants=3, seed=2).variants == alone.variants).all()
    assert len({version.tobytes() for version in together.variants.reshape(-1, 40)}) == 9


def test_the_papers_augmentation_draws_other_versions(clips):
    robot, paper = (compute_features(clips[:1], variants=4, augmentation=kind) for kind in ("robot", "paper"))
    assert (robot.whole == paper.whole).all() and not (robot.variants == paper.variants).all()
    assert np.isfinite(paper.variants).all()
    with pytest.raises(ValueError, match="'loud': expected one of robot, paper, none"):
        compute_features(clips[:1], augmentation="loud")


def test_versions_stay_finite_and_of_plausible_length():
    rng = np.random.default_rng(0)
    for seconds in (0.2, 3.0, 5.0):
        for _ in range(20):
            version = random_version(sound(seconds), RATE, rng)
            assert np.isfinite(version).all()
            assert 0.8 * min(3.0, seconds) * RATE * 0.99 <= len(version) <= 1.25 * seconds * RATE * 1.01


def test_silence_gives_finite_features():
    version = random_version(np.zeros(RATE, np.float32), RATE, np.random.default_rng(1))
    assert np.isfinite(mean_mfcc(create_mfcc(), version)).all()


def test_pink_noise_falls_by_three_decibels_an_octave():
    noise = pink_noise(1 << 18, np.random.default_rng(0))
    assert noise.std() == pytest.approx(1.0, abs=1e-3)
    power = np.abs(np.fft.rfft(noise)) ** 2
    octaves = [10 * np.log10(power[1 << k : 2 << k].mean()) for k in range(10, 16)]
    assert np.diff(octaves) == pytest.approx(np.full(5, -3.01), abs=0.4)


def test_progress_ends_at_all(clips):
    seen = []
    compute_features(clips, variants=0, progress=seen.append)
    assert seen[-1] == {"stage": "features", "done": 3, "of": 3}
