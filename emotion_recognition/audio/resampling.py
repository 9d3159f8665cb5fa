"""Any rate and channel count to mono at 16 kHz, as a stream, by soxr (https://sourceforge.net/projects/soxr/)."""

import numpy as np
import soxr

from emotion_recognition.sensors.pcm import MAX_CHANNELS, AudioError

RATE = 16000
RATE_RANGE = (4000, 384000)


def check_format(rate: int, channels: int) -> None:
    """Check the format of a stream.

    Raises:
        AudioError: the rate is no whole number in RATE_RANGE, or there are not 1 to MAX_CHANNELS channels.
    """
    if not RATE_RANGE[0] <= rate <= RATE_RANGE[1] or rate != int(rate):
        raise AudioError(f"sample rate {rate} Hz: expected a whole number from {RATE_RANGE[0]} to {RATE_RANGE[1]}")
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(f"{channels} channels: expected 1 to {MAX_CHANNELS}")


class Resampler:
    """One stream of sound to mono at 16 kHz. Sample j of the output lies at the time j / 16000 s of the input.

    The filter looks ahead, so the output trails the input by some hundredths of a second; count output samples to know
    their time. At 16 kHz nothing is held back.

    Args:
        rate_in: rate of the input in Hz.
        channels: channels of the input; their mean is taken.

    Raises:
        AudioError: see :func:`check_format`.
    """

    def __init__(self, rate_in: int, channels: int):
        check_format(rate_in, channels)
        self.rate_in = int(rate_in)
        self.channels = channels
        self._stream = None
        if self.rate_in != RATE:
            self._stream = soxr.ResampleStream(self.rate_in, RATE, 1, dtype="float32", quality="HQ")

    def process(self, samples: np.ndarray) -> np.ndarray:
        """Return the samples at 16 kHz, float32 (m,), that are complete after ``samples`` (n, channels) float32."""
        return self._resample(self._mono(samples), last=False)

    def flush(self) -> np.ndarray:
        """Return the samples held back, float32 (m,); the stream has ended and must not be used again."""
        return self._resample(np.empty(0, np.float32), last=True)

    def _mono(self, samples: np.ndarray) -> np.ndarray:
        if samples.ndim != 2 or samples.shape[1] != self.channels:
            raise AudioError(f"samples of shape {samples.shape}: expected (n, {self.channels})")
        mono = samples[:, 0] if self.channels == 1 else np.add.reduce(samples, axis=1) / np.float32(self.channels)
        return np.ascontiguousarray(mono, np.float32)

    def _resample(self, mono: np.ndarray, last: bool) -> np.ndarray:
        if self._stream is None:
            return mono.copy()
        return self._stream.resample_chunk(mono, last=last)
