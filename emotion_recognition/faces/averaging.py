"""Making images smaller by averaging over whole pixels, as adaptive average pooling does.

Bin i of n over a side of s pixels covers the pixels from floor(i s / n) to ceil((i + 1) s / n), so neighbours may share
one. All sums are exact, so both ways below give the same values to the last bit.
"""

import numpy as np


class SummedImage:
    """An RGB image as tables of sums, one a channel, for averages over any rectangles.

    The tables, 3.7 MB of 640 x 480 pixels, are not kept: searches are rare, and on a robot memory is scarce.
    """

    def __init__(self, rgb: np.ndarray):
        """Sum an (H, W, 3) uint8 image; sums wrap at 2**32, so a rectangle may hold up to 16 million pixels."""
        self.height, self.width = rgb.shape[:2]
        sums = np.empty((3, self.height + 1, self.width + 1), np.uint32)
        sums[:, 0] = sums[:, :, 0] = 0
        body = sums[:, 1:, 1:]
        body[...] = rgb.transpose(2, 0, 1)
        # Whole rows at a time, which is far faster than np.cumsum along that axis.
        for row in range(1, self.height):
            np.add(sums[:, row], sums[:, row + 1], out=sums[:, row + 1])
        np.cumsum(body, axis=2, out=body)
        self._sums = sums

    def resized(self, height: int, width: int) -> np.ndarray:
        """Return the whole image as (1, 3, height, width) float32 in [-1, 1], each value the mean of its rectangle."""
        top, bottom = _edges(np.array([self.height]), height)
        left, right = _edges(np.array([self.width]), width)
        rows = self._sums.take(bottom[0], axis=1)
        rows -= self._sums.take(top[0], axis=1)
        sums = rows.take(right[0], axis=2)
        sums -= rows.take(left[0], axis=2)
        area = (bottom - top)[0][:, None] * (right - left)[0]
        return _normalised(sums[:, None], area[None])

    def crops(self, boxes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Cut (N, 4) boxes out, clipped to the image and averaged to ``size`` x ``size`` pixels.

        Returns:
            The (M, 4) boxes that touch the image and their (M, 3, size, size) float32 pixels in [-1, 1].
        """
        inside, (x1, y1, x2, y2) = _clipped(boxes, self.height, self.width)
        top, bottom = (edge + y1[:, None] for edge in _edges(y2 - y1, size))
        left, right = (edge + x1[:, None] for edge in _edges(x2 - x1, size))
        area = (bottom - top)[:, :, None] * (right - left)[:, None]
        top, bottom = top[:, :, None] * (self.width + 1), bottom[:, :, None] * (self.width + 1)
        left, right = left[:, None], right[:, None]
        tables = self._sums.reshape(3, -1)
        # take is four times as fast as indexing.
        sums = tables.take(bottom + right, axis=1)
        sums -= tables.take(bottom + left, axis=1)
        sums -= tables.take(top + right, axis=1)
        sums += tables.take(top + left, axis=1)
        return boxes[inside], _normalised(sums, area)


def averaged_crops(rgb: np.ndarray, boxes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut boxes out of an image as :meth:`SummedImage.crops` does, reading no pixel outside them.

    Args:
        rgb: (H, W, 3) uint8.
        boxes: (N, 4) corners x1, y1, x2, y2.
        size: side of the crops in pixels.

    Returns:
        (N,) bool, which boxes touch the image, and the (M, 3, size, size) float32 pixels of those, in [-1, 1].
    """
    inside, corners = _clipped(boxes, *rgb.shape[:2])
    crops = np.empty((int(inside.sum()), 3, size, size), np.float32)
    for crop, (x1, y1, x2, y2) in zip(crops, corners.T, strict=True):
        width = int(x2 - x1)
        first, last = _edges(np.array([y2 - y1]), size)
        rows = _summed_rows(rgb[y1:y2, x1:x2], first[0], last[0])
        # Whole numbers, exact in float32 up to 2**24: bins of 65,793 pixels.
        planes = np.empty((3, size, width), np.float32)
        planes[...] = rows.reshape(size, width, 3).transpose(2, 0, 1)
        columns = _membership(width, size)
        area = (last - first).T * columns.sum(1)
        np.multiply(
            (planes.reshape(-1, width) @ columns.T).reshape(crop.shape), (1 / (128 * area)).astype(np.float32), out=crop
        )
        crop -= np.float32(127.5 / 128)
    return inside, crops


def _summed_rows(region: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return the sums (bins, W * 3) of the rows of an (H, W, 3) uint8 region that lie in each bin.

    All bins have their first row added at once, then all their second row, ...: bins differ by a row or two.
    """
    pixels = region.reshape(len(region), -1)
    counts = last - first
    least, most = int(counts.min()), int(counts.max())
    sums = pixels[first].astype(np.uint16 if most * 255 < 1 << 16 else np.uint32)
    for step in range(1, least):
        np.add(sums, pixels[first + step], out=sums)
    for step in range(least, most):
        longer = np.flatnonzero(counts > step)
        sums[longer] += pixels[first[longer] + step]
    return sums


def _clipped(boxes: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (N,) bool, which boxes touch the image, and the (4, M) whole pixels x1, y1, x2, y2 of those within it."""
    whole = np.trunc(boxes).astype(np.int64)
    x1, y1 = np.maximum(whole[:, 0], 1) - 1, np.maximum(whole[:, 1], 1) - 1
    x2, y2 = np.minimum(whole[:, 2], width), np.minimum(whole[:, 3], height)
    inside = (x2 > x1) & (y2 > y1)
    return inside, np.stack([x1, y1, x2, y2])[:, inside]


def _edges(lengths: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return first and last-plus-one pixel, each (N, bins), of the bins of N lengths."""
    steps = np.arange(bins + 1)
    first = steps[:-1] * lengths[:, None] // bins
    last = -(-steps[1:] * lengths[:, None] // bins)
    return first, last


def _membership(length: int, bins: int) -> np.ndarray:
    """Return (bins, length) float32, 1 where a pixel belongs to a bin, else 0."""
    first, last = _edges(np.array([length]), bins)
    pixels = np.arange(length)
    return ((pixels >= first[0][:, None]) & (pixels < last[0][:, None])).astype(np.float32)


def _normalised(sums: np.ndarray, area: np.ndarray) -> np.ndarray:
    """(3, N, h, w) sums over (N, h, w) areas to (N, 3, h, w) float32, (mean - 127.5) / 128."""
    values = np.empty((sums.shape[1], 3, *sums.shape[2:]), np.float32)
    factors = (1 / (128 * area)).astype(np.float32)
    np.multiply(sums, factors, out=values.swapaxes(0, 1), casting="same_kind")
    values -= np.float32(127.5 / 128)
    return values
