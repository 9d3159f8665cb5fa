"""Memory does not grow with a bag, in short; the ten minutes are in README.md."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rosbags", reason="needs requirements/bags.txt")
pytest.importorskip("sklearn", reason="needs requirements/train.txt")
pytest.importorskip("av", reason="needs PyAV")

from demo_bags import demo_bag  # noqa: E402
from small_bags import random_bag  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
MIB = 1 << 20
MEASURE = """
import os, sys
from emotion_recognition.bags.offline import OfflineChain
from emotion_recognition.bags.reading import Bag
from emotion_recognition.bags.settings import read_parameters
from emotion_recognition.bags.sources import find_sources

def memory():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

with Bag(sys.argv[1]) as bag:
    if sys.argv[2] == "read":
        items = ((one.time_ns, None) for one in bag.messages())
    else:
        chain = OfflineChain(read_parameters(None), find_sources(bag))
        items = ((one.now_ns, one) for one in chain.run(bag))
    early, kept = None, []
    for time_ns, item in items:
        kept.append(item)
        if early is None and time_ns - bag.start_ns > float(sys.argv[3]) * 1e9:
            early = memory()
    print(memory() - early, len(kept))
"""


def growth(bag, what, after_s):
    if not Path("/proc/self/statm").is_file():
        pytest.skip("memory is read from /proc")
    words = [sys.executable, "-c", MEASURE, str(bag), what, str(after_s)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return map(int, done.stdout.split())


@pytest.mark.parametrize(
    ("storage", "compression"), [("mcap", "none"), ("mcap", "chunk"), ("sqlite3", "none"), ("sqlite3", "file")]
)
def test_reading_does_not_keep_what_was_read(tmp_path, storage, compression):
    random_bag(tmp_path / "bag", storage, compression, messages=1200)  # 38 MB
    grown, count = growth(tmp_path / "bag", "read", 20)
    assert count == 1200 and grown < 12 * MIB


def test_evaluating_does_not_keep_what_was_seen(tmp_path):
    (tmp_path / "made").mkdir()
    bag = demo_bag(tmp_path / "made", tmp_path / "bag", duration_s=30.0, size=(640, 480))  # 40 MB
    grown, count = growth(bag, "evaluate", 10)
    assert count > 250 and grown < 12 * MIB
