"""From chunks of a microphone's sound to the MFCCs, voice activity and level of sliding windows."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from emotion_recognition.audio.clock import SampleClock
from emotion_recognition.audio.resampling import RATE, Resampler, check_format
from emotion_recognition.audio.tail import Tail
from emotion_recognition.audio.voice_activity import create_voice_activity
from emotion_recognition.audio.windows import HOP_S, AudioWindow, AudioWindows
from emotion_recognition.features import MfccSettings, SlidingMfcc, create_mfcc
from emotion_recognition.sensors.pcm import check_samples
from emotion_recognition.stamps import SECOND_NS

SILENCE_DBFS = -120.0
# Full scale of 16-bit sound is 0.99997 on the positive side.
FULL_SCALE = 0.9999


@dataclass(frozen=True)
class AudioSettings:
    """Settings of an :class:`AudioPipeline`; times in seconds.

    Attributes:
        window_s, hop_s, min_window_s: see :class:`~emotion_recognition.audio.windows.AudioWindows`.
        gap_tolerance_s: how far the time of a stamped chunk may be from the end of the last one.
        receipt_gap_tolerance_s: the same for a chunk whose time is that of its receipt.
        clock_time_constant_s: see :class:`~emotion_recognition.audio.clock.SampleClock`.
        voice_activity, voice_threshold: see :func:`~emotion_recognition.audio.voice_activity.create_voice_activity`.
        mfcc_engine, mfcc: see :func:`~emotion_recognition.features.create_mfcc`.
    """

    window_s: float = 3.0
    hop_s: float = HOP_S
    min_window_s: float = 1.0
    gap_tolerance_s: float = 0.1
    receipt_gap_tolerance_s: float = 0.5
    clock_time_constant_s: float = 2.0
    voice_activity: str = "silero"
    voice_threshold: float = 0.5
    mfcc_engine: str = "numpy"
    mfcc: MfccSettings = field(default_factory=MfccSettings)


@dataclass(frozen=True)
class MfccResult:
    """What is known of one window of sound.

    Attributes:
        mfcc: coefficients float32 (40, T).
        mfcc_mean: their mean over time, float32 (40,).
        voice_activity: share of the window with voice, 0 to 1.
        is_constant: every sample has one value, as from a muted microphone.
        level_dbfs: root mean square in dB of full scale, -120 (digital silence) to 0.
        clipped: share of the microphone's samples at full scale, 0 to 1.
        start_ns, end_ns: times of the first and the last sample.
        stamp_ns: stamp of the newest message with a sample in the window.
        rate: sample rate the coefficients were computed at, Hz.
        source_rate, source_channels: format of the microphone.
        frame_hop_s: time from one column of ``mfcc`` to the next.
    """

    mfcc: np.ndarray
    mfcc_mean: np.ndarray
    voice_activity: float
    is_constant: bool
    level_dbfs: float
    clipped: float
    start_ns: int
    end_ns: int
    stamp_ns: int
    rate: int
    source_rate: int
    source_channels: int
    frame_hop_s: float


class AudioPipeline:
    """Turns chunks of sound into :class:`MfccResult`, one per window.

    ``restarts`` counts how often the sound so far was discarded because the next chunk did not follow it: a gap or an
    overlap beyond the tolerance, or another rate or channel count.

    Args:
        settings: see :class:`AudioSettings`.

    Raises:
        ValueError: a setting is out of its range.
        ImportError: the library of the chosen MFCC engine is not installed.
        ModelError: the voice activity model is missing or damaged.
    """

    def __init__(self, settings: AudioSettings | None = None):
        self.settings = settings or AudioSettings()
        tolerances = (self.settings.gap_tolerance_s, self.settings.receipt_gap_tolerance_s)
        if min(tolerances) < 0 or self.settings.clock_time_constant_s <= 0:
            raise ValueError(
                f"gap tolerances {tolerances} s must not be negative, the clock's time constant "
                f"{self.settings.clock_time_constant_s} s must be positive"
            )
        if self.settings.mfcc.rate != RATE:
            raise ValueError(f"MFCC rate {self.settings.mfcc.rate} Hz: windows are at {RATE} Hz")
        self._mfcc = SlidingMfcc(create_mfcc(self.settings.mfcc_engine, self.settings.mfcc))
        self._voice = create_voice_activity(self.settings.voice_activity, self.settings.voice_threshold)
        # The clock decides what follows what; a correction of its own is never larger than its tolerance.
        self._windows = AudioWindows(
            self.settings.window_s, self.settings.hop_s, self.settings.min_window_s, tolerance_s=max(tolerances) + 0.001
        )
        self._format: tuple[int, int] | None = None
        self.restarts = 0

    def reset(self) -> None:
        """Forget all sound: the next chunk starts a new stream. Does not count as one of ``restarts``."""
        self._format = None

    def push(
        self, samples: np.ndarray, rate: int, first_sample_ns: int, stamp_ns: int, by_receipt: bool = False
    ) -> list[MfccResult]:
        """Take in the next chunk and return the results of the windows it completes, oldest first.

        Args:
            samples: float (n, channels) in [-1, 1]; mono may come as (n,).
            rate: sample rate in Hz.
            first_sample_ns: time of the first sample.
            stamp_ns: stamp of the message; it is handed on as it is.
            by_receipt: the time is one of receipt, so the larger gap tolerance holds.

        Raises:
            AudioError: the chunk cannot be used (see :func:`~emotion_recognition.sensors.pcm.check_samples` and
                :func:`~emotion_recognition.audio.resampling.check_format`). It is left out; the stream goes on, and
                restarts if the hole is larger than the tolerance.
        """
        samples = check_samples(samples)
        count, channels = samples.shape
        check_format(rate, channels)
        rate, first_sample_ns, stamp_ns = int(rate), int(first_sample_ns), int(stamp_ns)
        tolerance_s = self.settings.receipt_gap_tolerance_s if by_receipt else self.settings.gap_tolerance_s
        placed = None
        if self._format == (rate, channels):
            placed = self._clock.place(first_sample_ns, count, tolerance_s)
        if placed is None:
            self.restarts += self._format is not None
            self._start(rate, channels)
            placed = self._clock.place(first_sample_ns, count, tolerance_s)
        self._messages.append((self._taken, placed, stamp_ns))
        self._taken += count
        self._clipped.add(_clipped_channels(samples))
        results = []
        for piece, first_ns, stamp in self._split(self._resampler.process(samples)):
            self._voice.push(piece)
            results += [self._describe(window) for window in self._windows.push(piece, first_ns, stamp)]
        self._trim()
        return results

    def _start(self, rate: int, channels: int) -> None:
        self._format = (rate, channels)
        self._clock = SampleClock(rate, self.settings.clock_time_constant_s)
        self._resampler = Resampler(rate, channels)
        self._windows.restart()
        self._voice.reset()
        self._mfcc.reset()
        self._messages: deque[tuple[int, int, int]] = deque()  # index and time of the first sample, stamp
        self._taken = 0  # samples at the microphone's rate
        self._made = 0  # samples at 16 kHz
        self._clipped = Tail(np.uint8)  # clipped channels of each sample of the microphone

    def _split(self, sound: np.ndarray):
        """Yield the 16 kHz samples message by message, with the time of the first and the message's stamp."""
        rate = self._format[0]
        while len(sound):
            while len(self._messages) > 1 and self._made >= self._at_16k(self._messages[1][0]):
                self._messages.popleft()
            index, time_ns, stamp_ns = self._messages[0]
            count = len(sound)
            if len(self._messages) > 1:
                count = min(count, self._at_16k(self._messages[1][0]) - self._made)
            offset_ns = (self._made * rate - index * RATE) * SECOND_NS // (RATE * rate)
            piece, sound = sound[:count], sound[count:]
            self._made += count
            yield piece, time_ns + offset_ns, stamp_ns

    def _at_16k(self, index: int) -> int:
        """Return the number of the first 16 kHz sample at or after the time of a sample of the microphone."""
        return -(-index * RATE // self._format[0])

    def _at_source(self, index: int) -> int:
        return index * self._format[0] // RATE

    def _describe(self, window: AudioWindow) -> MfccResult:
        end = window.first_index + len(window.samples)
        mfcc = self._mfcc(window.samples, window.first_index)
        clipped = self._clipped.between(self._at_source(window.first_index), self._at_source(end))
        rate, channels = self._format
        return MfccResult(
            mfcc=mfcc,
            mfcc_mean=mfcc.mean(axis=1, dtype=np.float64).astype(np.float32),
            voice_activity=self._voice.share(window.first_index, end),
            is_constant=bool(np.ptp(window.samples) == 0),
            level_dbfs=level_dbfs(window.samples),
            clipped=float(clipped.sum(dtype=np.int64) / max(1, clipped.size * channels)),
            start_ns=window.start_ns,
            end_ns=window.end_ns,
            stamp_ns=window.stamp_ns,
            rate=RATE,
            source_rate=rate,
            source_channels=channels,
            frame_hop_s=self.settings.mfcc.hop / RATE,
        )

    def _trim(self) -> None:
        oldest = self._windows.oldest_needed
        self._voice.forget(oldest)
        self._clipped.forget(self._at_source(oldest))


def _clipped_channels(samples: np.ndarray) -> np.ndarray:
    """Return how many channels of each sample (n, channels) are at full scale, uint8 (n,)."""
    if max(samples.max(), -samples.min()) < FULL_SCALE:
        return np.zeros(len(samples), np.uint8)
    return np.sum(np.abs(samples) >= FULL_SCALE, axis=1, dtype=np.uint8)


def level_dbfs(samples: np.ndarray) -> float:
    """Return the root mean square of samples in [-1, 1] in dB of full scale, -120 to 0."""
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return float(min(0.0, max(SILENCE_DBFS, 10.0 * np.log10(power)))) if power > 0 else SILENCE_DBFS
