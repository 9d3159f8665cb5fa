import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotion_recognition.faces import crop_face, crop_square

FINE = np.random.default_rng(4).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def test_the_square_has_the_longer_side_and_the_margin_about_the_centre():
    assert crop_square((10, 20, 30, 50), 0.2) == pytest.approx((10 + 15 - 30, 20 + 25 - 30, 60))
    assert crop_square((10, 20, 50, 30), -0.2) == pytest.approx((10 + 25 - 20, 20 + 15 - 20, 40))


def test_a_square_of_whole_pixels_at_scale_1_is_cut_exactly():
    assert np.array_equal(crop_face(FINE, (7, 11, 32, 32), 0.0, 32), FINE[11:43, 7:39])
    assert np.array_equal(crop_face(FINE, (15, 19, 16, 10), 1.0, 32), FINE[8:40, 7:39])


def test_making_smaller_averages_all_pixels():
    fine = np.zeros((256, 256, 3), np.uint8)
    fine[::2] = 255  # every second row: picking pixels would give all black or all white
    small = crop_face(fine, (0, 0, 256, 256), 0.0, 16)
    assert np.abs(small.astype(int) - 127).max() <= 12
    assert abs(small.mean() - 127.5) < 2


def test_a_ramp_keeps_its_place_and_scale():
    ramp = np.repeat(np.tile(np.arange(200, dtype=np.uint8), (200, 1))[..., None], 3, axis=2)
    crop = crop_face(ramp, (50.5, 60.25, 80, 80), 0.25, 50)
    left = 50.5 + 40 - 50  # the square's left edge; a result pixel is two source pixels wide
    expected = left + 2 * (np.arange(50) + 0.5) - 0.5
    assert np.abs(crop[25, :, 0] - expected).max() <= 1


def test_making_larger_stays_between_the_neighbours():
    crop = crop_face(FINE, (30, 20, 2, 2), 0.0, 224)
    part = FINE[19:23, 29:33]
    assert crop.shape == (224, 224, 3)
    assert (crop >= part.min((0, 1))).all() and (crop <= part.max((0, 1))).all()


@pytest.mark.parametrize(
    ("box", "corner"),
    [
        ((-40, -40, 40, 40), (0, 0)),
        ((100, -90, 50, 50), (0, 79)),
        ((-70, 90, 40, 30), (59, 0)),
        ((200, 200, 9, 9), (59, 79)),
    ],
)
def test_beyond_a_corner_its_pixel_repeats(box, corner):
    assert (crop_face(FINE, box, 0.0, 24) == FINE[corner]).all()


def test_a_box_partly_outside_repeats_the_border():
    crop = crop_face(FINE, (-16, 10, 32, 32), 0.0, 32)
    assert np.array_equal(crop[:, 16:], FINE[10:42, :16])
    assert np.array_equal(crop[:, :16], np.repeat(FINE[10:42, :1], 16, axis=1))


def test_a_crop_of_a_flat_image_is_flat_and_a_copy():
    flat = np.full((40, 50, 3), (10, 200, 90), np.uint8)
    crop = crop_face(flat, (-13.3, 5.7, 44.4, 31.1), 0.37)
    assert crop.shape == (224, 224, 3) and crop.dtype == np.uint8 and crop.flags.c_contiguous
    assert (crop == (10, 200, 90)).all()
    assert not np.shares_memory(crop, flat)


@settings(deadline=None, max_examples=80)
@given(
    x=st.floats(-300, 300), y=st.floats(-300, 300), width=st.floats(1e-3, 500), height=st.floats(1e-3, 500),
    margin=st.floats(-0.9, 1.5),
)  # fmt: skip
def test_any_box_gives_a_crop_within_the_range_of_the_image(x, y, width, height, margin):
    image = 50 + FINE // 2
    crop = crop_face(image, (x, y, width, height), margin, 20)
    assert crop.shape == (20, 20, 3)
    assert crop.min() >= image.min() and crop.max() <= image.max()


@pytest.mark.parametrize(
    ("box", "margin"),
    [((0, 0, 0, 10), 0.0), ((0, 0, 10, -1), 0.0), ((float("nan"), 0, 5, 5), 0.0), ((0, 0, float("inf"), 5), 0.0),
     ((0, 0, 10, 10), -1.0), ((0, 0, 10, 10), float("nan")), ((0, 0, 2000, 10), 0.0)],
)  # fmt: skip
def test_no_face_boxes_are_refused(box, margin):
    with pytest.raises(ValueError, match="expected"):
        crop_face(FINE, box, margin)


@pytest.mark.parametrize("image", [FINE[..., 0], FINE.astype(float), FINE[:0], np.zeros((4, 4, 4), np.uint8)])
def test_no_images_are_refused(image):
    with pytest.raises(ValueError, match="expected"):
        crop_face(image, (0, 0, 2, 2), 0.0)
