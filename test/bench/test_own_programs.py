"""What `make bench-peers` measures of this package: from a picture or a clip to a word."""

import numpy as np
import pytest

pytest.importorskip("av", reason="the recording is read with PyAV")

from emotion_recognition.bench import peer_programs  # noqa: E402
from emotion_recognition.demo import RECORDING  # noqa: E402
from emotion_recognition.emotions import LABELS  # noqa: E402
from emotion_recognition.sensors import MediaSource  # noqa: E402


@pytest.fixture(scope="module")
def frame():
    with MediaSource(RECORDING, audio=False) as source:
        return next(np.array(item.rgb) for item in source if item.time_ns >= 2_000_000_000)


def test_a_picture_with_a_face_gets_one_of_the_labels(frame):
    once, live = peer_programs.own_emotion(), peer_programs.own_live()
    assert once(frame) in LABELS.values()
    empty = np.full_like(frame, 90)
    assert once(empty) == "no face" == live(empty)
    said = [live(frame) for _ in range(3)]
    assert len(set(said)) == 1 and said[0] == once(frame)


def test_faces_are_counted_and_the_shape_of_mfccs_is_said(frame):
    search = peer_programs.own_detection()
    assert search(frame) == "1 face" and search(np.full_like(frame, 90)) == "0 faces"
    assert search(np.concatenate([frame, frame], axis=1)) == "2 faces"
    assert peer_programs.ENTRIES["own_mfcc"].make()(np.zeros(48000, np.float32)) == "40 x 94"


def test_other_packages_say_what_this_one_says(frame):
    pytest.importorskip("librosa")
    pytest.importorskip("torch")
    assert peer_programs.librosa_mfcc()(np.zeros(48000, np.float32)) == "40 x 94"
    try:
        found = peer_programs.facenet_60()
    except ImportError as error:
        pytest.skip(str(error))
    assert found(frame) == "1 face" and found(np.full_like(frame, 90)) == "0 faces"
