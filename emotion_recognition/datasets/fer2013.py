"""FER2013: 48x48 grey faces of seven emotions.

Goodfellow et al., "Challenges in Representation Learning", https://arxiv.org/abs/1307.0414. The set holds exact copies,
some of them across splits and some under two labels; :func:`load` removes them as its docstring says.
"""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from emotion_recognition.emotions import class_id

ARCHIVE = "fer2013_jpg.zip"
SPLITS = ("train", "validation", "test")
SIZE = 48


@dataclass(frozen=True)
class Faces:
    """Faces of one split: images (N, 48, 48) uint8, class ids (N,) int64, names in the archive, files not readable."""

    images: np.ndarray
    class_ids: np.ndarray
    names: tuple[str, ...]
    unreadable: tuple[str, ...]


def load(folder: Path | str) -> dict[str, Faces]:
    """Read the archive ``fer2013_jpg.zip`` of ``folder`` and return its splits without copies.

    Of every group of pixel-identical pictures one is kept, the first by name in the last of the splits train,
    validation and test that has it: nothing in train stands in validation or test, nothing in validation in test.

    Raises:
        FileNotFoundError: the archive is not there.
        ValueError: a split is empty or a folder names no known emotion.
    """
    path = Path(folder) / ARCHIVE
    if not path.is_file():
        raise FileNotFoundError(f"no {ARCHIVE} in {folder}: expected FER2013 in it as <split>/<emotion>/<name>.jpg")
    seen: set[bytes] = set()
    faces = {}
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.lower().endswith((".jpg", ".png")))
        for split in reversed(SPLITS):
            members = [name for name in names if name.split("/")[0] == split]
            faces[split] = _read_split(archive, members, seen)
            if not len(faces[split].images):
                raise ValueError(f"{path}: split '{split}' has no readable picture; expected {split}/<emotion>/*.jpg")
    return {split: faces[split] for split in SPLITS}


def _read_split(archive: zipfile.ZipFile, members: list[str], seen: set[bytes]) -> Faces:
    images, ids, kept, unreadable = [], [], [], []
    for name in members:
        emotion = name.split("/")[1]
        found = class_id(emotion)
        if found is None:
            raise ValueError(f"{name}: folder '{emotion}' names no known emotion")
        try:
            with Image.open(io.BytesIO(archive.read(name))) as picture:
                image = np.asarray(picture.convert("L"))
        except (OSError, zipfile.BadZipFile):
            unreadable.append(name)
            continue
        if image.shape != (SIZE, SIZE):
            unreadable.append(name)
            continue
        key = image.tobytes()
        if key in seen:
            continue
        seen.add(key)
        images.append(image)
        ids.append(found)
        kept.append(name)
    stacked = np.stack(images) if images else np.empty((0, SIZE, SIZE), np.uint8)
    return Faces(stacked, np.array(ids, np.int64), tuple(kept), tuple(unreadable))
