"""MFCCs of windows that slide over one stream of sound."""

import numpy as np

from emotion_recognition.features.mfcc import BLOCK, Mfcc, NumpyMfcc, checked_mono


class SlidingMfcc:
    """MFCCs of overlapping windows; with the NumPy engine what two windows share is computed once.

    Shared is the power in the mel bands of BLOCK frames (2048 samples by default) that lie at the same samples of both
    windows and see nothing of the zeros beyond a window's ends. So windows share something where their starts lie whole
    blocks apart, as with the default hop of 0.512 s; the result is that of the engine to the last bit, always.

    ``computed`` and ``reused`` count blocks.

    Args:
        engine: gives the coefficients of one window.
    """

    def __init__(self, engine: Mfcc):
        self._engine = engine
        self.computed = self.reused = 0
        self.reset()

    def reset(self) -> None:
        """Forget all sound: samples are counted anew."""
        self._kept: dict[int, np.ndarray] = {}

    def __call__(self, samples: np.ndarray, first: int) -> np.ndarray:
        """Return the coefficients (coefficients, T) float32 of one window.

        Args:
            samples: mono (n,) in [-1, 1].
            first: number of its first sample in the stream. A sample of the stream is the same in every window, and no
                window begins before an earlier one.

        Raises:
            AudioError: no samples, more than one channel, NaN or infinity.
        """
        if not isinstance(self._engine, NumpyMfcc):
            return self._engine(samples)
        samples = checked_mono(samples)
        settings = self._engine.settings
        blocks = np.arange(-(-self._engine.frames(len(samples)) // BLOCK))
        begins = blocks * BLOCK * settings.hop - settings.n_fft // 2
        ends = begins + (BLOCK - 1) * settings.hop + settings.n_fft
        whole = (begins >= 0) & (ends <= len(samples))
        places = (first + begins).tolist()
        missing = [block for block in blocks if not (whole[block] and places[block] in self._kept)]
        found = dict(zip(missing, self._engine.mel_blocks(samples, np.array(missing)), strict=True)) if missing else {}
        power = np.stack([found[block] if block in found else self._kept[places[block]] for block in blocks])
        self._kept = {place: kept for place, kept in self._kept.items() if place >= first}
        self._kept |= {places[block]: found[block].copy() for block in missing if whole[block]}
        self.computed += len(missing)
        self.reused += len(blocks) - len(missing)
        return self._engine.from_blocks(power, len(samples))
