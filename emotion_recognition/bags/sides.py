"""What a comparison is made of: runs that were saved, or models and parameters that bags are evaluated with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from emotion_recognition.bags.results import BagResult, from_json
from emotion_recognition.engines.weights import load_metadata
from emotion_recognition.models.configurations import FACE

KINDS = ("run", "model", "parameters")


def kind_of(path: Path) -> str:
    """Return which of KINDS a file is.

    Raises:
        ValueError: it is none.
        OSError: it cannot be read.
    """
    if path.suffix in (".yaml", ".yml"):
        return "parameters"
    found = _read(path)
    if isinstance(found, dict) and "bags" in found:
        return "run"
    if isinstance(found, dict) and "architecture" in found:
        return "model"
    raise ValueError(
        f"{path}: expected a run saved from `emotion-recognition evaluate --json`, a model's sidecar (.json) or a ROS "
        "parameter file (.yaml)"
    )


def load_run(path: Path) -> list[BagResult]:
    """Return the results of a saved run.

    Raises:
        ValueError: it is not what ``evaluate --json`` writes.
        OSError: it cannot be read.
    """
    try:
        return from_json(_read(path))
    except ValueError as error:
        raise error if str(error).startswith(str(path)) else ValueError(f"{path}: {error}") from error


@contextmanager
def parameter_file(path: Path) -> Iterator[Path]:
    """Give the parameter file that a model or a parameter file stands for, for as long as the context lasts.

    Raises:
        ModelError: it is a sidecar whose files cannot be used.
        OSError: it cannot be read.
    """
    if kind_of(path) == "parameters":
        yield path
        return
    stream = "face_model" if load_metadata(path).architecture in FACE else "speech_model"
    with TemporaryDirectory() as folder:
        made = Path(folder) / f"{path.stem}.yaml"
        content = {"/**": {"ros__parameters": {stream: str(path.resolve())}}}
        made.write_text(yaml.safe_dump(content), encoding="utf-8")
        yield made


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: {error}; expected JSON") from error
