"""Scores of face weights on FER2013, through the classifier that runs on the robot."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emotion_recognition.classifiers import VisualClassifier
from emotion_recognition.datasets import fer2013
from emotion_recognition.emotions import CLASS_IDS
from emotion_recognition.engines import load_metadata
from emotion_recognition.evaluation.calibration import calibration_error
from emotion_recognition.evaluation.metrics import score
from emotion_recognition.evaluation.records import RunRecord, library_versions
from emotion_recognition.evaluation.scenes import find_face
from emotion_recognition.faces import create_detector
from emotion_recognition.weights import FACE

CROPS = ("none", "auto")
LEAST = 1e-12


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
    record, not_found = record_faces(data, sidecar, split, crop, engine, limit, progress)
    found = score(record.truth, record.predicted, record.class_ids)
    error = calibration_error(record.truth, record.probabilities, record.class_ids)
    return FaceScores(
        split, crop, found.count, not_found, found.accuracy, found.uar, error, found.class_ids, found.confusion,
        record.weights_sha256,
    )  # fmt: skip


def record_faces(
    data: Path | str,
    sidecar: Path | str,
    split: str = "test",
    crop: str = "none",
    engine: str = "onnxruntime",
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[RunRecord, int]:
    """Return the predictions that :func:`score_faces` scores, and the number of pictures without a face found.

    The record's logits are logarithms of the model's tempered probabilities. Its protocol is ``fer2013-<split>``, its
    condition ``clips``, or ``found`` for crop ``auto``.
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
    used, rows = [], []
    for done, index in enumerate(chosen.tolist()):
        picture = np.repeat(faces.images[index][..., None], 3, axis=2)
        face = picture if finder is None else find_face(picture, finder, metadata.preprocessing.crop_margin)
        if face is not None:
            used.append(index)
            rows.append(classifier.classify_clip([face]).probabilities)
        if progress:
            progress(done + 1, len(chosen))
    if not rows:
        raise ValueError(f"no face found in {len(chosen)} pictures of {data}")
    logits = np.full((len(rows), len(CLASS_IDS)), np.nan)
    logits[:, np.array(metadata.class_ids) - 1] = np.log(np.maximum(rows, LEAST))
    protocol = f"fer2013-{split}"
    condition = "clips" if crop == "none" else "found"
    record = RunRecord(
        name=f"{metadata.architecture}-{protocol}" + ("" if crop == "none" else f"-{condition}"),
        model=metadata.architecture,
        protocol=protocol,
        corpus="fer2013",
        names=tuple(faces.names[index] for index in used),
        actors=np.zeros(len(used), np.int64),
        folds=np.zeros(len(used), np.int64),
        truth=faces.class_ids[used],
        logits=logits,
        conditions=(condition,) * len(used),
        class_ids=tuple(number for number in CLASS_IDS if number in metadata.class_ids),
        recipe=dict(metadata.scores.get("recipe", {})),
        weights_sha256=metadata.weights_sha256,
        versions=library_versions(),
        command=f"python -m emotion_recognition.evaluation.face_scores --data FOLDER --split {split} --crop {crop}",
        notes=f"No face found in {len(chosen) - len(used)} of {len(chosen)} pictures." if finder else "",
    )
    return record, len(chosen) - len(used)


def main(arguments: Sequence[str] | None = None) -> Path:
    """Score a face model on FER2013 and write its run record; print and return the record's path."""
    parser = argparse.ArgumentParser(description="Write the run record of a face model on FER2013.")
    parser.add_argument("--data", required=True, help=f"folder that holds {fer2013.ARCHIVE}")
    parser.add_argument("--model", default=str(FACE), help="the model's .json (default: the shipped one)")
    parser.add_argument("--split", default="test", choices=fer2013.SPLITS)
    parser.add_argument("--crop", default="none", choices=CROPS)
    parser.add_argument("--output", required=True, help="folder for the record")
    given = parser.parse_args(arguments)
    record, _ = record_faces(given.data, given.model, given.split, given.crop)
    path = record.save(given.output)
    print(f"{path}: accuracy {np.mean(record.predicted == record.truth):.4f}")
    return path


if __name__ == "__main__":
    main()
