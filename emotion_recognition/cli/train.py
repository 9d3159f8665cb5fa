"""Command ``train``: one model on all of a data set."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from emotion_recognition.cli import training_options as options
from emotion_recognition.cli.output import fail, load, print_json
from emotion_recognition.cli.progress import TrainingProgress


def train(
    model: options.Model,
    data: options.Data,
    output: options.Output,
    corpus: options.Corpus = "",
    channel: options.ChannelOption = options.Channel.speech,
    classes: options.Classes = 0,
    epochs: options.Epochs = None,
    rate: options.Rate = None,
    dropout: options.Dropout = None,
    batch: options.Batch = None,
    seed: options.Seed = None,
    on_unreadable: options.Unreadable = options.OnUnreadable.skip,
    cache: options.Cache = None,
    skip_frames: options.SkipFrames = 0,
    added: options.Added = None,
    augmentation: options.Augmentation = None,
    mixup: options.Mixup = None,
    side_weight: options.SideWeight = None,
    precision: options.Precision = None,
    reading: options.Readings = None,
    allow_partial: options.Partial = False,
    name: Annotated[str, typer.Option(help="The model's name; made of model and data set if left out.")] = "",
    cross_validation: Annotated[
        Path | None,
        typer.Option(
            help="Output of cross-validate for the same recipe: gives the temperature and the scores of the sidecar.",
            exists=True,
        ),
    ] = None,
    choices: Annotated[
        Path | None, typer.Option(help="search.json whose overall choice is taken.", exists=True, dir_okay=False)
    ] = None,
    threads: Annotated[int, typer.Option(help="Of one training; as many again give the same weights.", min=1)] = 1,
    json: options.Json = False,
) -> None:
    """Train a model on RAVDESS, CREMA-D, EMO-DB or FER2013 and write the files that the nodes load.

    A training that was cut off goes on from the checkpoint in the output folder.
    """
    options.check_model(model)
    settings = options.Settings(
        model=model, data=data, corpus=corpus, channel=channel, classes=classes, epochs=epochs, rate=rate,
        dropout=dropout, batch=batch, seed=seed, on_unreadable=on_unreadable, cache=cache,
        skip_frames=skip_frames, added=added, augmentation=augmentation, mixup=mixup, side_weight=side_weight,
        precision=precision, readings=options.parse_readings(model, reading),
    )  # fmt: skip
    load("torch")
    try:
        stills = _is_stills(model, data)
        if stills:
            options.check_stills(
                settings, cross_validation=cross_validation, threads=threads if threads != 1 else None, choices=choices
            )
        with TrainingProgress() as progress:
            if choices is not None:
                settings = dataclasses.replace(settings, **_overall(choices, settings))
            if stills:
                sidecar = _train_stills(settings, output, name, allow_partial, progress)
            else:
                record = _record(cross_validation) if cross_validation else None
                sidecar = load("emotion_recognition.training.whole").train_model(
                    settings.task(), output, name, record, progress, settings.command("train", output="DIR"),
                    threads, allow_partial,
                )  # fmt: skip
    except (OSError, ValueError, FloatingPointError) as problem:
        fail(str(problem))
    if json:
        metadata = load("emotion_recognition.engines").load_metadata(sidecar)
        print_json({
            "model": str(sidecar), "weights_sha256": metadata.weights_sha256, "unreadable": progress.unreadable,
        })  # fmt: skip
    else:
        typer.echo(f"written: {sidecar}")


def _is_stills(model: str, data: Path) -> bool:
    """Say whether a visual model is to learn from FER2013, not from clips."""
    configurations = load("emotion_recognition.models.configurations")
    if configurations.own_name(model) not in configurations.FACE:
        return False
    try:
        load("emotion_recognition.datasets.fer2013_sources").open_source(data).close()
    except FileNotFoundError:
        return False
    return True


def _train_stills(
    settings: options.Settings, output: Path, name: str, allow_partial: bool, progress: TrainingProgress
) -> Path:
    """Train a visual network on FER2013."""
    face = load("emotion_recognition.training.face")
    own = load("emotion_recognition.models.configurations").own_name(settings.model)
    recipe = face.RECIPES.get(own) or dataclasses.replace(face.RECIPES["ghostnet-tam-fan"], architecture=own)
    face_run = load("emotion_recognition.training.face_run")
    return face_run.train_face(
        settings.data, output, settings.changes().applied(recipe), progress, name, allow_partial,
        settings.on_unreadable.value, settings.command("train", output="DIR"),
    )  # fmt: skip


def _record(path: Path) -> Any:
    """Return the run record of a cross-validation, given its output folder or the record's header."""
    records = load("emotion_recognition.evaluation.records")
    if path.is_file():
        return records.load_record(path)
    found = records.load_records(path / "runs")
    # P5 tests P2's models under other conditions and stands in the same folder.
    unseen = [record for record in found if record.protocol in ("p2", "p3")] or found
    if len(unseen) != 1:
        raise ValueError(f"{path / 'runs'}: {len(unseen)} run records, expected one; give its .json file instead")
    return unseen[0]


def _overall(path: Path, settings: options.Settings) -> dict[str, Any]:
    return load("emotion_recognition.training.search").load_overall(path, settings.task())
