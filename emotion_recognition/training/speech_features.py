"""The 40-vectors that the speech classifier learns from: clips and degraded versions of them, made once.

The robot sees the mean MFCCs of sliding windows of 3 s, at a microphone's unknown gain and in its noise, not of trimmed
clips. Each clip gives its whole, and ``variants`` random versions: whole or a random window of 3 s, played faster or
slower (which moves pitch and formants), with white or pink noise. Stretching time alone is not among them: a mean over
time does not change by it. Gain is applied later, see :func:`apply_gain`, since it only moves the first coefficient.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from emotion_recognition.datasets.ravdess import Clip, read_clip
from emotion_recognition.features import Mfcc, MfccSettings, create_mfcc
from emotion_recognition.training.augment_sounds import SoundAugmentation, augment_sound

WINDOW_S = 3.0
SPEEDS = (0.8, 1.25)
UNCHANGED_SPEED = 0.3
SNR_DB = (0.0, 35.0)
WITHOUT_NOISE = 0.3
WINDOW_SHARE = 0.5


@dataclass(frozen=True)
class SpeechFeatures:
    """Mean MFCCs of N clips.

    Attributes:
        class_ids, actors: int64 (N,).
        whole: the clips as they are, float32 (N, 40).
        variants: random versions, float32 (N, V, 40).
        settings: settings of the coefficients.
    """

    class_ids: np.ndarray
    actors: np.ndarray
    whole: np.ndarray
    variants: np.ndarray
    settings: MfccSettings


def compute_features(
    clips: list[Clip],
    variants: int = 16,
    seed: int = 1,
    progress: Callable[[dict], None] | None = None,
    augmentation: str = "robot",
) -> SpeechFeatures:
    """Return the features of clips; the same seed gives the same ones for a clip, whatever the other clips.

    Args:
        clips: the clips.
        variants: random versions of each.
        seed: where the random draws start.
        progress: called with ``{"stage": "features", "done": n, "of": N}`` now and then.
        augmentation: ``robot`` draws versions as :func:`random_version` does, ``paper`` as the paper says: noise,
            pitch and rate (``training.augment_sounds``), ``none`` leaves the sound as it is.

    Raises:
        ValueError: an unknown augmentation.
    """
    _check_augmentation(augmentation)
    settings = MfccSettings()
    mfcc = create_mfcc("numpy", settings)
    draw = AUGMENTATIONS[augmentation]
    whole, versions = [], []
    for number, clip in enumerate(clips):
        sound = read_clip(clip, settings.rate)
        rng = np.random.default_rng([seed, *_numbers(clip.name)])
        whole.append(mean_mfcc(mfcc, sound))
        versions.append([mean_mfcc(mfcc, draw(sound, settings.rate, rng)) for _ in range(variants)])
        if progress and (number % 50 == 49 or number + 1 == len(clips)):
            progress({"stage": "features", "done": number + 1, "of": len(clips)})
    return SpeechFeatures(
        class_ids=np.array([clip.class_id for clip in clips], np.int64),
        actors=np.array([clip.actor for clip in clips], np.int64),
        whole=np.array(whole, np.float32),
        variants=np.array(versions, np.float32).reshape(len(clips), variants, settings.coefficients),
        settings=settings,
    )


def _numbers(name: str) -> list[int]:
    """Return what a clip's name adds to the seed: the numbers of a RAVDESS name, the letters of any other."""
    fields = name.split("-")
    return [int(field) for field in fields] if all(field.isdigit() for field in fields) else list(name.encode())


def mean_mfcc(mfcc: Mfcc, sound: np.ndarray) -> np.ndarray:
    """Return the mean over time of the MFCCs of a sound, float32 (40,), as the robot's audio pipeline does."""
    return mfcc(sound).mean(axis=1, dtype=np.float64).astype(np.float32)


def random_version(sound: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random version of a sound (n,): perhaps a window, another speed, noise."""
    import soxr

    length = round(WINDOW_S * rate)
    if rng.random() < WINDOW_SHARE and len(sound) > length:
        start = rng.integers(len(sound) - length + 1)
        sound = sound[start : start + length]
    if rng.random() >= UNCHANGED_SPEED:
        speed = np.exp(rng.uniform(*np.log(SPEEDS)))
        sound = soxr.resample(sound, rate * speed, rate, quality="MQ")
    if rng.random() >= WITHOUT_NOISE:
        noise = pink_noise(len(sound), rng) if rng.random() < 0.5 else rng.standard_normal(len(sound), np.float32)
        level = np.sqrt(np.mean(np.square(sound)) * 10 ** (-rng.uniform(*SNR_DB) / 10))
        sound = sound + np.float32(level) * noise
    return sound


def pink_noise(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return noise (count,) float32 of unit variance whose power falls by 3 dB an octave."""
    size = 1 << max(4, (count - 1).bit_length())
    bins = size // 2 + 1
    spectrum = (rng.standard_normal(bins) + 1j * rng.standard_normal(bins)) / np.sqrt(np.maximum(1, np.arange(bins)))
    noise = np.fft.irfft(spectrum, size)[:count]
    return (noise / noise.std()).astype(np.float32)


def apply_gain(vectors: np.ndarray, gain_db: np.ndarray, settings: MfccSettings) -> np.ndarray:
    """Return mean MFCCs (N, 40) of the same sounds played ``gain_db`` (N,) louder.

    Gain adds the same decibels to every mel band, and the orthonormal DCT puts ``sqrt(mels)`` times that into the first
    coefficient. Exact as long as no band falls to ``amin``.
    """
    out = vectors.copy()
    out[:, 0] += np.asarray(gain_db, np.float32) * np.float32(np.sqrt(settings.mels))
    return out


def unchanged(sound: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Return the sound (n,) as it is."""
    del rate, rng
    return sound


AUGMENTATIONS = {"robot": random_version, "paper": augment_sound, "none": unchanged}


def augmentation_settings(augmentation: str) -> dict[str, Any]:
    """Return all that the versions of an augmentation depend on but its code, as JSON can hold it.

    Raises:
        ValueError: an unknown augmentation.
    """
    _check_augmentation(augmentation)
    if augmentation == "none":
        return {"augmentation": augmentation}
    if augmentation == "paper":
        return {"augmentation": augmentation, **asdict(SoundAugmentation())}
    return {
        "augmentation": augmentation, "window_s": WINDOW_S, "window_share": WINDOW_SHARE, "speeds": SPEEDS,
        "unchanged_speed": UNCHANGED_SPEED, "snr_db": SNR_DB, "without_noise": WITHOUT_NOISE,
    }  # fmt: skip


def _check_augmentation(augmentation: str) -> None:
    if augmentation not in AUGMENTATIONS:
        raise ValueError(f"augmentation {augmentation!r}: expected one of {', '.join(AUGMENTATIONS)}")
