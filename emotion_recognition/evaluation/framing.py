"""How FER2013's pictures frame a face, measured with the detector that runs on the robot.

A classifier trained on those pictures should see the same framing at run time: this gives the margin for
:func:`emotion_recognition.faces.crop_face`, and how far the faces in the pictures are from the centre that it uses. Run
``python -m emotion_recognition.evaluation.framing FOLDER``.
"""

import argparse
import json
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image

from emotion_recognition.datasets import fer2013
from emotion_recognition.faces import Detector, create_detector

BORDERS = ("replicate", "grey")
SCALE = 5  # a 48 pixel face is too small for the detector's third network to place well


@dataclass(frozen=True)
class Framing:
    """Medians, and quartiles where said, over the pictures in which a face was found.

    pictures, found: how many were looked at, and in how many a face was found.
    margin: side of the picture over the longer side of the box, minus 1.
    margin_quartiles: lower and upper quartile of it.
    offset_x, offset_y: from the box's centre to the picture's, right and down, as a share of the box's longer side.
    offset_y_quartiles: lower and upper quartile of ``offset_y``.
    """

    pictures: int
    found: int
    margin: float
    margin_quartiles: tuple[float, float]
    offset_x: float
    offset_y: float
    offset_y_quartiles: tuple[float, float]


def measure_framing(pictures: np.ndarray, detector: Detector, border: str = "replicate", scale: int = SCALE) -> Framing:
    """Detect the face in each picture and compare its box with the picture.

    Args:
        pictures: (N, S, S) uint8, grey.
        detector: the detector to measure with.
        border: what surrounds a picture: ``replicate`` repeats its edge, ``grey`` is mid-grey; half a side wide.
        scale: enlargement of the pictures before detection.

    Raises:
        ValueError: an unknown border, pictures of another shape, or no face found at all.
    """
    if border not in BORDERS:
        raise ValueError(f"border '{border}' is not known; expected one of {', '.join(BORDERS)}")
    if pictures.ndim != 3 or pictures.shape[1] != pictures.shape[2] or pictures.dtype != np.uint8:
        raise ValueError(f"pictures of shape {pictures.shape} and type {pictures.dtype}; expected (N, S, S) of uint8")
    side = pictures.shape[1] * scale
    edge = side // 2
    rows = []
    for picture in pictures:
        large = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR))
        padding = {"mode": "edge"} if border == "replicate" else {"constant_values": 128}
        canvas = np.pad(large, edge, **padding)
        found = detector.detect(np.repeat(canvas[..., None], 3, axis=2))
        if not found:
            continue
        x, y, width, height = found[0].box
        longer = max(width, height)
        centre = edge + side / 2
        rows.append((side / longer - 1, (centre - x - width / 2) / longer, (centre - y - height / 2) / longer))
    if not rows:
        raise ValueError(f"no face found in {len(pictures)} pictures; expected pictures of one face each")
    low, middle, high = np.quantile(np.array(rows), (0.25, 0.5, 0.75), axis=0).round(4).tolist()
    return Framing(
        len(pictures), len(rows), middle[0], (low[0], high[0]), middle[1], middle[2], (low[2], high[2])
    )  # fmt: skip


def main() -> None:
    """Print the framing of evenly spaced training faces as JSON, one object by border."""
    parser = argparse.ArgumentParser(description="Measure how FER2013 frames a face.")
    parser.add_argument("folder", help=f"folder that holds {fer2013.ARCHIVE}")
    parser.add_argument("--faces", type=int, default=300, help="number of training faces (default 300)")
    arguments = parser.parse_args()
    images = fer2013.load(arguments.folder)["train"].images
    chosen = images[np.linspace(0, len(images) - 1, min(arguments.faces, len(images))).astype(int)]
    detector = create_detector("onnx")
    print(json.dumps({border: asdict(measure_framing(chosen, detector, border)) for border in BORDERS}, indent=2))


if __name__ == "__main__":
    main()
