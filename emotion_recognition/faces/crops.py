"""Square pictures of faces."""

import math

import numpy as np
from PIL import Image

from emotion_recognition.faces.detection import check_rgb

SIZE = 224
_LARGEST = 16  # the longest side of a square, in longer sides of the image


def crop_square(box, margin: float) -> tuple[float, float, float]:
    """Return the left edge, top edge and side, in pixels, of the square around a box.

    The side is ``max(width, height) * (1 + margin)``; the centre is the box's. A margin below 0 cuts into the box.

    Raises:
        ValueError: the box is no rectangle with finite sides above 0, or ``margin`` is -1 or less or not finite.
    """
    x, y, width, height = (float(value) for value in box)
    if not all(map(math.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
        raise ValueError(f"box (x, y, width, height) = {(x, y, width, height)}; expected finite, sides above 0")
    if not (math.isfinite(margin) and margin > -1):
        raise ValueError(f"margin {margin}; expected a finite number above -1")
    side = max(width, height) * (1 + margin)
    return x + width / 2 - side / 2, y + height / 2 - side / 2, side


def crop_face(rgb: np.ndarray, box, margin: float, size: int = SIZE) -> np.ndarray:
    """Cut a square around a box out of an image and scale it.

    Scaling is bilinear, averaging over all source pixels where it makes smaller. Outside the image its border pixels
    repeat.

    Args:
        rgb: (H, W, 3) uint8.
        box: x, y of the upper left corner, width, height in pixels; may reach beyond the image.
        margin: see :func:`crop_square`.
        size: side of the result in pixels.

    Returns:
        (size, size, 3) uint8, C-contiguous.

    Raises:
        ValueError: the image, box or margin is no such thing, or the square is far larger than the image.
    """
    check_rgb(rgb)
    left, top, side = crop_square(box, margin)
    height, width = rgb.shape[:2]
    if side > _LARGEST * max(height, width):
        raise ValueError(f"square of {side:.0f} pixels; expected at most {_LARGEST} times the {width} x {height} image")
    # Whole pixels around the square, and the square within them: in columns, then in rows.
    x1, x2 = math.floor(left), max(math.ceil(left + side), math.floor(left) + 1)
    y1, y2 = math.floor(top), max(math.ceil(top + side), math.floor(top) + 1)
    if x1 >= 0 and y1 >= 0 and x2 <= width and y2 <= height:
        region = rgb[y1:y2, x1:x2]
    else:
        rows = np.clip(np.arange(y1, y2), 0, height - 1)
        columns = np.clip(np.arange(x1, x2), 0, width - 1)
        region = rgb[rows[:, None], columns]
    square = (
        max(left - x1, 0.0),
        max(top - y1, 0.0),
        min(left - x1 + side, float(x2 - x1)),
        min(top - y1 + side, float(y2 - y1)),
    )
    picture = Image.fromarray(np.ascontiguousarray(region))
    return np.array(picture.resize((size, size), Image.Resampling.BILINEAR, box=square))
