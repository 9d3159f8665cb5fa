"""A thread that works through a short queue, so that a node's executor stays free to receive."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic
from typing import Any

from emotion_recognition.nodes.receipt import handling, receipt_of_message

_here = threading.local()


@contextmanager
def may_speak() -> Iterator[bool]:
    """Tell whether what this thread has to say is wanted: no in the thread of a worker that was dismissed, else yes.

    In a worker's thread its :meth:`Worker.dismiss` waits until the context is left: after that nothing is said.
    """
    worker: Worker | None = getattr(_here, "worker", None)
    if worker is None:
        yield True
        return
    with worker.speaking:
        yield not worker.is_dismissed


class Worker:
    """Calls ``work(item)`` for every item put, in order, in a thread of its own.

    The queue holds ``capacity`` items; putting one more drops the oldest, which is counted. An item that has waited for
    longer than ``patience_s`` is dropped and counted with all that wait behind it, so that what follows is new and
    without gaps. What ``work`` raises goes to ``on_error`` and does not end the thread.

    Attributes:
        speaking: held while the worker's thread says something, see :func:`may_speak`.
        is_dismissed: whether it was told to end.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[Any], None],
        capacity: int,
        on_error: Callable[[Exception], None],
        patience_s: float = inf,
    ):
        self._work = work
        self._patience_s = patience_s
        self._on_error = on_error
        self._capacity = capacity
        self._items: deque = deque()
        self._changed = threading.Condition()
        self.speaking = threading.Lock()
        self.is_dismissed = False
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
            self._items.append((item, receipt_of_message(), monotonic()))
            self._changed.notify()

    def take_dropped(self) -> int:
        """Return how many items were dropped since the last call."""
        with self._changed:
            dropped, self._dropped = self._dropped, 0
        return dropped

    def dismiss(self) -> None:
        """Drop what waits, and let what comes of the item in hand not be said; does not wait for it."""
        with self.speaking, self._changed:
            self.is_dismissed = True
            self._items.clear()
            self._changed.notify()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Dismiss the worker and end the thread after the item in hand; return whether it ended in time."""
        self.dismiss()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        _here.worker = self
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self.is_dismissed)
                if self.is_dismissed:
                    return
                item, receipt_s, put_s = self._items.popleft()
                if monotonic() - put_s > self._patience_s:
                    self._dropped += 1 + len(self._items)
                    self._items.clear()
                    continue
                self._working = True
            try:
                with handling(receipt_s):
                    self._work(item)
            except Exception as error:
                self._on_error(error)
            finally:
                with self._changed:
                    self._working = False
