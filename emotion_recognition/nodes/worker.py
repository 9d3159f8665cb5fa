"""A thread that works through a short queue, so that a node's executor stays free to receive."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any


class Worker:
    """Calls ``work(item)`` for every item put, in order, in a thread of its own.

    The queue holds ``capacity`` items; putting one more drops the oldest, which is counted. What ``work`` raises goes
    to ``on_error`` and does not end the thread.
    """

    def __init__(self, name: str, work: Callable[[Any], None], capacity: int, on_error: Callable[[Exception], None]):
        self._work = work
        self._on_error = on_error
        self._capacity = capacity
        self._items: deque = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._working = False
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_idle(self) -> bool:
        """Whether no item waits or is worked on."""
        with self._changed:
            return not self._items and not self._working

    def put(self, item: Any) -> None:
        """Queue an item; where the queue is full, drop the oldest."""
        with self._changed:
            if len(self._items) >= self._capacity:
                self._items.popleft()
                self._dropped += 1
            self._items.append(item)
            self._changed.notify()

    def take_dropped(self) -> int:
        """Return how many items were dropped since the last call."""
        with self._changed:
            dropped, self._dropped = self._dropped, 0
        return dropped

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Drop what waits and end the thread after the item in hand; return whether it ended in time."""
        with self._changed:
            self._stopping = True
            self._items.clear()
            self._changed.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._stopping)
                if self._stopping:
                    return
                item = self._items.popleft()
                self._working = True
            try:
                self._work(item)
            except Exception as error:
                self._on_error(error)
            finally:
                with self._changed:
                    self._working = False
