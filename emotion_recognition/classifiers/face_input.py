"""From a face crop to the visual network's input."""

import numpy as np
from PIL import Image

from emotion_recognition.engines import FacePreprocessing


class FaceInput:
    """Turns RGB crops into normalised input as the network was trained on, with numpy and Pillow.

    A crop larger than ``source_pixels`` is first reduced to it (Pillow, antialiased), so that the network sees as much
    detail as in training; then it is enlarged to ``size`` bilinearly, pixel centres aligned and borders repeated, as
    torch's ``interpolate(mode="bilinear", align_corners=False)`` does.
    """

    def __init__(self, preprocessing: FacePreprocessing):
        self.preprocessing = preprocessing
        scale = 1.0 / (255.0 * np.asarray(preprocessing.std))
        offset = np.asarray(preprocessing.mean) / np.asarray(preprocessing.std)
        self._scale = scale.astype(np.float32)
        self._offset = offset.astype(np.float32)
        self._one_plane = preprocessing.gray and len(set(preprocessing.mean)) == len(set(preprocessing.std)) == 1
        self._enlargers: dict[int, np.ndarray] = {}

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one input: (3, size, size)."""
        size = self.preprocessing.size
        return 3, size, size

    def fill(self, crop: np.ndarray, out: np.ndarray) -> None:
        """Write the input of one crop into ``out``.

        Args:
            crop: (side, side, 3) uint8 RGB, side at least 1.
            out: (3, size, size) float32, overwritten.

        Raises:
            ValueError: the crop has another shape or type.
        """
        crop = np.asarray(crop)
        if crop.dtype != np.uint8 or crop.ndim != 3 or crop.shape[2] != 3 or not crop.shape[0] == crop.shape[1] >= 1:
            raise ValueError(f"crop {crop.shape} {crop.dtype}, expected (side, side, 3) uint8 RGB")
        picture = Image.fromarray(crop)
        if self.preprocessing.gray:
            picture = picture.convert("L")
        size = self.preprocessing.size
        wanted = self.preprocessing.source_pixels or size
        if crop.shape[0] > wanted:
            picture = picture.resize((wanted, wanted), Image.Resampling.BILINEAR)
        pixels = np.asarray(picture)
        planes = (pixels,) if pixels.ndim == 2 else tuple(pixels[:, :, channel] for channel in range(3))
        if self._one_plane:
            self._write(planes[0], 0, out[0])
            out[1] = out[0]
            out[2] = out[0]
            return
        for channel in range(3):
            self._write(planes[channel % len(planes)], channel, out[channel])

    def _write(self, plane: np.ndarray, channel: int, out: np.ndarray) -> None:
        values = plane * self._scale[channel]
        if plane.shape[0] == out.shape[0]:
            np.subtract(values, self._offset[channel], out=out)
            return
        enlarge = self._enlarger(plane.shape[0])
        np.matmul(enlarge @ values, enlarge.T, out=out)
        out -= self._offset[channel]

    def _enlarger(self, side: int) -> np.ndarray:
        """Return the matrix (size, side) whose rows interpolate between two neighbouring pixels."""
        if side not in self._enlargers:
            # Only one side is kept: crops come in one size.
            self._enlargers = {side: bilinear_matrix(side, self.preprocessing.size)}
        return self._enlargers[side]


def bilinear_matrix(side: int, size: int) -> np.ndarray:
    """Return the float32 matrix (size, side) that resamples ``side`` pixels to ``size``, pixel centres aligned."""
    centres = np.clip((np.arange(size) + 0.5) * side / size - 0.5, 0, side - 1)
    left = np.minimum(centres.astype(int), max(side - 2, 0))
    share = centres - left
    matrix = np.zeros((size, side), np.float32)
    rows = np.arange(size)
    matrix[rows, left] = 1 - share
    if side > 1:
        matrix[rows, left + 1] = share
    return matrix
