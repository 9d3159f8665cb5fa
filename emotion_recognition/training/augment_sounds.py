"""Augmentation of sounds, as Lu, Lu & Lin do it: noise of variance 0.01, another pitch, a rate of 0.8.

The rate is changed by the phase vocoder of librosa (https://librosa.org/doc/0.11.0/effects.html) or of torchaudio
(https://docs.pytorch.org/audio/2.11.0/functional.html); another pitch is another rate, resampled to the first length.
"""

from dataclasses import dataclass

import numpy as np

NOISE_REFERENCES = ("power", "peak", "full-scale")
ENGINES = ("librosa", "torchaudio")
_N_FFT = 2048
_HOP = 512


@dataclass(frozen=True)
class SoundAugmentation:
    """What may happen to a sound.

    Attributes:
        noise, pitch, rate: chance of each, 0 to 1.
        variance: of the noise, in units of ``reference``; see :func:`add_noise`.
        reference: one of NOISE_REFERENCES.
        semitones: the pitch moves by at most so many, up or down.
        stretch: the rate; 0.8 makes a sound 1.25 times as long.
        engine: one of ENGINES.

    Raises:
        ValueError: a value is out of its range.
    """

    noise: float = 0.5
    pitch: float = 0.5
    rate: float = 0.5
    variance: float = 0.01
    reference: str = "power"
    semitones: float = 2.0
    stretch: float = 0.8
    engine: str = "librosa"

    def __post_init__(self):
        if not all(0 <= chance <= 1 for chance in (self.noise, self.pitch, self.rate)):
            raise ValueError(f"{self}: expected chances from 0 to 1")
        if not (self.variance >= 0 and self.semitones >= 0 and self.stretch > 0):
            raise ValueError(f"{self}: expected variance and semitones from 0, stretch above 0")
        _check_choice("reference", self.reference, NOISE_REFERENCES)
        _check_choice("engine", self.engine, ENGINES)


def augment_sound(
    sound: np.ndarray, sample_rate: int, rng: np.random.Generator, settings: SoundAugmentation | None = None
) -> np.ndarray:
    """Return a random variant of a sound: perhaps at another rate, in another pitch, with noise.

    Args:
        sound: mono (n,) float32.
        sample_rate: in Hz.
        rng: source of every random draw.
        settings: what may happen.

    Returns:
        Mono (m,) float32.
    """
    settings = settings or SoundAugmentation()
    chances = rng.random(3)
    semitones = rng.uniform(-settings.semitones, settings.semitones)
    if chances[0] < settings.rate:
        sound = stretch_time(sound, settings.stretch, settings.engine)
    if chances[1] < settings.pitch:
        sound = shift_pitch(sound, sample_rate, semitones, settings.engine)
    if chances[2] < settings.noise:
        sound = add_noise(sound, rng, settings.variance, settings.reference)
    return sound


def add_noise(
    sound: np.ndarray, rng: np.random.Generator, variance: float = 0.01, reference: str = "power"
) -> np.ndarray:
    """Return a sound with white Gaussian noise.

    The paper says "variance 0.01" and not of what scale. RAVDESS peaks far below full scale, where noise of that
    variance drowns it, so the noise is relative to the sound unless asked otherwise.

    Args:
        sound: mono (n,) float32.
        rng: source of the noise.
        variance: of the noise, in units of ``reference``, from 0.
        reference: ``power``, of a sound of mean power 1 (0.01 is 20 dB below the sound); ``peak``, of a sound of peak
            1; ``full-scale``, of the sound as it is.

    Raises:
        ValueError: another ``reference``, or ``variance`` under 0.
    """
    _check_choice("reference", reference, NOISE_REFERENCES)
    if not variance >= 0:
        raise ValueError(f"variance {variance}: expected from 0")
    if not len(sound):
        return sound
    scale = 1.0
    if reference == "power":
        scale = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))
    elif reference == "peak":
        scale = float(np.abs(sound).max())
    noise = rng.standard_normal(len(sound), np.float32) * np.float32(scale * np.sqrt(variance))
    return (sound + noise).astype(np.float32, copy=False)


def shift_pitch(sound: np.ndarray, sample_rate: int, semitones: float, engine: str = "librosa") -> np.ndarray:
    """Return a sound of the same length in another pitch, mono (n,) float32.

    Args:
        sound: mono (n,) float32.
        sample_rate: in Hz.
        semitones: frequencies become ``2 ** (semitones / 12)`` times as high.
        engine: one of ENGINES.

    Raises:
        ValueError: another ``engine``.
        ImportError: it is not installed.
    """
    _check_choice("engine", engine, ENGINES)
    if not len(sound) or semitones == 0:
        return sound
    if engine == "librosa":
        import librosa

        return librosa.effects.pitch_shift(
            sound, sr=sample_rate, n_steps=semitones, n_fft=_N_FFT, hop_length=_HOP, res_type="soxr_hq"
        )
    import soxr

    # torchaudio's own pitch_shift resamples between whole rates, which takes huge filters for most intervals.
    factor = 2.0 ** (semitones / 12)
    shifted = soxr.resample(_torchaudio_stretch(sound, 1 / factor), sample_rate * factor, sample_rate)[: len(sound)]
    return np.pad(shifted, (0, len(sound) - len(shifted)))


def stretch_time(sound: np.ndarray, rate: float, engine: str = "librosa") -> np.ndarray:
    """Return a sound played ``rate`` times as fast in the same pitch, mono (round(n / rate),) float32.

    Raises:
        ValueError: another ``engine``, or ``rate`` is not above 0.
        ImportError: the engine is not installed.
    """
    _check_choice("engine", engine, ENGINES)
    if not rate > 0:
        raise ValueError(f"rate {rate}: expected above 0")
    if not len(sound) or rate == 1:
        return sound
    if engine == "librosa":
        import librosa

        return librosa.effects.time_stretch(sound, rate=rate, n_fft=_N_FFT, hop_length=_HOP)
    return _torchaudio_stretch(sound, rate)


def _torchaudio_stretch(sound: np.ndarray, rate: float) -> np.ndarray:
    import torch

    from emotion_recognition.features.torchaudio_shim import import_torchaudio

    functional = import_torchaudio().functional
    window = torch.hann_window(_N_FFT)
    waveform = torch.from_numpy(np.ascontiguousarray(sound, np.float32))
    spectrum = torch.stft(waveform, _N_FFT, _HOP, window=window, pad_mode="constant", return_complex=True)
    advance = torch.linspace(0, torch.pi * _HOP, spectrum.shape[0])[:, None]
    stretched = functional.phase_vocoder(spectrum, rate, advance)
    length = round(len(sound) / rate)
    return torch.istft(stretched, _N_FFT, _HOP, window=window, length=length).numpy()


def _check_choice(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{what} '{value}': expected one of {', '.join(known)}")
