"""A camera that repeats one frame: its stamps are fresh, its picture is not."""

import zlib

import numpy as np

from emotion_recognition.stamps import SECOND_NS


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
        self._digest: tuple[tuple[int, ...], int] | None = None
        self._since_ns = 0

    def is_frozen(self, frame: np.ndarray, stamp_ns: int) -> bool:
        """Take the next frame, C-contiguous, and its stamp; tell whether the stream has stood still for long enough."""
        digest = (frame.shape, zlib.crc32(frame))
        if digest != self._digest or stamp_ns < self._since_ns:
            self._digest, self._since_ns = digest, stamp_ns
        return stamp_ns - self._since_ns >= self._after_ns
