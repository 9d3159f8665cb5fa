import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotion_recognition.faces.averaging import SummedImage, averaged_crops

IMAGE = np.random.default_rng(7).integers(0, 256, (37, 53, 3), dtype=np.uint8)


def adaptive_average(image, height, width):
    """Adaptive average pooling by its definition, a loop over the bins."""
    result = np.empty((3, height, width))
    for i in range(height):
        for j in range(width):
            rows = slice(i * image.shape[0] // height, -(-(i + 1) * image.shape[0] // height))
            columns = slice(j * image.shape[1] // width, -(-(j + 1) * image.shape[1] // width))
            result[:, i, j] = image[rows, columns].reshape(-1, 3).mean(0)
    return (result - 127.5) / 128


@pytest.mark.parametrize("size", [(37, 53), (12, 12), (13, 29), (50, 60), (1, 1)])
def test_resizing_is_adaptive_average_pooling(size):
    assert np.abs(SummedImage(IMAGE).resized(*size)[0] - adaptive_average(IMAGE, *size)).max() < 1e-6


def test_crops_are_clipped_and_averaged_and_boxes_outside_are_dropped():
    boxes = np.array([[5.7, 3.2, 30.9, 28.1], [-8, -9, 12.5, 14], [40, 20, 70, 50], [60, 5, 80, 25]], np.float32)
    kept, crops = SummedImage(IMAGE).crops(boxes, 24)
    assert np.array_equal(kept, boxes[:3])
    parts = IMAGE[2:28, 4:30], IMAGE[0:14, 0:12], IMAGE[19:37, 39:53]
    for crop, part in zip(crops, parts, strict=True):
        assert np.abs(crop - adaptive_average(part, 24, 24)).max() < 1e-6


corner, side = st.floats(-60, 120, width=32), st.floats(0, 150, width=32)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(corner, corner, side, side), max_size=6), st.integers(1, 50))
def test_crops_without_a_table_are_the_same_to_the_last_bit(places, size):
    boxes = np.array([(x, y, x + width, y + height) for x, y, width, height in places], np.float32).reshape(-1, 4)
    kept, expected = SummedImage(IMAGE).crops(boxes, size)
    inside, crops = averaged_crops(IMAGE, boxes, size)
    assert np.array_equal(boxes[inside], kept)
    assert crops.dtype == np.float32 and np.array_equal(crops, expected)


def test_crops_read_no_pixel_outside_their_boxes():
    boxes = np.array([[5, 3, 30, 28]], np.float32)
    changed = 255 - IMAGE
    changed[2:28, 4:30] = IMAGE[2:28, 4:30]
    assert np.array_equal(averaged_crops(changed, boxes, 48)[1], averaged_crops(IMAGE, boxes, 48)[1])


def test_crops_of_white_large_pictures_are_white():
    """Sums of 2700 x 1800 pixels, of bins of 56 x 38."""
    white = np.full((1800, 2700, 3), 255, np.uint8)
    _, crops = averaged_crops(white, np.array([[1, 1, 2700, 1800]], np.float32), 48)
    assert np.abs(crops - 127.5 / 128).max() < 1e-6


@pytest.mark.parametrize("height", [5 * 256, 5 * 257, 5 * 258, 5 * 258 + 3])
def test_bins_of_hundreds_of_rows_do_not_overflow(height):
    """257 white rows are the most that sum up in 16 bits."""
    tall = np.full((height, 20, 3), 255, np.uint8)
    tall[::7, ::3] = 3
    boxes = np.array([[1, 1, 20, height]], np.float32)
    assert np.array_equal(averaged_crops(tall, boxes, 5)[1], SummedImage(tall).crops(boxes, 5)[1])
