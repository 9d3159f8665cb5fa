"""Mel bands of clips, silence trimmed: what random versions for a training are drawn from.

Speed, pitch, noise and colour of a sound change its mel bands in ways that are easy to write down, so the sound is
transformed once and every epoch draws its versions from the bands (:func:`draw_versions`).
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from emotion_recognition.features import MfccSettings, NumpyMfcc
from emotion_recognition.features.mfcc import dct_matrix
from emotion_recognition.features.trimming import sounding

COLOURS = 4  # cosines over the bands that colour a sound
NOISE_TILT = (-1.0, 0.3)
NOISE_OCTAVES = 3.0
LEAST_SPREAD_DB = 0.015


@dataclass(frozen=True)
class MelBank:
    """Mel bands of N clips.

    Attributes:
        decibels: float32 (N, mels, longest), each clip's bands from its first frame on, zeros behind.
        lengths: frames of each clip, int64 (N,).
        settings: of the coefficients.
    """

    decibels: torch.Tensor
    lengths: torch.Tensor
    settings: MfccSettings

    def __len__(self) -> int:
        return len(self.lengths)

    def select(self, chosen: np.ndarray) -> "MelBank":
        """Return the bank of chosen clips."""
        index = torch.as_tensor(chosen, dtype=torch.long)
        return MelBank(self.decibels[index], self.lengths[index], self.settings)

    def joined(self, other: "MelBank") -> "MelBank":
        """Return the bank of these clips and then the other's, which must have the same settings."""
        longest = max(self.decibels.shape[2], other.decibels.shape[2])
        decibels = [F.pad(bank.decibels, (0, longest - bank.decibels.shape[2])) for bank in (self, other)]
        return MelBank(torch.cat(decibels), torch.cat((self.lengths, other.lengths)), self.settings)

    def mfcc(self, index: int) -> torch.Tensor:
        """Return the coefficients (coefficients, T) of one clip as it is."""
        bands = self.decibels[index, :, : int(self.lengths[index])]
        return _dct(self.settings) @ bands


@dataclass(frozen=True)
class Versions:
    """How versions of a clip are drawn.

    Attributes:
        frames: largest length of a version; a longer clip is cut at a random place, a shorter one goes round.
        least_frames: smallest length; every batch has one, drawn from here to ``frames``. A robot's window often holds
            part of a sentence only.
        tempo: largest change of speed, as natural logarithm.
        warp: largest stretch of the mel axis, as natural logarithm.
        shift: largest shift along it, in bands.
        noise_chance: share of the versions with noise.
        snr_db: signal-to-noise ratios of these.
        colour_db: standard deviation of each of the cosines added over the bands.
        style_chance: share of the versions whose bands' means and spreads over time move towards another clip's, which
            hides whose voice it is (Zhou et al., "Domain Generalization with MixStyle",
            https://arxiv.org/abs/2104.02008; by band as in Kim et al., https://arxiv.org/abs/2206.12513).
        style_mix: both parameters of the beta distribution of how far.
    """

    frames: int = 80
    least_frames: int = 24
    tempo: float = 0.25
    warp: float = 0.06
    shift: float = 2.4
    noise_chance: float = 0.3
    snr_db: tuple[float, float] = (0.0, 35.0)
    colour_db: float = 1.0
    style_chance: float = 0.5
    style_mix: float = 0.3

    def __post_init__(self):
        if not 1 <= self.least_frames <= self.frames:
            raise ValueError(f"least_frames {self.least_frames}: expected 1 to frames, {self.frames}")


def make_bank(
    sounds: Iterable[np.ndarray], settings: MfccSettings | None = None, progress: Callable[[int], None] | None = None
) -> MelBank:
    """Return the bank of sounds, each (n,) float32 at the settings' rate.

    Raises:
        ValueError: there is no sound.
        AudioError: a sound is empty or not finite.
    """
    settings = settings or MfccSettings()
    mfcc = NumpyMfcc(settings)
    matrix = dct_matrix(settings.coefficients, settings.mels)
    kept = []
    for number, sound in enumerate(sounds):
        bands = mfcc.decibels(sound)
        kept.append(bands[:, sounding(matrix @ bands, settings=settings)].astype(np.float32))
        if progress:
            progress(number + 1)
    if not kept:
        raise ValueError("no sound to learn from: expected at least one")
    lengths = [bands.shape[1] for bands in kept]
    decibels = np.zeros((len(kept), settings.mels, max(lengths)), np.float32)
    for row, bands in zip(decibels, kept, strict=True):
        row[:, : bands.shape[1]] = bands
    return MelBank(torch.from_numpy(decibels), torch.tensor(lengths), settings)


def draw_versions(bank: MelBank, chosen: torch.Tensor, versions: Versions, generator: torch.Generator) -> torch.Tensor:
    """Return coefficients (N, coefficients, T) of a random version of each chosen clip (N,), all of one length T."""
    count, mels = len(chosen), bank.settings.mels
    frames = versions.frames
    if versions.least_frames < frames:
        frames = int(torch.randint(versions.least_frames, frames + 1, (1,), generator=generator))

    def uniform(low: float, high: float) -> torch.Tensor:
        return torch.rand(count, 1, generator=generator) * (high - low) + low

    lengths = bank.lengths[chosen].float().unsqueeze(1)
    speed = torch.exp(uniform(-versions.tempo, versions.tempo))
    times = uniform(0, 1) * lengths + torch.arange(frames) * speed
    # Never past the last frame: what lies behind it is padding, 0 dB, louder than any voice.
    times = torch.remainder(times, (lengths - 1).clamp(min=1e-3))
    bands = torch.arange(mels) * torch.exp(uniform(-versions.warp, versions.warp))
    bands = bands + uniform(-versions.shift, versions.shift)
    grid = torch.empty(count, mels, frames, 2)
    grid[..., 0] = ((times + 0.5) / bank.decibels.shape[2] * 2 - 1).unsqueeze(1)
    grid[..., 1] = ((bands + 0.5) / mels * 2 - 1).unsqueeze(2)
    drawn = F.grid_sample(
        bank.decibels[chosen].unsqueeze(1), grid, mode="bilinear", padding_mode="border", align_corners=False
    ).squeeze(1)
    drawn = _with_noise(drawn, versions, bank.settings, uniform, generator)
    cosines = torch.cos(math.pi * torch.arange(1, COLOURS + 1).unsqueeze(1) * (torch.arange(mels) + 0.5) / mels)
    colour = torch.randn(count, COLOURS, generator=generator) * versions.colour_db
    drawn = _with_style(drawn + (colour @ cosines).unsqueeze(2), versions, generator)
    drawn = torch.maximum(drawn, drawn.amax((1, 2), keepdim=True) - bank.settings.top_db)
    return _dct(bank.settings) @ drawn


def _with_noise(drawn, versions: Versions, settings: MfccSettings, uniform, generator) -> torch.Tensor:
    """Add noise of a random level, tilt over the bands and fluctuation, in power, to some of (N, mels, frames) dB."""
    power = 10 ** (drawn / 10)
    is_noisy = (uniform(0, 1) < versions.noise_chance).float()
    level = power.mean((1, 2)).unsqueeze(1) * 10 ** (-uniform(*versions.snr_db) / 10) * is_noisy
    shape = torch.exp(uniform(*NOISE_TILT) * torch.linspace(0, NOISE_OCTAVES, settings.mels))
    shape = shape / shape.mean(1, keepdim=True)
    fluctuation = 0.5 - 0.5 * torch.log(torch.rand(drawn.shape, generator=generator) + 1e-9)
    power = power + (level * shape).unsqueeze(2) * fluctuation
    return 10 * torch.log10(power + settings.amin)


def _with_style(drawn: torch.Tensor, versions: Versions, generator: torch.Generator) -> torch.Tensor:
    """Move means and spreads over time of the bands (N, mels, frames) towards those of another clip of the batch."""
    count = len(drawn)
    rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
    own = rng.beta(versions.style_mix, versions.style_mix, count)
    own = np.where(rng.random(count) < versions.style_chance, np.maximum(own, 1 - own), 1.0)
    own, other = torch.from_numpy(own).float().view(-1, 1, 1), torch.from_numpy(rng.permutation(count))
    mean, spread = drawn.mean(2, keepdim=True), drawn.std(2, keepdim=True) + LEAST_SPREAD_DB
    new_mean, new_spread = (own * values + (1 - own) * values[other] for values in (mean, spread))
    return (drawn - mean) / spread * new_spread + new_mean


def _dct(settings: MfccSettings) -> torch.Tensor:
    return torch.from_numpy(dct_matrix(settings.coefficients, settings.mels)).float()
