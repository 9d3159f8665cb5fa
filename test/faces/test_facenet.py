"""facenet-pytorch behind the same interface, and the ONNX detector against it."""

import numpy as np
import pytest
from composed_faces import compose
from PIL import Image

from emotion_recognition.faces import create_detector

pytest.importorskip("torch")


def reference(min_face_size):
    try:
        return create_detector("facenet_pytorch", min_face_size)
    except ImportError as error:
        pytest.skip(str(error))


def compare(frames, min_face_size):
    """Assert the same faces in all frames; return how many there were."""
    ours, theirs = create_detector("onnx", min_face_size), reference(min_face_size)
    count = 0
    for frame in frames:
        found, expected = ours.detect(frame), theirs.detect(frame)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert np.abs(np.subtract(one.box, other.box)).max() < 2
            assert np.abs(one.landmarks - other.landmarks).max() < 2
            assert one.score == pytest.approx(other.score, abs=1e-3)
        count += len(found)
    return count


@pytest.mark.parametrize("min_face_size", [20, 40, 60, 80])
def test_the_same_faces_in_frames_of_many_sizes(face_frame, min_face_size):
    picture = Image.fromarray(face_frame)
    sizes = [(640, 480), (320, 240), (411, 301), (250, 333)] + ([(1280, 720)] if min_face_size >= 60 else [])
    frames = [np.array(picture.resize(size)) for size in sizes]
    assert compare(frames, min_face_size) >= len(frames)


@pytest.mark.parametrize("min_face_size", [30, 60])
def test_the_same_faces_in_portraits(portraits, min_face_size):
    assert compare(portraits, min_face_size) >= 24


def test_the_same_faces_in_videos(data_folder):
    av = pytest.importorskip("av")
    frames = []
    for path in sorted((data_folder / "mead_clips").glob("*.mp4")):
        with av.open(str(path)) as container:
            frames += [
                frame.to_ndarray(format="rgb24")
                for number, frame in zip(range(41), container.decode(video=0), strict=False)
                if number % 20 == 0
            ]
    assert compare(frames, 60) >= 14


def test_the_same_faces_where_several_are_in_view(heads):
    """Of sizes from 45 to 190 pixels, apart, touching and half outside."""
    pairs = [heads[number : number + 2] for number in range(0, len(heads), 2)]
    places = [
        [(120, 120, 100), (400, 200, 300)],
        [(150, 180, 200), (330, 180, 220)],
        [(40, 150, 260), (610, 330, 260)],
    ]
    frames = [compose(pair, place) for pair in pairs for place in places]
    assert compare(frames, 40) >= 1.6 * len(frames)


def test_the_same_faces_in_a_group_picture(portraits):
    """Twelve people at once, enlarged and made smaller."""
    rows = [np.concatenate(portraits[first : first + 4], axis=1) for first in (0, 4, 8)]
    group = Image.fromarray(np.concatenate(rows))
    frames = [np.array(group.resize((round(group.width * scale), round(group.height * scale)))) for scale in (0.6, 1.1)]
    assert compare(frames, 40) >= 24


def test_no_face_and_small_images():
    detector = reference(60)
    assert detector.detect(np.full((120, 160, 3), 90, np.uint8)) == []
    assert detector.detect(np.full((20, 30, 3), 90, np.uint8)) == []
    with pytest.raises(ValueError, match="expected"):
        detector.detect(np.zeros((9, 9), np.uint8))
