"""Labelled pictures as the robot's detector sees them: how the face in one becomes a crop."""

import numpy as np
from PIL import Image

from emotion_recognition.faces import Detector, crop_face

# The detector looks for the face in a small picture enlarged to about this side, framed by its repeated border.
SCENE_SIDE = 240


def find_face(frame: np.ndarray, detector: Detector, margin: float) -> np.ndarray | None:
    """Return the crop of the face with the largest box in a picture, None if no face is found.

    Args:
        frame: (H, W, 3) uint8 RGB.
        detector: any.
        margin: of the crop; see :func:`emotion_recognition.faces.crop_face`.
    """
    scene = enlarged(frame)
    found = detector.detect(scene)
    return crop_face(scene, max(found, key=lambda one: one.area).box, margin) if found else None


def enlarged(frame: np.ndarray) -> np.ndarray:
    """Return a picture in which the detector finds a face: a small one enlarged and framed by its repeated border."""
    height, width = frame.shape[:2]
    scale = SCENE_SIDE // min(height, width)
    if scale < 1:
        return frame
    size = (width * scale, height * scale)
    large = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR))
    edge = min(size) // 2
    return np.pad(large, ((edge, edge), (edge, edge), (0, 0)), mode="edge")


def centre_square(frame: np.ndarray) -> np.ndarray:
    """Return the largest square about the centre of (H, W, 3)."""
    height, width = frame.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(frame[top : top + side, left : left + side])
