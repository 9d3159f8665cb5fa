"""Commands ``train``, ``cross-validate`` and ``score``: training and its figures, on a computer with torch."""

from __future__ import annotations

import dataclasses
import json as json_library
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from emotion_recognition.cli.output import fail, load, print_json, say

train = typer.Typer(no_args_is_help=True, help="Train a model and write the files that the nodes load.")
cross_validate = typer.Typer(no_args_is_help=True, help="Score a training on people it has not heard.")
score = typer.Typer(no_args_is_help=True, help="Score a model as it is shipped.")

REPORT_EVERY = 500

Data = Annotated[Path, typer.Option(help="Folder with the data set.", exists=True, file_okay=False)]
Output = Annotated[Path, typer.Option(help="Folder to write the model to; made if missing.", file_okay=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class Variant(str, Enum):
    """The paper's sizes of the speech network."""

    s1 = "s1"
    s2 = "s2"
    s3 = "s3"


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


VariantOption = Annotated[Variant, typer.Option(help="Size of the network.")]
Epochs = Annotated[int, typer.Option(help="Passes over the data.", min=1)]
Seed = Annotated[int, typer.Option(help="Where all random draws start.")]


def progress(figures: dict[str, Any]) -> None:
    """Print a training's figures as one line on stderr."""
    say(
        "  ".join(
            f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in figures.items()
        )
    )


def _recipe(speech, variant: Variant, epochs: int, seed: int):
    return dataclasses.replace(speech.SpeechRecipe(), variant=variant.value, epochs=epochs, seed=seed)


@cross_validate.command("speech")
def cross_validate_speech(
    data: Data,
    variant: VariantOption = Variant.s2,
    epochs: Epochs = 50,
    seed: Seed = 1,
    json: Json = False,
) -> None:
    """Six folds of four RAVDESS actors each that no training heard."""
    speech = load("emotion_recognition.training.speech")
    try:
        found = speech.cross_validate_speech(data, _recipe(speech, variant, epochs, seed), progress)
    except (OSError, ValueError, FloatingPointError) as problem:
        fail(str(problem))
    if json:
        print_json(found)
        return
    typer.echo(found["protocol"])
    for kind, means in found["means"].items():
        figures = ", ".join(f"{name} {value['mean']:.3f} ± {value['std']:.3f}" for name, value in means.items())
        typer.echo(f"{kind}: {figures}")
    error = found["calibration_error_windows"]
    typer.echo(
        f"temperature {found['temperature']:.3f}: calibration error {error['before']:.3f} -> {error['after']:.3f}"
    )


@train.command("speech")
def train_speech(
    data: Data,
    output: Output,
    variant: VariantOption = Variant.s2,
    epochs: Epochs = 50,
    seed: Seed = 1,
    cross_validation: Annotated[
        Path | None,
        typer.Option(help="What `cross-validate speech --json` printed for the same settings; else it is run first."),
    ] = None,
    json: Json = False,
) -> None:
    """Train the speech classifier on all RAVDESS actors."""
    speech = load("emotion_recognition.training.speech")
    recipe = _recipe(speech, variant, epochs, seed)
    try:
        known = json_library.loads(cross_validation.read_text()) if cross_validation else None
        sidecar = speech.train_speech(data, output, recipe, known, progress)
    except (OSError, ValueError, KeyError, FloatingPointError) as problem:
        fail(str(problem))
    _tell_written(sidecar, json)


@train.command("face")
def train_face(
    data: Data,
    output: Output,
    seed: Seed = 1,
    json: Json = False,
) -> None:
    """Train the visual classifier on FER2013; a run that was cut off goes on from its last whole epoch."""
    face_run = load("emotion_recognition.training.face_run")
    recipe = dataclasses.replace(load("emotion_recognition.training.face").FaceRecipe(), seed=seed)
    try:
        sidecar = face_run.train_face(data, output, recipe, progress)
    except (OSError, ValueError, FloatingPointError) as problem:
        fail(str(problem))
    _tell_written(sidecar, json)


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


def _tell_written(sidecar: Path, json: bool) -> None:
    if json:
        metadata = load("emotion_recognition.engines").load_metadata(sidecar)
        print_json({"model": str(sidecar), "weights_sha256": metadata.weights_sha256})
    else:
        typer.echo(f"written: {sidecar}")
