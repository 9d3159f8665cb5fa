"""Command ``search``: learning rate and dropout by random search on the inner splits."""

from __future__ import annotations

from typing import Annotated

import typer

from emotion_recognition.cli import training_options as options
from emotion_recognition.cli.output import fail, load, print_json
from emotion_recognition.cli.progress import TrainingProgress


def search(
    model: options.Model,
    data: options.Data,
    output: options.Output,
    protocol: Annotated[
        options.Protocols, typer.Option(help="Whose inner splits are scored; test clips take no part.")
    ] = options.Protocols.p2,
    trials: Annotated[int, typer.Option(help="Settings to try.", min=1)] = 20,
    fold: Annotated[list[int] | None, typer.Option(help="Number of a fold to search in; all if left out.")] = None,
    search_seed: Annotated[int, typer.Option(help="Of the draw of the settings.", min=0)] = 0,
    corpus: options.Corpus = "",
    channel: options.ChannelOption = options.Channel.speech,
    classes: options.Classes = 0,
    epochs: options.Epochs = None,
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
    jobs: options.Jobs = None,
    scheduler: options.Scheduler = None,
    allow_partial: options.Partial = False,
    json: options.Json = False,
) -> None:
    """Try learning rates from 1e-4 to 1e-2 and dropout from 0.1 to 0.5.

    Writes search.json and search.csv. A search that was cut off goes on.
    """
    options.check_model(model)
    settings = options.Settings(
        model=model, data=data, corpus=corpus, channel=channel, classes=classes, epochs=epochs, batch=batch,
        seed=seed, on_unreadable=on_unreadable, cache=cache, skip_frames=skip_frames, added=added,
        augmentation=augmentation, mixup=mixup, side_weight=side_weight, precision=precision,
        readings=options.parse_readings(model, reading),
    )  # fmt: skip
    load("torch")
    load("sklearn")
    load("joblib")
    if scheduler:
        load("distributed")
    library = load("emotion_recognition.training.search")
    try:
        with TrainingProgress() as progress:
            found = library.search(
                settings.task(), protocol.value, output, trials, search_seed, fold or (), jobs, scheduler, progress,
                allow_partial,
            )  # fmt: skip
    except (OSError, ValueError, RuntimeError) as problem:
        fail(str(problem))
    if json:
        print_json(found)
        return
    for name, best in [*found["best"].items(), ("overall", found["overall"])]:
        dropout = "" if best["dropout"] is None else f", dropout {best['dropout']:.3g}"
        typer.echo(f"{name}: rate {best['rate']:.3g}{dropout}, validation UAR {best['uar']:.3f}")
