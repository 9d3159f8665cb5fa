"""The last values of a stream, kept without copying them all for every few that come."""

import numpy as np

# Room that is so many times what is needed goes, as after a message of a minute of sound.
_TOO_LARGE = 8
_SMALLEST = 1024


class Tail:
    """Values of one stream by their number in it: new ones are added at its end, old ones forgotten at its front.

    Args:
        dtype: of the values.
    """

    def __init__(self, dtype: type):
        self._room = np.empty(_SMALLEST, dtype)
        self.restart()

    def restart(self) -> None:
        """Forget everything: the next value is number 0."""
        self.first = 0  # number of the oldest value kept
        self._start = self._stop = 0  # where the values lie

    @property
    def end(self) -> int:
        """Number of the next value."""
        return self.first + len(self)

    def __len__(self) -> int:
        """Return how many values are kept."""
        return self._stop - self._start

    def add(self, values: np.ndarray) -> None:
        """Add values (n,) at the end."""
        if self._stop + len(values) > len(self._room):
            self._make_room(len(self) + len(values))
        self._room[self._stop : self._stop + len(values)] = values
        self._stop += len(values)

    def forget(self, before: int) -> None:
        """Forget the values before a number; a number beyond the end forgets all there are."""
        count = min(max(0, before - self.first), len(self))
        self._start += count
        self.first += count
        if len(self._room) > _TOO_LARGE * max(len(self), _SMALLEST):
            self._make_room(len(self))

    def between(self, first: int, end: int) -> np.ndarray:
        """Return the values from number ``first`` up to ``end``, all of them kept; a view until the next add."""
        offset = self._start - self.first
        return self._room[first + offset : end + offset]

    def _make_room(self, count: int) -> None:
        kept = self._room[self._start : self._stop]
        # Twice what is needed: it is filled before anything is moved again.
        fits = 2 * count <= len(self._room) <= _TOO_LARGE * max(count, _SMALLEST)
        room = self._room if fits else np.empty(max(2 * count, _SMALLEST), self._room.dtype)
        room[: len(kept)] = kept
        self._room, self._start, self._stop = room, 0, len(kept)
