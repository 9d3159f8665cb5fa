"""Freed memory of large messages is used again, without the kernel, and goes back to it from time to time."""

import json
import os
import platform
import subprocess
import sys

import pytest

from emotion_recognition.memory import give_back_freed_memory, keep_freed_memory

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


# Blocks of 20 KB of which every second one is freed: what lies between those that are left goes back.
GIVE_BACK = """
import json, os
from emotion_recognition.memory import give_back_freed_memory, keep_freed_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

keep_freed_memory()
blocks = [bytearray([number % 256]) * 20_000 for number in range(2_000)]
full = resident()
del blocks[::2]
freed = resident()
gave = give_back_freed_memory()
right = all(set(block) == {(2 * number + 1) % 256} for number, block in enumerate(blocks))
print(json.dumps([gave, full - freed, freed - resident(), right]))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_room_between_blocks_goes_back_to_the_kernel():
    done = subprocess.run([sys.executable, "-c", GIVE_BACK], capture_output=True, text=True, check=True)
    gave, by_itself, given_back, right = json.loads(done.stdout)
    assert gave and right
    assert by_itself < 1_000_000 and given_back > 12_000_000, "of 20 MB that were freed"


def test_a_c_library_that_gives_nothing_back_is_left_alone(monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert give_back_freed_memory() is False
