"""Command ``score``: the figures of a visual model on FER2013, which has its own split."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from emotion_recognition.cli.output import fail, load, print_json, say

score = typer.Typer(no_args_is_help=True, help="Score a model as it is shipped.")

REPORT_EVERY = 500

Data = Annotated[Path, typer.Option(help="Folder with the data set.", exists=True, file_okay=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class Split(str, Enum):
    """Parts of FER2013."""

    train = "train"
    validation = "validation"
    test = "test"


class Crop(str, Enum):
    """What of a picture the network sees."""

    none = "none"
    auto = "auto"


class Engine(str, Enum):
    """What runs a network."""

    onnxruntime = "onnxruntime"
    torch = "torch"


@score.command("face")
def score_face(
    data: Data,
    model: Annotated[Path | None, typer.Option(help="The model's .json file; the shipped one if left out.")] = None,
    split: Annotated[Split, typer.Option(help="Part of FER2013, without its copies.")] = Split.test,
    crop: Annotated[
        Crop, typer.Option(help="The pictures as they are, or cropped as the robot crops a face that it finds.")
    ] = Crop.none,
    engine: Annotated[Engine, typer.Option(help="What runs the network.")] = Engine.onnxruntime,
    limit: Annotated[int | None, typer.Option(help="Take only this many pictures.", min=1)] = None,
    json: Json = False,
) -> None:
    """Score a face model on FER2013."""
    load("sklearn.metrics")
    if engine is Engine.torch:
        load("torch")
    faces = load("emotion_recognition.evaluation.face_scores")
    sidecar = model or load("emotion_recognition.weights").FACE
    try:
        found = faces.score_faces(data, sidecar, split.value, crop.value, engine.value, limit, _count)
    except (OSError, ValueError) as problem:
        fail(str(problem))
    if json:
        print_json(found.to_json())
        return
    typer.echo(
        f"{found.split}: {found.n} pictures, accuracy {found.accuracy:.4f}, UAR {found.uar:.4f}, "
        f"calibration error {found.calibration_error:.4f}"
    )
    if found.not_found:
        typer.echo(f"no face found in {found.not_found} more")


def _count(done: int, total: int) -> None:
    if done % REPORT_EVERY == 0:
        say(f"{done} of {total}")
