import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.bench.material import Material, largest_face, load_material, with_faces

FRAMES = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1).repeat(3, 3)
MADE = Material(FRAMES, 25.0, np.arange(10, dtype=np.int16))


def test_frames_are_played_forward_and_backward():
    assert [MADE.frame(number / 25 + 0.001) for number in range(9)] == [0, 1, 2, 3, 2, 1, 0, 1, 2]


@given(st.floats(0, 1e5))
def test_there_is_always_a_frame(seconds):
    assert 0 <= MADE.frame(seconds) <= 3


def test_the_sound_begins_again():
    assert MADE.sound_at(8, 5).tolist() == [8, 9, 0, 1, 2] and MADE.sound_at(21, 2).tolist() == [1, 2]


@pytest.mark.parametrize("count", [1, 2, 4, 8])
def test_every_tile_has_the_face(count):
    rgb = np.zeros((100, 100, 3), np.uint8)
    rgb[40:60, 40:60] = (200, 0, 0)
    picture = with_faces(rgb, (40, 40, 20, 20), count, (640, 480))
    assert picture.shape == (480, 640, 3)
    red = picture[:, :, 0] > 180
    # Centres of the tiles that hold red, found by flood from each tile's middle.
    columns = {1: 2, 2: 2, 4: 3, 8: 4}[count]
    rows = -(-count // columns)
    tile = min(640 // columns, 480 // rows)
    inside = [
        red[r * 480 // rows + tile // 2, c * 640 // columns + tile // 2] for r in range(rows) for c in range(columns)
    ]
    assert inside == [True] * count + [False] * (rows * columns - count)
    # Each face's side is 0.6 of its tile's.
    assert red.sum() == pytest.approx(count * (0.6 * tile) ** 2, rel=0.1)


def test_the_recording_has_a_face_in_every_frame_and_a_voice():
    pytest.importorskip("av", reason="the recording is read with PyAV")
    from emotion_recognition.bench.decision import robot_detector

    found = load_material((320, 240))
    assert found.frames.shape[1:] == (240, 320, 3) and len(found.frames) == 90 and found.fps == pytest.approx(25)
    assert found.sound.dtype == np.int16 and len(found.sound) == 96000 and np.abs(found.sound).max() > 8000
    detector = robot_detector()
    assert all(len(detector.detect(found.frames[number])) == 1 for number in (0, 45, 89))


def test_a_picture_without_a_face_is_named():
    class Blind:
        def detect(self, rgb):
            return []

    with pytest.raises(ValueError, match="no face found in a picture of 30 x 20 pixels"):
        largest_face(Blind(), np.zeros((20, 30, 3), np.uint8))
