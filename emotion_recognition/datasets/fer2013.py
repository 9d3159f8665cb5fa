"""FER2013: 48x48 grey faces of seven emotions.

Goodfellow et al., "Challenges in Representation Learning", https://arxiv.org/abs/1307.0414; data at
https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge. The set holds
exact copies, some of them across splits and some under two labels; :func:`load` removes them as its docstring says.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emotion_recognition.datasets.clips import CorpusError
from emotion_recognition.datasets.fer2013_sources import ARCHIVE, SIZE, SPLITS, Source, open_source
from emotion_recognition.emotions import class_id

__all__ = ["ARCHIVE", "PUBLISHED", "SIZE", "SPLITS", "Faces", "check_whole", "load"]

PUBLISHED = {"train": 28709, "validation": 3589, "test": 3589}  # pictures, copies included


@dataclass(frozen=True)
class Faces:
    """Faces of one split.

    Attributes:
        images: (N, 48, 48) uint8.
        class_ids: (N,) int64.
        names: of the pictures in the set.
        unreadable: names of those that cannot be read.
        copies: how many were left out as copies.
    """

    images: np.ndarray
    class_ids: np.ndarray
    names: tuple[str, ...]
    unreadable: tuple[str, ...]
    copies: int = 0


def load(folder: Path | str) -> dict[str, Faces]:
    """Read FER2013 in a folder and return its splits without copies.

    The folder holds the set in one of these forms: ``fer2013_jpg.zip`` with ``<split>/<emotion>/<name>.jpg`` in it;
    ``fer2013.csv`` or ``icml_face_data.csv`` as published, whose PublicTest is our validation and PrivateTest our test;
    the folders ``<split>/<emotion>/`` themselves.

    Of every group of pixel-identical pictures one is kept, the first by name in the last of the splits train,
    validation and test that has it: nothing in train stands in validation or test, nothing in validation in test.

    Raises:
        FileNotFoundError: nothing of the set is there.
        CorpusError: an archive or table is broken, a split is empty or a folder names no known emotion.
    """
    seen: set[bytes] = set()
    with open_source(Path(folder)) as source:
        faces = {split: _read_split(source, split, seen) for split in reversed(SPLITS)}
    return {split: faces[split] for split in SPLITS}


def check_whole(faces: Mapping[str, Faces]) -> None:
    """Check that the splits that :func:`load` returned are the whole set.

    Raises:
        CorpusError: a split has fewer pictures than published.
    """
    found = {split: len(faces[split].names) + faces[split].copies + len(faces[split].unreadable) for split in SPLITS}
    if any(found[split] < PUBLISHED[split] for split in SPLITS):
        counts = ", ".join(f"{found[split]} of {PUBLISHED[split]} in {split}" for split in SPLITS)
        raise CorpusError(f"fer2013 is not whole: found {counts}: fetch what is missing, or allow a partial data set")


def _read_split(source: Source, split: str, seen: set[bytes]) -> Faces:
    images, ids, kept, unreadable, copies = [], [], [], [], 0
    for name in source.names[split]:
        emotion = name.split("/")[1]
        found = class_id(emotion)
        if found is None:
            raise CorpusError(f"{source.path}: {name}: folder '{emotion}' names no known emotion; rename or remove it")
        try:
            image = source.read(name)
        except (OSError, ValueError):
            unreadable.append(name)
            continue
        key = image.tobytes()
        if key in seen:
            copies += 1
            continue
        seen.add(key)
        images.append(image)
        ids.append(found)
        kept.append(name)
    if not images:
        raise CorpusError(
            f"{source.path}: split '{split}' has no readable picture; expected {split}/<emotion>/*.jpg, or such rows"
        )
    return Faces(np.stack(images), np.array(ids, np.int64), tuple(kept), tuple(unreadable), copies)
