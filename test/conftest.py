"""Fixtures of all tests."""

import os
from pathlib import Path

import pytest

# Two threads on two cores, one of which is busy, are hundreds of times slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_folder():
    """Folder of the data sets: EMOTION_DATA, else shared/data beside the project; a test without it is skipped."""
    folder = Path(os.environ.get("EMOTION_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no data folder at {folder}: set EMOTION_DATA")
    return folder
