"""Frames of many pixels are searched at a fraction of their size."""

import numpy as np
import pytest
from PIL import Image

from emotion_recognition.faces import FacePipeline, Tracker, create_detector
from emotion_recognition.faces.detection import LARGEST_SEARCHED, Detection, search


class Seen:
    """A detector that notes what it is shown and finds one face, at its corner."""

    def __init__(self):
        self.shapes = []

    def detect(self, rgb):
        self.shapes.append(rgb.shape)
        self.first = rgb[:2, :2, 0].tolist()
        return [Detection((10.0, 20.0, 30.0, 40.0), np.arange(10, dtype=np.float32).reshape(5, 2), 0.9)]


def numbered(height, width):
    """Return a picture whose pixels tell their place, to 256."""
    rows, columns = np.arange(height)[:, None] * 16, np.arange(width)
    return np.broadcast_to(((rows + columns) % 256).astype(np.uint8)[:, :, None], (height, width, 3))


@pytest.mark.parametrize(
    ("width", "height", "step"),
    [
        (640, 480, 1),
        (1920, 1200, 1),
        (1921, 1200, 2),
        (3840, 2160, 2),
        (7680, 4320, 4),
        (4320, 7680, 4),
        (20000, 200, 2),
    ],
)
def test_no_more_pixels_are_searched_than_the_largest(width, height, step):
    detector = Seen()
    (found,) = search(detector, numbered(height, width))
    ((seen_height, seen_width, channels),) = detector.shapes
    assert (seen_height, seen_width, channels) == (-(-height // step), -(-width // step), 3)
    # Of a last, incomplete step a row and a column more.
    assert (seen_height - 1) * (seen_width - 1) <= LARGEST_SEARCHED
    assert detector.first == [[0, step], [step * 16 % 256, step * 17 % 256]]
    assert found.box == (10.0 * step, 20.0 * step, 30.0 * step, 40.0 * step) and found.score == 0.9
    assert found.landmarks.tolist() == (np.arange(10).reshape(5, 2) * step).tolist()
    assert found.landmarks.dtype == np.float32


def test_what_is_no_image_is_refused():
    with pytest.raises(ValueError, match="expected"):
        search(Seen(), np.zeros((9, 9), np.uint8))


def test_a_face_is_found_and_cropped_from_all_pixels_of_a_large_frame(face_frame):
    large = np.asarray(Image.fromarray(face_frame).resize((3200, 2400), Image.Resampling.BICUBIC))
    pipeline = FacePipeline(create_detector(min_face_size=60), Tracker(), margin=0.0, detection_interval_s=1.0)
    (small,) = create_detector(min_face_size=60).detect(face_frame)
    for number in range(3):  # searched, then refined twice
        (face,) = pipeline.process(large, number * 200_000_000)
        np.testing.assert_allclose(face.box, np.multiply(small.box, 5), atol=0.06 * 5 * small.box[2])
    assert face.track_id == 1 and face.image_size == (3200, 2400)
    x, y, width, height = (round(value) for value in face.box)
    middle = large[y + height // 4 : y + 3 * height // 4, x + width // 4 : x + 3 * width // 4].mean()
    assert abs(face.crop[56:168, 56:168].mean() - middle) < 6
