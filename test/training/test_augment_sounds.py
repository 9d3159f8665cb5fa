import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotion_recognition.training.augment_sounds import (
    ENGINES,
    SoundAugmentation,
    add_noise,
    augment_sound,
    shift_pitch,
    stretch_time,
)

pytest.importorskip("librosa")
RATE = 16000


def tone(frequency=440.0, seconds=1.5):
    return (0.3 * np.sin(2 * np.pi * frequency * np.arange(round(RATE * seconds)) / RATE)).astype(np.float32)


def loudest(sound):
    """Frequency in Hz of the strongest component of the middle of a sound."""
    middle = sound[len(sound) // 4 : -len(sound) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 17))
    return spectrum.argmax() * RATE / (1 << 17)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("semitones", [-2.0, -0.3, 1.5, 12.0])
def test_pitch_moves_by_the_semitones_and_length_stays(engine, semitones):
    out = shift_pitch(tone(), RATE, semitones, engine)
    assert out.shape == tone().shape and out.dtype == np.float32
    assert loudest(out) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.004)
    middle = out[len(out) // 4 : -len(out) // 4]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.2)  # phase vocoders lose some level


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rate", [0.8, 1.3])
def test_rate_changes_the_length_and_not_the_pitch(engine, rate):
    out = stretch_time(tone(), rate, engine)
    assert len(out) == round(len(tone()) / rate) and out.dtype == np.float32
    assert loudest(out) == pytest.approx(440, rel=0.004)


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
@pytest.mark.parametrize("engine", ENGINES)
def test_no_change_is_no_change(engine):
    assert np.array_equal(shift_pitch(tone(), RATE, 0.0, engine), tone())
    assert np.array_equal(stretch_time(tone(), 1.0, engine), tone())
    assert not len(stretch_time(np.empty(0, np.float32), 0.8, engine))
    assert np.isfinite(stretch_time(tone(seconds=0.01), 0.8, engine)).all()


@pytest.mark.parametrize(("reference", "expected"), [
    ("power", 0.01 * 0.3**2 / 2), ("peak", 0.01 * 0.3**2), ("full-scale", 0.01),
])  # fmt: skip
def test_noise_has_the_variance(reference, expected):
    added = add_noise(tone(seconds=10), np.random.default_rng(1), 0.01, reference) - tone(seconds=10)
    assert added.var() == pytest.approx(expected, rel=0.02) and abs(added.mean()) < 3e-2 * np.sqrt(expected)
    assert np.abs(np.corrcoef(added[1:], added[:-1])[0, 1]) < 0.02


def test_silence_stays_silent_in_relative_noise():
    silence = np.zeros(100, np.float32)
    assert not add_noise(silence, np.random.default_rng(0)).any()
    assert add_noise(silence, np.random.default_rng(0), reference="full-scale").any()


def test_augmentation_is_repeatable_and_differs_by_seed():
    one, same, other = (augment_sound(tone(), RATE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_each_change_has_its_chance():
    nothing = SoundAugmentation(noise=0, pitch=0, rate=0)
    assert np.array_equal(augment_sound(tone(), RATE, np.random.default_rng(0), nothing), tone())
    stretched = augment_sound(tone(), RATE, np.random.default_rng(0), SoundAugmentation(noise=0, pitch=0, rate=1))
    assert len(stretched) == round(len(tone()) / 0.8)
    pitched = SoundAugmentation(noise=0, pitch=1, rate=0, semitones=4)
    moved = [loudest(augment_sound(tone(), RATE, np.random.default_rng(seed), pitched)) for seed in range(6)]
    semitones = 12 * np.log2(np.array(moved) / 440)
    assert (np.abs(semitones) < 4.1).all() and semitones.std() > 1


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 5000), st.integers(0, 2**32 - 1))
def test_any_sound_stays_finite(count, seed):
    sound = np.random.default_rng(seed).uniform(-1, 1, count).astype(np.float32)
    out = augment_sound(sound, RATE, np.random.default_rng(seed), SoundAugmentation(noise=1, pitch=1, rate=1))
    assert out.dtype == np.float32 and out.ndim == 1 and np.isfinite(out).all() and len(out) == round(count / 0.8)


@pytest.mark.parametrize(("wrong", "text"), [
    ({"noise": 1.5}, "chances from 0 to 1"), ({"variance": -1}, "variance"), ({"stretch": 0}, "stretch above 0"),
    ({"reference": "loud"}, "reference 'loud': expected one of power"), ({"engine": "sox"}, "engine 'sox'"),
])  # fmt: skip
def test_wrong_settings_are_refused(wrong, text):
    with pytest.raises(ValueError, match=text):
        SoundAugmentation(**wrong)


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="rate 0"):
        stretch_time(tone(), 0)
    with pytest.raises(ValueError, match="engine 'x'"):
        shift_pitch(tone(), RATE, 1, "x")
    with pytest.raises(ValueError, match="variance nan"):
        add_noise(tone(), np.random.default_rng(0), float("nan"))
