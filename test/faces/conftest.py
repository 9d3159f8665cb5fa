from pathlib import Path

import numpy as np
import pytest
from composed_faces import cut_head
from PIL import Image

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


@pytest.fixture(scope="session")
def portraits(data_folder):
    """The 24 stills of RAVDESS, (H, W, 3) uint8 RGB."""
    return [
        np.array(Image.open(path).convert("RGB")) for path in sorted((data_folder / "ravdess_stills").glob("*.png"))
    ]


@pytest.fixture(scope="session")
def heads(request, face_frame):
    """Pictures of heads, each with one face and little else: of four people where the data are, else of one."""
    try:
        pictures = request.getfixturevalue("portraits")[:4]
    except pytest.skip.Exception:
        pictures = [face_frame, face_frame[:, ::-1]]
    return [cut_head(np.ascontiguousarray(picture)) for picture in pictures]
