"""Scores of face weights on FER2013, through the classifier that runs on the robot."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from emotion_recognition.classifiers import VisualClassifier
from emotion_recognition.datasets import fer2013
from emotion_recognition.emotions import CLASS_IDS
from emotion_recognition.engines import load_metadata
from emotion_recognition.evaluation.calibration import calibration_error
from emotion_recognition.evaluation.metrics import score
from emotion_recognition.faces import create_detector, crop_face

CROPS = ("none", "auto")
# The detector looks for the face in the picture enlarged to about this side, framed by its repeated border.
SCENE_SIDE = 240


@dataclass(frozen=True)
class FaceScores:
    """Scores on one split.

    n: pictures classified. not_found: pictures in which the detector found no face (crop ``auto``), not among ``n``.
    accuracy, uar: 0 to 1. calibration_error: expected calibration error over 15 bins. labels, confusion: class ids, and
    counts with the true class by row.
    """

    split: str
    crop: str
    n: int
    not_found: int
    accuracy: float
    uar: float
    calibration_error: float
    class_ids: tuple[int, ...]
    confusion: tuple[tuple[int, ...], ...]
    weights_sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return the scores as a dictionary that JSON can hold."""
        return asdict(self)


def score_faces(
    data: Path | str,
    sidecar: Path | str,
    split: str = "test",
    crop: str = "none",
    engine: str = "onnxruntime",
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FaceScores:
    """Classify every picture of a split as a clip of one frame.

    Args:
        data: folder of FER2013.
        sidecar: the model's.
        split: ``train``, ``validation`` or ``test``, without copies as :func:`fer2013.load` leaves them.
        crop: ``none`` takes the picture as the crop; ``auto`` enlarges it, finds the face as the robot does and crops
            it with the model's margin, which measures how well crops at run time match the training pictures.
        engine: of the classifier.
        limit: at most so many pictures, evenly spread.
        progress: called with pictures done and in all.

    Raises:
        ValueError: an unknown split or crop, or no face found at all.
        FileNotFoundError, ModelError: see :func:`fer2013.load` and :func:`load_metadata`.
    """
    if split not in fer2013.SPLITS or crop not in CROPS:
        raise ValueError(f"split '{split}', crop '{crop}'; expected one of {fer2013.SPLITS} and of {CROPS}")
    faces = fer2013.load(data)[split]
    metadata = load_metadata(sidecar)
    classifier = VisualClassifier(metadata, engine)
    finder = create_detector() if crop == "auto" else None
    chosen = np.arange(len(faces.images))
    if limit is not None and limit < len(chosen):
        chosen = np.linspace(0, len(chosen) - 1, limit).astype(int)
    truth, rows, not_found = [], [], 0
    for done, index in enumerate(chosen):
        picture = np.repeat(faces.images[index][..., None], 3, axis=2)
        face = picture if finder is None else _find(picture, finder, metadata.preprocessing.crop_margin)
        if face is None:
            not_found += 1
            continue
        truth.append(int(faces.class_ids[index]))
        rows.append(classifier.classify_clip([face]).probabilities)
        if progress:
            progress(done + 1, len(chosen))
    if not rows:
        raise ValueError(f"no face found in {len(chosen)} pictures of {data}")
    probabilities = np.array(rows)
    predicted = np.array(metadata.class_ids)[probabilities.argmax(1)]
    found = score(np.array(truth), predicted, tuple(number for number in CLASS_IDS if number in metadata.class_ids))
    error = calibration_error(np.array(truth), probabilities, metadata.class_ids, bins=15)
    return FaceScores(
        split, crop, found.count, not_found, found.accuracy, found.uar, error, found.class_ids, found.confusion,
        metadata.weights_sha256,
    )  # fmt: skip


def _find(picture: np.ndarray, detector, margin: float) -> np.ndarray | None:
    scale = max(1, SCENE_SIDE // picture.shape[0])
    side = picture.shape[0] * scale
    large = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR))
    scene = np.pad(large, ((side // 2, side // 2), (side // 2, side // 2), (0, 0)), mode="edge")
    found = detector.detect(scene)
    return crop_face(scene, found[0].box, margin) if found else None
