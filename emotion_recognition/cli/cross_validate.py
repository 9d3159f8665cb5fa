"""Command ``cross-validate``: the score of a recipe under a protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emotion_recognition.cli import training_options as options
from emotion_recognition.cli.output import fail, load, print_json
from emotion_recognition.cli.progress import TrainingProgress


def cross_validate(
    model: options.Model,
    data: options.Data,
    output: options.Output,
    protocol: Annotated[
        options.Protocols,
        typer.Option(
            help="p1: stratified 5-fold; p1-split: one 80/20 split; p2: RAVDESS, unseen speakers; p3: CREMA-D, unseen "
            "speakers; p4: RAVDESS to EMO-DB; p5: p2 under other conditions."
        ),
    ] = options.Protocols.p2,
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
    test_data: Annotated[
        Path | None, typer.Option(help="Folder of the corpus that p4 tests on.", exists=True, file_okay=False)
    ] = None,
    choices: Annotated[
        Path | None,
        typer.Option(help="search.json: every fold takes what was chosen on its inner split.", exists=True),
    ] = None,
    name: Annotated[str, typer.Option(help="Of the run record; model and protocol if left out.")] = "",
    jobs: options.Jobs = None,
    scheduler: options.Scheduler = None,
    allow_partial: options.Partial = False,
    json: options.Json = False,
) -> None:
    """Train one model a fold and score it on the clips that it has not learned from.

    Writes the run record to OUTPUT/runs, and metrics-PROTOCOL.json and .csv. A run that was cut off goes on.
    """
    options.check_model(model)
    settings = options.Settings(
        model=model, data=data, corpus=corpus, channel=channel, classes=classes, epochs=epochs, rate=rate,
        dropout=dropout, batch=batch, seed=seed, on_unreadable=on_unreadable, cache=cache,
        skip_frames=skip_frames, added=added, augmentation=augmentation, mixup=mixup, side_weight=side_weight,
        precision=precision, readings=options.parse_readings(model, reading),
    )  # fmt: skip
    load("torch")
    load("sklearn")
    load("joblib")
    if scheduler:
        load("distributed")
    validation = load("emotion_recognition.training.cross_validation")
    command = settings.command(
        "cross-validate", protocol=protocol.value, test_data="FOLDER" if test_data else None,
        choices="search.json" if choices else None, allow_partial=allow_partial, output="DIR",
    )  # fmt: skip
    try:
        chosen = None
        if choices:
            chosen = load("emotion_recognition.training.search").load_choices(
                choices, settings.task(), protocol.value
            )  # fmt: skip
        with TrainingProgress() as progress:
            record = validation.cross_validate(
                settings.task(), protocol.value, output, jobs, scheduler, progress, name, allow_partial,
                str(test_data or ""), chosen, command,
            )  # fmt: skip
    except (OSError, ValueError, RuntimeError) as problem:
        fail(str(problem))
    summary = load("emotion_recognition.evaluation.summary").summarise(record)
    if json:
        print_json(summary)
        return
    typer.echo(f"{record.model} on {record.corpus}, {record.protocol}" + (f"; {record.notes}" if record.notes else ""))
    for condition, figures in summary["conditions"].items():
        mean, std = figures["mean"], figures["std"]
        shown = ", ".join(f"{key} {mean[key]:.3f} ± {std[key]:.3f}" for key in ("uar", "accuracy", "macro_f1"))
        typer.echo(f"{condition}: {shown}, calibration error {figures['ece']:.3f}")
