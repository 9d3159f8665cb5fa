"""The forms in which FER2013 is found: an archive of pictures, the published table, folders of pictures."""

import csv
import io
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from emotion_recognition.datasets.clips import CorpusError
from emotion_recognition.datasets.scanning import describe

ARCHIVE = "fer2013_jpg.zip"
TABLES = ("fer2013.csv", "icml_face_data.csv")
SPLITS = ("train", "validation", "test")
SIZE = 48
_SUFFIXES = (".jpg", ".jpeg", ".png")
_USAGES = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
_EMOTIONS = ("angry", "disgust", "fearful", "happy", "sad", "surprised", "neutral")  # by the number in the table


class Source(ABC):
    """One form of the set; a context manager.

    Attributes:
        path: archive, table or folder.
        names: pictures of each split, ``<split>/<emotion>/<name>``, sorted.
    """

    def __init__(self, path: Path, names: Iterable[str]):
        self.path = path
        self.names: dict[str, list[str]] = {split: [] for split in SPLITS}
        for name in sorted(names):
            split, *rest = name.split("/")
            if split in self.names and len(rest) == 2:
                self.names[split].append(name)

    @abstractmethod
    def read(self, name: str) -> np.ndarray:
        """Return a picture, (48, 48) uint8.

        Raises:
            OSError, ValueError: it cannot be read, or has another size.
        """

    def close(self) -> None:
        """Close the source; nothing to do but for archives."""
        return

    def __enter__(self) -> "Source":
        """Return itself."""
        return self

    def __exit__(self, *_) -> None:
        """Close the source."""
        self.close()


def open_source(folder: Path) -> Source:
    """Return the set in a folder, whichever form it has.

    Raises:
        FileNotFoundError: none of them is there.
        CorpusError: the archive or table is broken.
    """
    if (folder / ARCHIVE).is_file():
        return _Archive(folder / ARCHIVE)
    for table in TABLES:
        if (folder / table).is_file():
            return _Table(folder / table)
    if any((folder / split).is_dir() for split in SPLITS):
        return _Folders(folder)
    found = describe(folder) if folder.is_dir() else "no such folder"
    raise FileNotFoundError(
        f"{folder}: found {found}; expected FER2013 as {ARCHIVE}, {TABLES[0]} or <split>/<emotion>/<name>.jpg"
    )


class _Archive(Source):
    def __init__(self, path: Path):
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise CorpusError(f"{path}: not a whole zip archive ({error}); fetch it again") from error
        super().__init__(path, (name for name in self._archive.namelist() if name.lower().endswith(_SUFFIXES)))

    def read(self, name: str) -> np.ndarray:
        try:
            return _picture(self._archive.read(name))
        except zipfile.BadZipFile as error:
            raise ValueError(str(error)) from error

    def close(self) -> None:
        self._archive.close()


class _Folders(Source):
    def __init__(self, path: Path):
        files = (file for file in path.rglob("*") if file.suffix.lower() in _SUFFIXES and file.is_file())
        super().__init__(path, (file.relative_to(path).as_posix() for file in files))

    def read(self, name: str) -> np.ndarray:
        return _picture((self.path / name).read_bytes())


class _Table(Source):
    """The published table: columns emotion (0 to 6), pixels (2,304 numbers) and Usage, in any order."""

    def __init__(self, path: Path):
        self._pixels: dict[str, str] = {}
        try:
            with open(path, newline="", encoding="ascii") as stream:
                for number, row in enumerate(csv.DictReader(stream, skipinitialspace=True), 2):
                    self._pixels[self._name(row, number)] = row["pixels"]
        except (KeyError, IndexError, ValueError, TypeError, AttributeError, csv.Error) as error:
            raise CorpusError(
                f"{path}: not the table of FER2013 ({type(error).__name__}: {error}); expected the columns emotion, "
                f"pixels and Usage with emotions 0 to {len(_EMOTIONS) - 1} and {', '.join(_USAGES)}"
            ) from error
        super().__init__(path, self._pixels)

    @staticmethod
    def _name(row: dict[str, str], number: int) -> str:
        emotion = int(row["emotion"])
        if emotion < 0:
            raise ValueError(f"line {number}: emotion {emotion}")
        return f"{_USAGES[row['Usage'].strip()]}/{_EMOTIONS[emotion]}/line-{number:05d}"

    def read(self, name: str) -> np.ndarray:
        pixels = bytes(map(int, self._pixels[name].split()))
        return _sized(np.frombuffer(pixels, np.uint8).reshape(-1, SIZE))


def _picture(data: bytes) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            return _sized(np.asarray(picture.convert("L")))
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError) as error:
        raise ValueError(str(error)) from error


def _sized(image: np.ndarray) -> np.ndarray:
    if image.shape != (SIZE, SIZE):
        raise ValueError(f"a picture of {image.shape}; expected {(SIZE, SIZE)}")
    return image
