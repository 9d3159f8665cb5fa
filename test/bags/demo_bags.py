"""Bags of the recording that comes with the package: a face and a voice."""

import shutil
from functools import lru_cache
from importlib import resources
from pathlib import Path

from emotion_recognition.bags.making import Making, make_bag

RECORDING = Path(str(resources.files("emotion_recognition") / "demo" / "recording.mkv"))
SECONDS = 6.0
LABELS = "start,end,person,emotion\n0,3,,happy\n3,99,,neutral\n"


@lru_cache
def _made(folder: Path, how: Making) -> Path:
    """Make each bag once."""
    place = folder / f"made{len(list(folder.iterdir()))}"
    make_bag([RECORDING], place, how)
    return place


def demo_bag(folder: Path, target: Path, **how) -> Path:
    """Return a bag of the recording's first seconds, a copy that a test may change.

    Args:
        folder: where bags that were made are kept.
        target: folder of the copy.
        how: fields of Making.
    """
    shutil.copytree(_made(folder, Making(**({"duration_s": SECONDS} | how))), target)
    made = next(file for file in target.iterdir() if file.suffix in (".mcap", ".db3"))
    assert made.is_file()
    return target
