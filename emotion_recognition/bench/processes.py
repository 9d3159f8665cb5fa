"""Programs started as processes of their own, and what they take of the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence

import psutil

MIB = 1 << 20
PATIENCE_S = 15.0
OUTPUT_BYTES = 8 << 20


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
        self._seen = psutil.Process(self._child.pid)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._child.poll() is None

    def cpu_s(self) -> float:
        """Return the processor time of all its threads so far in s."""
        times = self._seen.cpu_times()
        return times.user + times.system

    def rss_mib(self) -> float:
        """Return its resident memory in MiB, pages shared with others included."""
        return self._seen.memory_info().rss / MIB

    def pss_mib(self) -> float:
        """Return its resident memory in MiB, a page shared by n processes counted as one n-th (Linux)."""
        return self._seen.memory_full_info().pss / MIB

    def output(self) -> str:
        """Return what it has printed so far."""
        return os.pread(self._output.fileno(), OUTPUT_BYTES, 0).decode(errors="replace")

    def end(self) -> int:
        """End it if it still runs, gently first; return its exit code."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if not self.is_running:
                break
            self._child.send_signal(number)
            try:
                self._child.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                continue
        return self._child.wait()

    def close(self) -> None:
        """End it and drop what it printed."""
        self.end()
        self._output.close()


def busy_cores() -> tuple[float, float]:
    """Return the processor time that all programs of this machine have taken, and the time on the clock, in s."""
    import time

    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    return sum(times[:8]) - idle, time.monotonic()
