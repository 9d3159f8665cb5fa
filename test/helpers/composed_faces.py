"""Pictures with several real faces, put together from pictures with one."""

import numpy as np
from PIL import Image

from emotion_recognition.faces import create_detector

HEAD = 0.45  # what a picture of a head shows around the face, in sides of its box


def cut_head(picture: np.ndarray) -> Image.Image:
    """Return the largest face of a picture with some of what is around it."""
    x, y, width, height = create_detector(min_face_size=40).detect(picture)[0].box
    side = max(width, height) * HEAD
    return Image.fromarray(picture).crop(tuple(map(round, (x - side, y - side, x + width + side, y + height + side))))


def compose(heads, places, size=(640, 360)) -> np.ndarray:
    """Return a grey picture of ``size`` with heads on it.

    Args:
        heads: pictures of heads.
        places: for each head x and y of its centre and its height in pixels, or None to leave it out; later ones lie
            over earlier ones.
        size: width, height.
    """
    canvas = Image.new("RGB", size, (127, 127, 127))
    for head, place in zip(heads, places, strict=True):
        if place is not None:
            x, y, height = place
            scaled = head.resize((round(head.width * height / head.height), round(height)))
            canvas.paste(scaled, (round(x - scaled.width / 2), round(y - height / 2)))
    return np.array(canvas)
