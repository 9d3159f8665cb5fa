"""The installed executables as processes of their own."""

import os
import signal
import subprocess
import sysconfig
import tempfile
from pathlib import Path

import pytest

NODES = ("face_detector", "mfcc_extractor", "visual_classifier", "speech_classifier", "fusion")
PREFIX = Path(sysconfig.get_path("scripts")).parent
EXECUTABLES = PREFIX / "lib" / "emotion_recognition"
SHARE = PREFIX / "share" / "emotion_recognition"


class Process:
    """A running executable; what it prints is kept in a file, so that it never waits for a reader."""

    def __init__(self, name: str, *args: str):
        executable = EXECUTABLES / name
        if not executable.is_file():
            pytest.skip(f"{name} is not installed: make setup")
        self.name = name
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process runs)
        # A session of its own, as a launch would give it, so that signals reach it alone.
        self._child = subprocess.Popen(
            [str(executable), *args], stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT,
            start_new_session=True, cwd=tempfile.gettempdir(), env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def output(self) -> str:
        """Return what it has printed so far."""
        return os.pread(self._output.fileno(), 1 << 20, 0).decode(errors="replace")

    def send(self, number: int) -> None:
        self._child.send_signal(number)

    def ended(self, deadline_s: float = 30.0) -> int:
        """Wait until it has ended and return its exit code."""
        try:
            return self._child.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} has not ended within {deadline_s} s: {self.output()}") from None

    def close(self) -> None:
        """End it, whatever it does."""
        if self.running:
            self._child.send_signal(signal.SIGKILL)
            self._child.wait()
        self._output.close()


def ros_args(namespace: str, *args: str) -> list[str]:
    return ["--ros-args", "-r", f"__ns:={namespace}", *args]
