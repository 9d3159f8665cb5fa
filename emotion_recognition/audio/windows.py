"""Sliding windows over a stream of sound whose samples have known times."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from emotion_recognition.audio.resampling import RATE
from emotion_recognition.audio.tail import Tail
from emotion_recognition.stamps import SECOND_NS

HOP_S = 0.512  # 8192 samples, 16 frames of the MFCCs, so that windows share frames


@dataclass(frozen=True)
class AudioWindow:
    """A window of mono sound at 16 kHz.

    Attributes:
        samples: float32 (n,).
        start_ns, end_ns: times of the first and the last sample.
        stamp_ns: stamp of the newest message with a sample in the window.
        first_index: number of the first sample, counted from the last restart.
    """

    samples: np.ndarray
    start_ns: int
    end_ns: int
    stamp_ns: int
    first_index: int


class AudioWindows:
    """Cuts a stream into windows that end every ``hop_s`` of sound, wherever the chunks end.

    The first window comes once ``min_window_s`` of sound is there; windows grow to ``window_s`` and slide from then on.
    A gap or an overlap of more than the tolerance discards the sound so far; ``restarts`` counts them.

    Args:
        window_s: length of a window in seconds.
        hop_s: time from one window's end to the next.
        min_window_s: length of the shortest window.
        tolerance_s: how far a chunk's time may be from the end of the last chunk.

    Raises:
        ValueError: unless 0 < hop_s, 0 < min_window_s <= window_s and 0 <= tolerance_s.
    """

    def __init__(
        self, window_s: float = 3.0, hop_s: float = HOP_S, min_window_s: float = 1.0, tolerance_s: float = 0.1
    ):
        self._window, self._hop, self._shortest = (round(t * RATE) for t in (window_s, hop_s, min_window_s))
        if self._hop < 1 or not 1 <= self._shortest <= self._window or tolerance_s < 0:
            raise ValueError(
                f"window {window_s} s, hop {hop_s} s, shortest window {min_window_s} s, tolerance {tolerance_s} s: "
                "expected 0 < hop, 0 < shortest <= window, 0 <= tolerance"
            )
        self._tolerance_ns = tolerance_s * SECOND_NS
        self.restarts = 0
        self._samples = Tail(np.float32)
        self.restart()

    def restart(self) -> None:
        """Forget all sound. Does not count as one of ``restarts``."""
        self._samples.restart()
        self._chunks: deque[tuple[int, int, int]] = deque()  # index and time of the first sample, stamp
        self._next_end = -(-self._shortest // self._hop) * self._hop

    @property
    def oldest_needed(self) -> int:
        """Index of the oldest sample that a later window can hold."""
        return max(0, self._next_end - self._window)

    def push(self, samples: np.ndarray, first_sample_ns: int, stamp_ns: int) -> list[AudioWindow]:
        """Take in the next samples of the stream and return the windows they complete, oldest first.

        Args:
            samples: mono sound at 16 kHz, float32 (n,).
            first_sample_ns: time of its first sample.
            stamp_ns: stamp of the message it came in.
        """
        if not len(samples):
            return []
        total = self._samples.end
        if self._chunks and abs(first_sample_ns - self._time(total)) > self._tolerance_ns:
            self.restart()
            self.restarts += 1
            total = 0
        self._chunks.append((total, first_sample_ns, stamp_ns))
        self._samples.add(samples)
        total += len(samples)
        windows = []
        while self._next_end <= total:
            windows.append(self._cut(self._next_end))
            self._next_end += self._hop
        self._trim()
        return windows

    def _cut(self, end: int) -> AudioWindow:
        start = max(0, end - self._window)
        samples = self._samples.between(start, end).copy()
        return AudioWindow(samples, self._time(start), self._time(end - 1), self._chunk(end - 1)[2], start)

    def _chunk(self, index: int) -> tuple[int, int, int]:
        return next(chunk for chunk in reversed(self._chunks) if chunk[0] <= index)

    def _time(self, index: int) -> int:
        first, time_ns, _ = self._chunk(index)
        return time_ns + (index - first) * SECOND_NS // RATE

    def _trim(self) -> None:
        self._samples.forget(self.oldest_needed)
        while len(self._chunks) > 1 and self._chunks[1][0] <= self._samples.first:
            self._chunks.popleft()
