"""What programs take of the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psutil

from emotion_recognition.processes import Process

MIB = 1 << 20


class MeasuredProcess(Process):
    """A running program whose processor time and memory are looked at; see :class:`Process`."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None):
        super().__init__(name, command, environment)
        self._seen = psutil.Process(self.pid)

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


def busy_cores() -> tuple[float, float]:
    """Return the processor time that all programs of this machine have taken, and the time on the clock, in s."""
    import time

    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    return sum(times[:8]) - idle, time.monotonic()
