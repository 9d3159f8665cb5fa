"""Results of slow computations on files, kept on disk: crops of faces, features of sounds."""

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
_RESERVED = ("file", "allow_pickle")  # parameters of numpy.savez
_CHUNK = 1 << 20


def default_folder() -> Path:
    """Return the user's folder for it: ``$XDG_CACHE_HOME/emotion_recognition``, else below ``~/.cache``.

    https://specifications.freedesktop.org/basedir-spec/latest/: a path that is not absolute does not count.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "emotion_recognition"


class DiskCache:
    """Arrays computed from files, one .npz file an entry, without pickle.

    An entry's key is the content of the file, the settings and the version of the code that computes; so a file may be
    moved or renamed, and what has changed is computed anew. Entries are written aside and moved into place: processes
    may share a folder, and a killed one leaves no half entry. An entry that is damaged (zip archives hold checksums) is
    computed anew. Nothing is ever removed: delete the folder to do so.

    Attributes:
        folder: where the entries are.
        hits, misses: how many calls of this object found an entry, and how many computed.
    """

    def __init__(self, folder: Path | str | None = None):
        """Take a folder, made when the first entry is written; None is :func:`default_folder`."""
        self.folder = Path(folder) if folder is not None else default_folder()
        self.hits = self.misses = 0

    def get(
        self,
        file: Path | str,
        settings: Mapping[str, Any],
        compute: Callable[[Path], Mapping[str, np.ndarray]],
        version: int = 1,
    ) -> Arrays:
        """Return the arrays computed from a file, from the cache where they are there.

        Args:
            file: the file they are computed from.
            settings: all else that the result depends on, what is computed included; JSON values, in any order.
            compute: called with the path if there is no entry; returns the arrays by name.
            version: of the computing code, to be raised when its results change.

        Raises:
            OSError: the file cannot be read, or the entry not written.
            TypeError, ValueError: the settings are not JSON values, or a result is no array of numbers.
            Whatever ``compute`` raises; nothing is stored then.
        """
        file = Path(file)
        path = self.path(file, settings, version)
        arrays = _load(path)
        if arrays is not None:
            self.hits += 1
            return arrays
        self.misses += 1
        arrays = {name: np.asarray(value) for name, value in compute(file).items()}
        _check(arrays)
        self._store(path, arrays)
        return arrays

    def path(self, file: Path | str, settings: Mapping[str, Any], version: int = 1) -> Path:
        """Return where the entry of a file and settings is kept; see :meth:`get`."""
        described = json.dumps({"settings": dict(settings), "version": version}, sort_keys=True, allow_nan=False)
        digest = hashlib.sha256(described.encode())
        with open(file, "rb") as stream:
            content = hashlib.sha256()
            while chunk := stream.read(_CHUNK):
                content.update(chunk)
        digest.update(content.digest())
        key = digest.hexdigest()
        return self.folder / key[:2] / f"{key}.npz"

    def _store(self, path: Path, arrays: Arrays) -> None:
        partial = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".partial", delete=False) as stream:
                partial = Path(stream.name)
                np.savez(stream, allow_pickle=False, **arrays)
            partial.replace(path)
        except OSError as error:
            text = f"cache folder {self.folder}: {error.strerror or error}: free space in it, or give another folder"
            raise OSError(error.errno, text) from error
        finally:
            if partial is not None:
                partial.unlink(missing_ok=True)


def _load(path: Path) -> Arrays | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError):
        return None  # no entry, or a damaged one


def _check(arrays: Arrays) -> None:
    for name, array in arrays.items():
        if name in _RESERVED or not name.isidentifier():
            raise ValueError(f"array name '{name}': expected an identifier other than {', '.join(_RESERVED)}")
        if array.dtype.hasobject:
            raise ValueError(f"array '{name}' holds objects: expected numbers or text")
