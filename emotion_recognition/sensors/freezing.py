"""A camera that repeats one frame: its stamps are fresh, its picture is not."""

import numpy as np

from emotion_recognition.stamps import SECOND_NS

# Where one row in so many differs already, the rest need not be compared: so it is with nearly every frame.
_FEW = 61


class FreezeGuard:
    """Tells whether a stream of frames stands still.

    A real camera's noise changes every frame; frames equal to the last bit over ``after_s`` come from a driver that
    repeats its last one.

    Args:
        after_s: time the same frame must have been repeated, in seconds of stamps, above 0.

    Raises:
        ValueError: ``after_s`` is not above 0.
    """

    def __init__(self, after_s: float):
        if not after_s > 0:
            raise ValueError(f"after_s {after_s}, expected above 0 seconds")
        self._after_ns = round(after_s * SECOND_NS)
        self.reset()

    def reset(self) -> None:
        """Forget the last frame."""
        self._last: np.ndarray | None = None
        self._since_ns = 0

    def is_frozen(self, frame: np.ndarray, stamp_ns: int) -> bool:
        """Take the next frame and its stamp; tell whether the stream has stood still for long enough.

        The frame is kept until the next one comes and must not change meanwhile.
        """
        if self._last is None or not _same(frame, self._last) or stamp_ns < self._since_ns:
            self._since_ns = stamp_ns
        self._last = frame
        return stamp_ns - self._since_ns >= self._after_ns


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one[::_FEW], other[::_FEW]) and np.array_equal(one, other)
