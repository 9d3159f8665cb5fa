"""Mel-frequency cepstral coefficients in NumPy, and the settings every engine shares.

The definition is the one librosa and torchaudio give for the same settings: periodic Hann window, frames centred on
multiples of the hop with zeros beyond the ends, power spectrum, triangles of unit area (Slaney's normalisation) on the
HTK mel scale ``m = 2595 log10(1 + f / 700)`` (S. Young et al., The HTK Book; the paper's eq. 5), ``10 log10`` floored
at ``amin`` and at ``top_db`` below the loudest bin, orthonormal DCT-II.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from emotion_recognition.sensors.pcm import AudioError

Mfcc = Callable[[np.ndarray], np.ndarray]
BLOCK = 4  # frames whose mel bands are one matrix product
BLOCKS = 8  # blocks whose spectra are made at a time: half a MiB, which stays in a core's cache
BANDS = 32  # neighbouring mel bands that are one matrix product, over the bins that any of them weighs


@dataclass(frozen=True)
class MfccSettings:
    """Settings of the coefficients.

    Attributes:
        rate: sample rate in Hz.
        coefficients: rows of the result.
        n_fft: window and FFT length in samples.
        hop: samples from one frame to the next.
        mels: number of mel bands.
        f_min, f_max: limits of the mel bands in Hz.
        top_db: range below the loudest bin that is kept, in dB.
        amin: smallest power told apart from silence.

    Raises:
        ValueError: a setting is out of its range.
    """

    rate: int = 16000
    coefficients: int = 40
    n_fft: int = 2048
    hop: int = 512
    mels: int = 128
    f_min: float = 0.0
    f_max: float = 8000.0
    top_db: float = 80.0
    amin: float = 1e-10

    def __post_init__(self):
        if self.rate <= 0 or self.hop <= 0 or self.n_fft < 2 or self.n_fft % 2:
            raise ValueError(f"rate {self.rate}, hop {self.hop}, n_fft {self.n_fft}: expected above 0, n_fft even")
        if not 1 <= self.coefficients <= self.mels:
            raise ValueError(f"{self.coefficients} coefficients: expected 1 to the number of mel bands, {self.mels}")
        if not 0 <= self.f_min < self.f_max <= self.rate / 2:
            raise ValueError(f"mel bands {self.f_min} to {self.f_max} Hz: expected 0 <= low < high <= {self.rate / 2}")
        if self.top_db <= 0 or self.amin <= 0:
            raise ValueError(f"top_db {self.top_db} and amin {self.amin} must be positive")


def hz_to_mel(hz: np.ndarray) -> np.ndarray:
    """Return the HTK mel of frequencies in Hz."""
    return 2595.0 * np.log10(1.0 + np.asarray(hz, np.float64) / 700.0)


def mel_to_hz(mel: np.ndarray) -> np.ndarray:
    """Return the frequencies in Hz of HTK mels."""
    return 700.0 * (10.0 ** (np.asarray(mel, np.float64) / 2595.0) - 1.0)


def mel_filters(settings: MfccSettings) -> np.ndarray:
    """Return the triangular mel filters (mels, n_fft / 2 + 1) float64, each with unit area over Hz."""
    bins = np.fft.rfftfreq(settings.n_fft, 1.0 / settings.rate)
    limits = hz_to_mel([settings.f_min, settings.f_max])
    edges = mel_to_hz(np.linspace(limits[0], limits[1], settings.mels + 2))
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    return np.maximum(triangles, 0.0) * (2.0 / (high - low))


def dct_matrix(rows: int, size: int) -> np.ndarray:
    """Return the first ``rows`` rows of the orthonormal DCT-II of ``size`` values, (rows, size) float64."""
    k, n = np.arange(rows)[:, None], np.arange(size)
    matrix = np.cos(np.pi / size * (n + 0.5) * k) * np.sqrt(2.0 / size)
    matrix[0] /= np.sqrt(2.0)
    return matrix


class NumpyMfcc:
    """MFCCs of one sound at a time; every table is computed once.

    Args:
        settings: see :class:`MfccSettings`.
    """

    def __init__(self, settings: MfccSettings | None = None):
        self.settings = settings or MfccSettings()
        n = np.arange(self.settings.n_fft)
        self._window = 0.5 - 0.5 * np.cos(2 * np.pi * n / self.settings.n_fft)
        self._filters = list(_filter_groups(mel_filters(self.settings)))
        self._dct = dct_matrix(self.settings.coefficients, self.settings.mels)

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Return the coefficients (coefficients, 1 + n // hop) float32 of mono samples (n,) in [-1, 1].

        Raises:
            AudioError: no samples, more than one channel, NaN or infinity.
        """
        return self.coefficients(self._decibels(self._all_mel(samples)))

    def decibels(self, samples: np.ndarray) -> np.ndarray:
        """Return the mel bands (mels, 1 + n // hop) float64 in dB, of which the coefficients are the DCT.

        Raises:
            AudioError: as for the coefficients.
        """
        return self._decibels(self._all_mel(samples))

    def from_blocks(self, blocks: np.ndarray, count: int) -> np.ndarray:
        """Return the coefficients of ``count`` samples whose power :meth:`mel_blocks` gave, (blocks, BLOCK, mels)."""
        return self.coefficients(self._decibels(blocks.reshape(-1, self.settings.mels)[: self.frames(count)]))

    def frames(self, count: int) -> int:
        """Return the number of frames of ``count`` samples."""
        return 1 + count // self.settings.hop

    def mel_blocks(self, samples: np.ndarray, wanted: np.ndarray | None = None) -> np.ndarray:
        """Return the power in the mel bands of frames, BLOCK of them at a time.

        A block's values depend, to the last bit, on nothing but the sound under its own frames: every block takes
        matrix products of the same shapes, since a BLAS may round another shape otherwise.

        Args:
            samples: mono (n,), checked.
            wanted: numbers of the blocks; all if None. Block b holds the frames from ``b * BLOCK`` on; behind the last
                frame lie frames of silence.

        Returns:
            float32 (blocks, BLOCK, mels).
        """
        settings = self.settings
        blocks = -(-self.frames(len(samples)) // BLOCK)
        numbers = np.arange(blocks) if wanted is None else np.asarray(wanted)
        padded = np.zeros(settings.n_fft + (blocks * BLOCK - 1) * settings.hop, np.float32)
        inside = padded[settings.n_fft // 2 :][: len(samples)]
        inside[...] = samples[: len(inside)]
        frames = np.lib.stride_tricks.sliding_window_view(padded, settings.n_fft)[:: settings.hop]
        power = np.empty((len(numbers), BLOCK, settings.mels), np.float32)
        for start in range(0, len(numbers), BLOCKS):
            some = numbers[start : start + BLOCKS, None] * BLOCK + np.arange(BLOCK)
            power[start : start + BLOCKS] = self._mel(frames[some])
        return power

    def _mel(self, frames: np.ndarray) -> np.ndarray:
        """Return the power in the mel bands (blocks, BLOCK, mels) float32 of frames (blocks, BLOCK, n_fft)."""
        # float64: NumPy's real FFT of float32 takes four times as long.
        spectrum = np.fft.rfft(frames * self._window)
        power = (np.square(spectrum.real) + np.square(spectrum.imag)).astype(np.float32)
        return np.concatenate([power[..., bins] @ filters for bins, filters in self._filters], axis=-1)

    def coefficients(self, decibels: np.ndarray) -> np.ndarray:
        """Return the coefficients (coefficients, T) float32 of mel bands (mels, T) in dB."""
        return (self._dct @ decibels).astype(np.float32)

    def _all_mel(self, samples: np.ndarray) -> np.ndarray:
        samples = checked_mono(samples)
        return self.mel_blocks(samples).reshape(-1, self.settings.mels)[: self.frames(len(samples))]

    def _decibels(self, mel: np.ndarray) -> np.ndarray:
        decibels = 10.0 * np.log10(np.maximum(mel.astype(np.float64), self.settings.amin))
        np.maximum(decibels, decibels.max() - self.settings.top_db, out=decibels)
        return decibels.T


def _filter_groups(filters: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield the bins that BANDS neighbouring filters of (mels, bins) weigh, and their weights (bins, BANDS) float32."""
    for first in range(0, len(filters), BANDS):
        group = filters[first : first + BANDS]
        weighed = np.flatnonzero(group.any(axis=0))
        bins = slice(int(weighed[0]), int(weighed[-1]) + 1) if len(weighed) else slice(0, 0)
        yield bins, np.ascontiguousarray(group[:, bins].T, dtype=np.float32)


def checked_mono(samples: np.ndarray) -> np.ndarray:
    """Return mono samples as float32 (n,).

    Raises:
        AudioError: no samples, more than one dimension, NaN or infinity.
    """
    samples = np.asarray(samples, np.float32)
    if samples.ndim != 1 or not samples.size:
        raise AudioError(f"samples of shape {samples.shape}: expected mono samples (n,), at least one")
    # One sum finds NaN and infinity without an array of flags; float64, or large finite values could overflow.
    with np.errstate(invalid="ignore"):
        total = np.sum(samples, dtype=np.float64)
    if not np.isfinite(total):
        raise AudioError("samples hold NaN or infinity: drop them before the MFCCs are computed")
    return samples
