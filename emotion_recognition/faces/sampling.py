"""Choice of the camera frames that are looked at."""

FRAMES = 15
WINDOW_S = 3.0


class FrameSampler:
    """Takes ``frames`` frames, evenly spaced, out of every ``window_s`` seconds of stamps.

    Frames become due on a grid of ``window_s / frames``, so the average does not drift whatever the camera's rate; the
    one nearest to the due time is taken, as far as the last step of the stamps tells. Of a slower stream every frame is
    taken; after a gap the grid starts anew.
    """

    def __init__(self, frames: int = FRAMES, window_s: float = WINDOW_S):
        """Set the number of frames and the length of the window they cover.

        Raises:
            ValueError: ``frames`` is under 1 or ``window_s`` is not above 0.
        """
        if frames < 1 or not 0 < window_s < float("inf"):
            raise ValueError(f"frames {frames} and window_s {window_s}; expected at least 1 frame and a time above 0 s")
        self.interval_ns = round(window_s * 1e9 / frames)
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next frame is taken. To be called when the stamps jump back."""
        self._due_ns: int | None = None
        self._newest_ns: int | None = None

    def accept(self, stamp_ns: int) -> bool:
        """Say whether to take the frame of this stamp; never one whose stamp is not newer than all before."""
        if self._newest_ns is None or self._due_ns is None:
            self._newest_ns, self._due_ns = stamp_ns, stamp_ns + self.interval_ns
            return True
        step_ns = stamp_ns - self._newest_ns
        if step_ns <= 0:
            return False
        self._newest_ns = stamp_ns
        if stamp_ns < self._due_ns - min(step_ns, self.interval_ns) // 2:
            return False
        after_a_gap = stamp_ns >= self._due_ns + self.interval_ns
        self._due_ns = (stamp_ns if after_a_gap else self._due_ns) + self.interval_ns
        return True
