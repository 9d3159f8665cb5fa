"""Log lines that do not flood: one a kind and period, with the count of those held back."""

import time
from collections.abc import Callable


class Reporter:
    """Passes the first message of a kind to ``write`` and holds further ones back for ``period_s``.

    Args:
        write: takes the text, such as a logger's ``warning``.
        period_s: least time between two messages of one kind.
        clock: monotonic seconds.
    """

    def __init__(self, write: Callable[[str], object], period_s: float, clock: Callable[[], float] = time.monotonic):
        self._write = write
        self.period_s = period_s
        self._clock = clock
        self._last: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def report(self, kind: str, text: str) -> bool:
        """Write ``text`` unless one of its kind was written within the period; return whether it was written."""
        now = self._clock()
        if kind in self._last and now - self._last[kind] < self.period_s:
            self._held[kind] = self._held.get(kind, 0) + 1
            return False
        held = self._held.pop(kind, 0)
        self._last[kind] = now
        self._write(f"{text} ({held} more like this since the last line)" if held else text)
        return True
