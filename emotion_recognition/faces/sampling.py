"""Choice of the camera frames that are looked at."""

FRAMES = 15
WINDOW_S = 3.0

# A frame may come this part of an interval before it is due. At the usual rates (10, 15, 24, 25, 30, 50, 60, 120 per
# second) no multiple of the frame period lies at 1 - _EARLY of the default interval, so jitter of a few milliseconds
# does not change which frame is taken.
_EARLY = 0.23


class FrameSampler:
    """Takes ``frames`` frames, evenly spaced, out of every ``window_s`` seconds of stamps.

    Frames become due on a grid of ``window_s / frames``, so the average does not drift whatever the camera's rate. Of a
    slower stream every frame is taken; after a gap the grid starts anew.
    """

    def __init__(self, frames: int = FRAMES, window_s: float = WINDOW_S):
        """Set the number of frames and the length of the window they cover.

        Raises:
            ValueError: ``frames`` is under 1 or ``window_s`` is not above 0.
        """
        if frames < 1 or not 0 < window_s < float("inf"):
            raise ValueError(f"frames {frames} and window_s {window_s}; expected at least 1 frame and a time above 0 s")
        self.interval_ns = round(window_s * 1e9 / frames)
        self._early_ns = round(self.interval_ns * _EARLY)
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next frame is taken. To be called when the stamps jump back."""
        self._due_ns: int | None = None
        self._newest_ns: int | None = None

    def accept(self, stamp_ns: int) -> bool:
        """Say whether to take the frame of this stamp; never one whose stamp is not newer than all before."""
        if self._newest_ns is not None and stamp_ns <= self._newest_ns:
            return False
        self._newest_ns = stamp_ns
        if self._due_ns is not None and stamp_ns < self._due_ns - self._early_ns:
            return False
        late_by_more_than_one = self._due_ns is None or stamp_ns >= self._due_ns + self.interval_ns
        self._due_ns = (stamp_ns if late_by_more_than_one else self._due_ns) + self.interval_ns
        return True
