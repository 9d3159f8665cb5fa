"""Programs run as processes of their own, apart from every robot on the network."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence

PATIENCE_S = 15.0
POLL_S = 0.02
OUTPUT_BYTES = 8 << 20
DOMAIN_IDS = 101  # 1 to 101: their ports lie below those that Linux hands out by itself


def own_domain() -> dict[str, str]:
    """Return the environment of a ROS domain of this process's own, on this machine only."""
    return {"ROS_DOMAIN_ID": str(os.getpid() % DOMAIN_IDS + 1), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}


def stay_apart() -> None:
    """Take a domain of this process's own, for itself and what it starts, where the environment names none."""
    for name, value in own_domain().items():
        os.environ.setdefault(name, value)


def end_gently(
    child: subprocess.Popen, patience_s: float = PATIENCE_S, is_hurried: Callable[[], bool] = lambda: False
) -> int:
    """End a process if it still runs: SIGINT, then SIGTERM, then SIGKILL; return its exit code.

    Args:
        child: the process.
        patience_s: how long each of the first two signals is given.
        is_hurried: asked meanwhile; True gives the next signal at once.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        if child.poll() is not None:
            return child.returncode
        child.send_signal(number)
        end = time.monotonic() + patience_s
        while child.poll() is None and time.monotonic() < end and not is_hurried():
            time.sleep(POLL_S)
    if child.poll() is None:
        child.kill()
    return child.wait()


class Process:
    """A running program; what it prints goes to a file, so that it never waits for a reader.

    Args:
        name: for reports.
        command: program and arguments.
        environment: its environment, this process's if None.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None):
        self.name = name
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process runs)
        # A session of its own: Ctrl-C must reach it once, through this process.
        self._child = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT,
            start_new_session=True, env=None if environment is None else dict(environment),
        )  # fmt: skip

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._child.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def output(self) -> str:
        """Return what it has printed so far."""
        return os.pread(self._output.fileno(), OUTPUT_BYTES, 0).decode(errors="replace")

    def end(self) -> int:
        """End it if it still runs, gently first; return its exit code."""
        return end_gently(self._child, PATIENCE_S)

    def close(self) -> None:
        """End it and drop what it printed."""
        self.end()
        self._output.close()
