"""Command ``evaluate-model``: a model on a folder of labelled files that it has never seen."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from emotion_recognition.cli.output import fail, load, print_json, say

REPORT_EVERY = 500


class Modality(str, Enum):
    """What is classified."""

    face = "face"
    speech = "speech"


class Crop(str, Enum):
    """What of a picture the network sees."""

    auto = "auto"
    none = "none"


def evaluate_model(
    data: Annotated[
        Path, typer.Option(help="Folder with a folder of files for each emotion.", exists=True, file_okay=False)
    ],
    modality: Annotated[
        Modality | None, typer.Option(help="Pictures and videos, or sound; guessed from the files if left out.")
    ] = None,
    crop: Annotated[
        Crop, typer.Option(help="The largest face found, cropped as the robot does, or the picture as it is.")
    ] = Crop.auto,
    model: Annotated[Path | None, typer.Option(help="The model's .json file; the shipped one if left out.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Score a model on FOLDER/<emotion>/*; what is left out is named on stderr."""
    load("sklearn.metrics")
    folder_scores = load("emotion_recognition.evaluation.folder_scores")
    kind = modality.value if modality else None
    try:
        found = folder_scores.score_folder(data, kind, crop.value, model, on_problem=say, progress=_count)
    except (OSError, ValueError) as problem:
        fail(str(problem))
    if json:
        print_json(found.to_json())
    else:
        typer.echo(f"{found.modality}: {found.n} files scored, {found.skipped} skipped, {found.unreadable} unreadable")
        if found.not_found:
            typer.echo(f"no face found in {found.not_found} of them, which are scored by their centre")
        if found.n:
            typer.echo(f"accuracy {found.accuracy:.4f}, UAR {found.uar:.4f}, macro-F1 {found.macro_f1:.4f}")
            width = max(map(len, found.labels))
            for label, row in zip(found.labels, found.confusion, strict=True):
                typer.echo(f"{label:>{width}} " + " ".join(f"{count:5d}" for count in row))
    if not found.n:
        fail(f"{data}: no file could be scored")


def _count(done: int, total: int) -> None:
    if done % REPORT_EVERY == 0:
        say(f"{done} of {total}")
