"""Run records: what a cross-validation or an evaluation leaves behind, from which every figure can be computed again.

A record is two files: ``<name>.json``, the header, and ``<name>.csv``, one row a prediction with logits to four
decimals, packed as ``<name>.csv.gz`` if it is long. The header holds the hash of the rows, so a record that was cut off
or edited is refused. Nothing here needs more than numpy.
"""

import csv
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from emotion_recognition.emotions import CLASS_IDS
from emotion_recognition.evaluation.recipes import completed
from emotion_recognition.version import __version__

FORMAT = "emotion-recognition run 1"
WHOLE = "clips"
LONGEST_PLAIN = 300_000  # bytes of rows
COLUMNS = ("name", "actor", "fold", "condition", "class_id", *(f"logit_{number}" for number in CLASS_IDS))
LIBRARIES = ("numpy", "scikit-learn", "torch", "onnxruntime", "librosa", "soxr")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class RecordError(ValueError):
    """A run record that cannot be read, or that contradicts itself."""


@dataclass(frozen=True, eq=False)
class RunRecord:
    """Predictions of one run and how they came about.

    Attributes:
        name: of the run, also the file's: letters, digits, ``.``, ``_`` and ``-``.
        model: a model's own name (``models.configurations``), or what stands for one, for instance ``action-units``,
            ``speech-resnet + action-units (geometric mean)``.
        parameters: of the network, None if it is no network of this package.
        recipe: settings of the training as JSON can hold them.
        protocol: name of the protocol (``evaluation.protocols``), or ``fer2013-test`` for FER2013's own split.
        corpus: what was tested on: ``ravdess``, ``cremad``, ``emodb``, ``fer2013``.
        class_ids: classes the predictions are among. Logits of others are NaN.
        seed: of the training.
        names: clip of each prediction, (N,). A clip may occur more than once (windows, conditions).
        actors: (N,) int64, 0 where the corpus has none.
        folds: (N,) int64, number of the fold, from 0, whose model made it.
        truth: (N,) int64 class ids, each among ``class_ids``.
        logits: (N, 8) float64 before any temperature, column k for class k + 1.
        conditions: under which each was made, (N,): ``clips``, ``windows``, ...; :data:`WHOLE` for all if left out.
        weights_sha256: of the weights, empty for one model a fold.
        macs: multiply-accumulates of one decision by the paper's counter (``models.cost``), None if not counted.
        versions: of Python's libraries and this package.
        command: that gives the record again; data folders written as FOLDER.
        notes: what else a reader must know.

    Raises:
        RecordError: arrays of different lengths, or values out of their ranges.
    """

    name: str
    model: str
    protocol: str
    corpus: str
    names: tuple[str, ...]
    actors: np.ndarray
    folds: np.ndarray
    truth: np.ndarray
    logits: np.ndarray
    conditions: tuple[str, ...] = ()
    class_ids: tuple[int, ...] = CLASS_IDS
    parameters: int | None = None
    macs: int | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    weights_sha256: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    notes: str = ""

    def __post_init__(self):
        _set(self, "names", tuple(map(str, self.names)))
        _set(self, "conditions", tuple(self.conditions) or (WHOLE,) * len(self.names))
        _set(self, "class_ids", tuple(int(number) for number in self.class_ids))
        for key in ("actors", "folds", "truth"):
            _set(self, key, np.asarray(getattr(self, key), np.int64))
        logits = np.array(self.logits, np.float64)
        _set(self, "logits", logits)
        self._check()
        logits[:, [number - 1 for number in CLASS_IDS if number not in self.class_ids]] = np.nan

    def _check(self) -> None:
        count = len(self.names)
        shapes = [array.shape for array in (self.actors, self.folds, self.truth)]
        if not count or any(shape != (count,) for shape in shapes) or len(self.conditions) != count:
            raise RecordError(
                f"{self.name}: {count} names, {len(self.conditions)} conditions, actors, folds and truth of shapes "
                f"{shapes}: expected one of each a prediction, at least one prediction"
            )
        if self.logits.shape != (count, len(CLASS_IDS)):
            raise RecordError(f"{self.name}: logits of shape {self.logits.shape}, expected {(count, len(CLASS_IDS))}")
        if not _NAME.fullmatch(self.name):
            raise RecordError(f"name {self.name!r} of a run: expected letters, digits, '.', '_' and '-'")
        if len(set(self.class_ids)) != len(self.class_ids) or not set(self.class_ids) <= set(CLASS_IDS):
            raise RecordError(f"{self.name}: classes {self.class_ids}, expected some of {CLASS_IDS}, each once")
        strange = sorted(set(self.truth.tolist()) - set(self.class_ids))
        if strange:
            raise RecordError(f"{self.name}: true classes {strange} are not among {self.class_ids}")
        if not np.isfinite(self.logits[:, np.array(self.class_ids) - 1]).all() or (self.folds < 0).any():
            raise RecordError(f"{self.name}: a logit is not finite or a fold is below 0")

    @property
    def probabilities(self) -> np.ndarray:
        """Softmax of the logits of ``class_ids``, (N, len(class_ids))."""
        chosen = self.logits[:, np.array(self.class_ids) - 1]
        powers = np.exp(chosen - chosen.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    @property
    def predicted(self) -> np.ndarray:
        """The class with the largest logit among ``class_ids``, (N,) int64."""
        table = np.array(self.class_ids)
        return table[self.logits[:, table - 1].argmax(axis=1)]

    def select(self, condition: str | None = None, fold: int | None = None) -> "RunRecord":
        """Return the record with the predictions of one condition, or of one fold, or both.

        Raises:
            RecordError: there are none.
        """
        keep = np.ones(len(self.names), bool)
        if condition is not None:
            keep &= np.array(self.conditions) == condition
        if fold is not None:
            keep &= self.folds == fold
        if not keep.any():
            raise RecordError(f"{self.name}: no predictions of condition {condition}, fold {fold}")
        return self.take(np.flatnonzero(keep))

    def take(self, chosen: Sequence[int]) -> "RunRecord":
        """Return the record with the predictions of index ``chosen``, in that order."""
        rows = np.asarray(chosen, np.int64)
        return replace(
            self, names=tuple(self.names[row] for row in rows), conditions=tuple(self.conditions[row] for row in rows),
            actors=self.actors[rows], folds=self.folds[rows], truth=self.truth[rows], logits=self.logits[rows],
        )  # fmt: skip

    def save(self, folder: Path | str) -> Path:
        """Write both files, the folder made if missing, and return the header's path."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        rows = self._rows()
        is_long = len(rows) > LONGEST_PLAIN
        plain, packed = folder / f"{self.name}.csv", folder / f"{self.name}.csv.gz"
        used, unused = (packed, plain) if is_long else (plain, packed)
        # No time of writing in it: the same record gives the same file.
        used.write_bytes(gzip.compress(rows, mtime=0) if is_long else rows)
        unused.unlink(missing_ok=True)
        header = {"format": FORMAT, **{key: getattr(self, key) for key in _HEADER}}
        digest = hashlib.sha256(rows).hexdigest()
        header["predictions"] = {"file": used.name, "rows": len(self.names), "sha256": digest}
        path = folder / f"{self.name}.json"
        text = json.dumps(header, indent=1, allow_nan=False, default=_plain) + "\n"
        path.write_text(text, encoding="utf-8")
        return path

    def _rows(self) -> bytes:
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row, name in enumerate(self.names):
            logits = ["" if np.isnan(value) else f"{value:.4f}" for value in self.logits[row]]
            writer.writerow([name, self.actors[row], self.folds[row], self.conditions[row], self.truth[row], *logits])
        return stream.getvalue().encode()


_ROWS = ("names", "actors", "folds", "truth", "logits", "conditions")
_HEADER = tuple(entry.name for entry in fields(RunRecord) if entry.name not in _ROWS)


def load_record(path: Path | str) -> RunRecord:
    """Read a record by the path of its header.

    Raises:
        RecordError: a file is missing, is no record of this format, or the rows are not those that were written.
    """
    path = Path(path)
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as problem:
        raise RecordError(f"{path}: not the header of a run record ({problem})") from problem
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        found = header.get("format") if isinstance(header, dict) else type(header).__name__
        raise RecordError(f"{path}: format {found!r}, expected {FORMAT!r}: not a run record, or another version's")
    missing = [key for key in (*_HEADER, "predictions") if key not in header]
    if missing:
        raise RecordError(f"{path}: the header lacks {', '.join(missing)}; make the record again")
    rows = _read_rows(path, header["predictions"])
    try:
        columns = list(zip(*rows, strict=True))
        return RunRecord(
            **{key: header[key] for key in _HEADER}, names=columns[0], actors=np.array(columns[1], np.int64),
            folds=np.array(columns[2], np.int64), conditions=columns[3], truth=np.array(columns[4], np.int64),
            logits=np.array([[float(value or "nan") for value in row[5:]] for row in rows]),
        )  # fmt: skip
    except (ValueError, IndexError, TypeError) as problem:
        raise RecordError(f"{path}: {problem}") from problem


def load_records(folder: Path | str) -> list[RunRecord]:
    """Return all records of a folder in the order of their names; other files in it are not looked at.

    Raises:
        RecordError: the folder is not there, or a ``.json`` in it is no record.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RecordError(f"{folder}: no such folder; expected run records, <name>.json and <name>.csv")
    return [load_record(path) for path in sorted(folder.glob("*.json"))]


def join(name: str, records: Sequence[RunRecord]) -> RunRecord:
    """Return one record with the predictions of several, for instance of the folds of a run.

    Raises:
        RecordError: no records, or they differ in model, protocol, corpus, classes, seed or recipe.
    """
    if not records:
        raise RecordError(f"{name}: no records to join")
    first = records[0]
    for other in records[1:]:
        for key in ("model", "protocol", "corpus", "class_ids", "seed", "recipe"):
            mine, theirs = (getattr(record, key) for record in (first, other))
            if (completed(mine) != completed(theirs)) if key == "recipe" else (mine != theirs):
                raise RecordError(
                    f"{name}: {first.name} has {key} {mine!r}, {other.name} {theirs!r}; "
                    "only the folds of one run can be joined"
                )
    return replace(
        first, name=name,
        names=sum((record.names for record in records), ()),
        conditions=sum((record.conditions for record in records), ()),
        **{key: np.concatenate([getattr(record, key) for record in records])
           for key in ("actors", "folds", "truth", "logits")},
    )  # fmt: skip


def library_versions() -> dict[str, str]:
    """Return the versions of this package and of the installed libraries that figures depend on."""
    versions = {"emotion_recognition": __version__}
    for library in LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _read_rows(header: Path, described: Any) -> list[list[str]]:
    if not isinstance(described, dict) or not {"file", "rows", "sha256"} <= set(described):
        raise RecordError(f"{header}: predictions {described!r}, expected file, rows and sha256")
    path = header.parent / Path(str(described["file"])).name
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as problem:
        raise RecordError(f"{path}: cannot be read ({problem}); {header.name} names it") from problem
    if hashlib.sha256(content).hexdigest() != described["sha256"]:
        raise RecordError(f"{path}: not the rows that {header.name} was written with; cut off or changed")
    rows = list(csv.reader(io.StringIO(content.decode())))
    if tuple(rows[0]) != COLUMNS or len(rows) - 1 != described["rows"]:
        raise RecordError(f"{path}: {len(rows) - 1} rows of {rows[0]}, expected {described['rows']} of {list(COLUMNS)}")
    return rows[1:]


def _set(record: RunRecord, key: str, value: Any) -> None:
    object.__setattr__(record, key, value)


def _plain(value: Any) -> Any:
    """Return what JSON can hold in the place of numpy's numbers, arrays, and paths' names."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} in a record's header; expected what JSON can hold")
