"""Scores of a model on any folder of labelled files, ``FOLDER/<class>/*``, through what runs on the robot.

A picture or a video goes through the detector (crop ``auto``) or is taken as the face itself (``none``) to the visual
classifier, a sound as a whole through the MFCCs to the speech classifier. What cannot be scored is counted: files in no
folder of a class, or of one that the weights cannot name, and files that cannot be read. A picture in which no face is
found is scored all the same, by its centre: accuracy is that of all pictures, not of the easy ones.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from emotion_recognition.classifiers import SpeechClassifier, VisualClassifier
from emotion_recognition.datasets.reading import UnreadableFile, read_frames, read_sound
from emotion_recognition.emotions import class_id, label_of
from emotion_recognition.engines import ModelError, ModelMetadata, load_metadata
from emotion_recognition.evaluation.metrics import Scores, score
from emotion_recognition.evaluation.scenes import centre_square, find_face
from emotion_recognition.faces import create_detector
from emotion_recognition.features import MfccSettings, create_mfcc
from emotion_recognition.weights import FACE, SPEECH

SOUNDS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".au")
VIDEOS = (".mp4", ".mkv", ".mov", ".avi", ".webm", ".flv", ".m4v", ".mpg", ".mpeg", ".wmv")
MODALITIES = ("face", "speech")
CROPS = ("auto", "none")
SHOWN = 5
LOOSE = "."


@dataclass(frozen=True)
class FolderScores:
    """What was found in a folder.

    Attributes:
        modality: ``face`` or ``speech``.
        crop: ``auto`` or ``none``; None for speech.
        n: files scored.
        skipped: files of classes that cannot be scored, by folder in ``skipped_folders`` (``.``: in no folder of a
            class), and files of the other modality.
        unreadable: files that could not be read.
        not_found: pictures and videos in which no face was found (crop ``auto``): among ``n``, scored by the largest
            square about their centre.
        accuracy, uar, macro_f1: 0 to 1; None if nothing was scored.
        among_present: accuracy and UAR if predictions are limited to the classes that occur in the folder; None if
            fewer than two do.
        labels: classes of ``confusion``, those that the weights can name.
        confusion: counts, true class by row, predicted class by column.
        classes: precision, recall, F1 and support of each label, one versus rest.
        weights_sha256: of the model.
    """

    modality: str
    crop: str | None
    n: int
    skipped: int
    skipped_folders: dict[str, int]
    unreadable: int
    not_found: int
    accuracy: float | None
    uar: float | None
    macro_f1: float | None
    among_present: dict[str, float] | None
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    classes: tuple[dict[str, Any], ...]
    weights_sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return the scores as a dictionary that JSON can hold."""
        return asdict(self)


@dataclass(frozen=True)
class Labelled:
    """Files by class, and what of the folder has none."""

    files: tuple[tuple[Path, int], ...]
    skipped_folders: dict[str, int]


def find_labelled(folder: Path | str) -> Labelled:
    """Return the files below ``FOLDER/<class>``, at any depth, in the order of their paths; hidden ones are left out.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: none of its folders names a class.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}: expected one with a folder of files for each class")
    files: list[tuple[Path, int]] = []
    loose = sum(path.is_file() and not path.name.startswith(".") for path in folder.iterdir())
    skipped: dict[str, int] = {LOOSE: loose} if loose else {}
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    for place in inside:
        members = sorted(path for path in place.rglob("*") if path.is_file() and not path.name.startswith("."))
        number = _class_of(place.name)
        if number is None:
            skipped[place.name] = len(members)
        else:
            files += [(path, number) for path in members]
    if not files:
        names = ", ".join(path.name for path in inside[:SHOWN]) or "none"
        raise ValueError(
            f"{folder}: folders found: {names}; expected some named by emotion, e.g. happy or anger, with files"
        )
    return Labelled(tuple(files), skipped)


def guess_modality(files: tuple[tuple[Path, int], ...]) -> str:
    """Return ``speech`` for files of sound, ``face`` for pictures and videos, by their suffixes.

    Raises:
        ValueError: there are files of both.
    """
    sounds = sum(_is_sound(path) for path, _ in files)
    visible = sum(_is_picture(path) or _is_video(path) for path, _ in files)
    if sounds and visible:
        raise ValueError(f"{sounds} files of sound, {visible} pictures and videos: give the modality, face or speech")
    return "speech" if sounds else "face"


def score_folder(
    folder: Path | str,
    modality: str | None = None,
    crop: str = "auto",
    sidecar: Path | str | None = None,
    engine: str = "onnxruntime",
    on_problem: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FolderScores:
    """Classify every file of a folder.

    Args:
        folder: see :func:`find_labelled`.
        modality: ``face`` or ``speech``; guessed from the files if None.
        crop: of pictures and videos: ``auto`` finds the largest face and crops it as the robot does, ``none`` takes the
            picture, cut to a square about its centre, as does ``auto`` where no face is found.
        sidecar: of the model; the shipped one if None.
        engine: of the classifier.
        on_problem: called with a line for every file and folder that is left out, and every face not found.
        progress: called with files done and in all.

    Raises:
        ValueError: an unknown modality or crop; see :func:`find_labelled` and :func:`guess_modality` too.
        ModelError: the model cannot be loaded or is of the other modality.
    """
    if modality not in (None, *MODALITIES) or crop not in CROPS:
        raise ValueError(f"modality {modality!r}, crop {crop!r}: expected one of {MODALITIES} and of {CROPS}")
    tell = on_problem or (lambda line: None)
    labelled = find_labelled(folder)
    modality = modality or guess_modality(labelled.files)
    metadata = load_metadata(sidecar or (FACE if modality == "face" else SPEECH))
    classify = _Faces(metadata, crop, engine) if modality == "face" else _Voices(metadata, engine)
    skipped = dict(labelled.skipped_folders)
    for name, count in skipped.items():
        if name == LOOSE:
            tell(f"{folder}: {count} files lie in no folder of a class, skipped")
        else:
            tell(f"{Path(folder) / name}: names no known emotion, {count} files skipped")
    nameable = [(path, number) for path, number in labelled.files if number in metadata.class_ids]
    for number in sorted({number for _, number in labelled.files} - set(metadata.class_ids)):
        count = sum(found == number for _, found in labelled.files)
        skipped[label_of(number)] = skipped.get(label_of(number), 0) + count
        tell(f"{label_of(number)}: {metadata.name} cannot name it, {count} files skipped")
    of_other = _is_sound if modality == "face" else _is_picture
    other = {path for path, _ in nameable if of_other(path)}
    for path in sorted(other):
        tell(f"{path}: not for {modality}, skipped")
    chosen = [(path, number) for path, number in nameable if path not in other]
    truth, rows, unreadable, not_found = [], [], 0, 0
    for done, (path, number) in enumerate(chosen):
        try:
            probabilities, unseen = classify(path)
        except ModelError:
            raise
        except ValueError as problem:
            unreadable += 1
            tell(str(problem) if isinstance(problem, UnreadableFile) else f"{path}: {problem}")
        else:
            truth.append(number)
            rows.append(probabilities)
            if unseen:
                not_found += 1
                tell(f"{path}: {unseen}")
        if progress:
            progress(done + 1, len(chosen))
    table = tuple(sorted(metadata.class_ids))
    found = _scores(truth, rows, metadata.class_ids, table) if truth else None
    occurring = tuple(sorted(set(truth)))
    present = _scores(truth, rows, metadata.class_ids, occurring) if len(occurring) > 1 else None
    return FolderScores(
        modality=modality,
        crop=crop if modality == "face" else None,
        n=len(truth),
        skipped=sum(skipped.values()) + len(other),
        skipped_folders=skipped,
        unreadable=unreadable,
        not_found=not_found,
        accuracy=found.accuracy if found else None,
        uar=found.uar if found else None,
        macro_f1=found.macro_f1 if found else None,
        among_present={"accuracy": present.accuracy, "uar": present.uar} if present else None,
        labels=tuple(label_of(number) for number in table),
        confusion=found.confusion if found else ((0,) * len(table),) * len(table),
        classes=tuple({"label": label_of(one.class_id), **asdict(one)} for one in found.classes) if found else (),
        weights_sha256=metadata.weights_sha256,
    )


def _scores(truth: list[int], rows: list[np.ndarray], class_ids: tuple[int, ...], among: tuple[int, ...]) -> Scores:
    """Return the scores of the classes with the largest probability among some of a label table."""
    columns = [class_ids.index(number) for number in among]
    return score(np.array(truth), np.array(among)[np.array(rows)[:, columns].argmax(axis=1)], among)


class _Voices:
    """Probabilities of a whole file of sound, as the speech node computes them of a window, and ''."""

    def __init__(self, metadata: ModelMetadata, engine: str):
        self._classifier = SpeechClassifier(metadata, engine)
        self._mfcc = create_mfcc("numpy", MfccSettings(**metadata.preprocessing.mfcc))

    def __call__(self, path: Path) -> tuple[np.ndarray, str]:
        mfcc = self._mfcc(read_sound(path))
        heard = mfcc if self._classifier.reads_matrix else mfcc.mean(axis=1)
        return self._classifier.classify(heard).probabilities, ""


class _Faces:
    """Probabilities of a picture as a clip of one frame, or of a video as one of 15; why no face was seen, or ''."""

    def __init__(self, metadata: ModelMetadata, crop: str, engine: str):
        self._classifier = VisualClassifier(metadata, engine)
        self._margin = metadata.preprocessing.crop_margin
        self._detector = create_detector() if crop == "auto" else None

    def __call__(self, path: Path) -> tuple[np.ndarray, str]:
        frames = [*read_frames(path)[0]] if _is_video(path) else [read_picture(path)]
        if self._detector is None:
            faces, problem = [centre_square(frame) for frame in frames], ""
        else:
            found = [find_face(frame, self._detector, self._margin) for frame in frames]
            faces, problem = [face for face in found if face is not None], ""
        if not faces:
            problem = f"no face found in {len(frames)} frame{'s' if len(frames) > 1 else ''}, the centre stands for it"
            faces = [centre_square(frame) for frame in frames]
        return self._classifier.classify_clip(faces).probabilities, problem


def read_picture(path: Path) -> np.ndarray:
    """Return a picture that Pillow reads as (H, W, 3) uint8 RGB, turned as its camera says.

    Raises:
        UnreadableFile: it cannot be read.
    """
    try:
        with Image.open(path) as picture:
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableFile(path, f"no picture: {error}") from error


def _class_of(name: str) -> int | None:
    """Return the class that a folder's name names, numbers and punctuation about it aside (``3_Happy``)."""
    return class_id(name) or class_id(re.sub(r"[\W\d_]+", " ", name))


def _is_sound(path: Path) -> bool:
    return path.suffix.lower() in SOUNDS


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEOS


def _is_picture(path: Path) -> bool:
    return not _is_video(path) and path.suffix.lower() in Image.registered_extensions()
