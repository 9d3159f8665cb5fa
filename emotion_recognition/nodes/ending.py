"""A process that ends soon after SIGINT or SIGTERM, whatever it is doing."""

import os
import signal
import sys
import threading
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# What a node has in hand at a signal, such as a model that loads slowly, is given so long.
GRACE_S = 1.2


class EndOnSignal:
    """SIGINT and SIGTERM set ``stop``, however often they come; to be used in the main thread.

    Where the context is not left within GRACE_S after the first, the process is ended then and there with exit code 0:
    its nodes write nothing that could be left half done. Python runs a handler only between two of the main thread's
    own steps, so a thread of its own is told by the file descriptor that the interpreter writes to at once.

    Attributes:
        stop: set once a signal has come.
    """

    def __init__(self):
        self.stop = threading.Event()
        self._left = threading.Event()

    def __enter__(self) -> "EndOnSignal":
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, lambda *_: self.stop.set())
        self._thread = threading.Thread(target=self._wait, name="signals", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        """Let the process end by itself; the handlers stay, for what a launcher and a terminal send besides."""
        self._left.set()
        signal.set_wakeup_fd(self._before)
        os.close(self._write)
        self._thread.join()
        os.close(self._read)

    def _wait(self) -> None:
        while number := os.read(self._read, 1):
            if number[0] in SIGNALS:
                break
        else:
            return
        self.stop.set()
        if not self._left.wait(GRACE_S):
            print(f"{signal.Signals(number[0]).name}: ended in the middle of its work", file=sys.stderr, flush=True)
            os._exit(0)
