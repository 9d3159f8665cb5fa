"""Freed memory of large messages is used again, without the kernel."""

import json
import os
import platform
import subprocess
import sys

import pytest

from emotion_recognition.memory import keep_freed_memory

FRAMES = 200
# Pages that the kernel had to give for frames of 900 KiB, one after another.
COUNT_FAULTS = f"""
import json, resource
from emotion_recognition.memory import keep_freed_memory
kept = keep_freed_memory()
for _ in range(10):
    bytearray(921_600), bytearray(930_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({FRAMES}):
    bytearray(921_600), bytearray(930_000)
print(json.dumps([kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before]))
"""


def faults(**environment) -> list:
    """Return whether the settings were taken, and the faults."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", COUNT_FAULTS], capture_output=True, text=True, check=True, env={**given, **environment}
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_frames_use_the_memory_of_those_before_them():
    kept, count = faults()
    assert kept and count < FRAMES


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_what_the_user_has_set_stays():
    _, count = faults(MALLOC_MMAP_THRESHOLD_="131072")
    assert count > 100 * FRAMES


def test_a_c_library_without_the_setting_is_left_alone(monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert keep_freed_memory() is False
