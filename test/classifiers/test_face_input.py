import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from emotion_recognition.classifiers.face_input import FaceInput, bilinear_matrix
from emotion_recognition.engines import FacePreprocessing


def noise(side, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def filled(crop, **settings):
    face_input = FaceInput(FacePreprocessing(**settings))
    out = np.full(face_input.shape, np.nan, np.float32)
    face_input.fill(crop, out)
    return out


def test_grey_input_is_what_training_made_of_the_reduced_crop():
    torch = pytest.importorskip("torch")
    from emotion_recognition.training.augment_faces import to_input

    crop = noise(224)
    reduced = np.asarray(Image.fromarray(crop).convert("L").resize((48, 48), Image.Resampling.BILINEAR))
    expected = to_input(torch.from_numpy(reduced.copy())[None], 224)[0].numpy()
    np.testing.assert_allclose(filled(crop, gray=True, source_pixels=48), expected, atol=1e-5)


def test_a_still_of_the_training_size_is_not_reduced():
    torch = pytest.importorskip("torch")
    from emotion_recognition.training.augment_faces import to_input

    still = noise(48)[:, :, 0]
    crop = np.repeat(still[:, :, None], 3, axis=2)
    expected = to_input(torch.from_numpy(still.copy())[None], 224)[0].numpy()
    np.testing.assert_allclose(filled(crop, gray=True, source_pixels=48), expected, atol=1e-5)


@pytest.mark.parametrize("side", [1, 2, 33, 63, 64])
def test_colour_is_enlarged_and_normalised_as_torch_does(side):
    torch = pytest.importorskip("torch")
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    crop = noise(side, seed=side)
    planes = torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 255
    large = torch.nn.functional.interpolate(planes, size=(64, 64), mode="bilinear", align_corners=False)[0].numpy()
    expected = (large - np.array(mean)[:, None, None]) / np.array(std)[:, None, None]
    np.testing.assert_allclose(filled(crop, size=64, mean=mean, std=std), expected, atol=1e-5)


def test_a_crop_of_the_network_size_is_only_normalised():
    crop = noise(64)
    expected = crop.transpose(2, 0, 1).astype(np.float64) / 127.5 - 1
    np.testing.assert_allclose(filled(crop, size=64), expected, atol=1e-6)


def test_grey_is_the_itu_r_601_luma():
    crop = np.zeros((32, 32, 3), np.uint8)
    crop[:] = (200, 100, 50)
    luma = round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    np.testing.assert_allclose(filled(crop, size=32, gray=True), luma / 127.5 - 1, atol=1e-6)


def test_grey_with_a_mean_for_each_channel_differs_by_channel():
    crop = np.full((32, 32, 3), 51, np.uint8)
    out = filled(crop, size=32, gray=True, mean=(0.2, 0.1, 0.0), std=(1.0, 0.5, 0.1))
    np.testing.assert_allclose(out[:, 0, 0], [0.0, 0.2, 2.0], atol=1e-6)


@pytest.mark.parametrize(
    "crop",
    [
        np.zeros((48, 48), np.uint8),
        np.zeros((48, 47, 3), np.uint8),
        np.zeros((48, 48, 4), np.uint8),
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((48, 48, 3), np.float32),
    ],
)
def test_a_wrong_crop_is_refused(crop):
    with pytest.raises(ValueError, match=r"expected \(side, side, 3\) uint8 RGB"):
        filled(crop)


def test_rows_of_a_larger_array_are_taken_as_they_are():
    whole = noise(80)
    view = whole[10:58, 20:68]
    assert not view.flags.c_contiguous
    np.testing.assert_array_equal(filled(view, gray=True), filled(view.copy(), gray=True))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(32, 256))
def test_enlarging_keeps_a_flat_plane_and_its_symmetry(side, size):
    matrix = bilinear_matrix(side, size)
    assert matrix.shape == (size, side)
    np.testing.assert_allclose(matrix.sum(1), 1, atol=1e-6)
    assert matrix.min() >= 0
    np.testing.assert_allclose(matrix, matrix[::-1, ::-1], atol=1e-5)
