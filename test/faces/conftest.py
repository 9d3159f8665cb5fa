from pathlib import Path

import numpy as np
import pytest

import emotion_recognition

RECORDING = Path(emotion_recognition.__file__).parent / "demo" / "recording.mkv"


@pytest.fixture(scope="session")
def face_frame():
    """The frame of the bundled recording at 2.0 s: 640 x 480 with one face; (480, 640, 3) uint8 RGB."""
    av = pytest.importorskip("av")
    with av.open(str(RECORDING)) as container:
        for frame in container.decode(video=0):
            if frame.pts * frame.time_base >= 2:
                return np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
    raise AssertionError(f"{RECORDING.name} has no frame at 2 s")
