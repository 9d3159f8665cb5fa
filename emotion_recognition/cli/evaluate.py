"""Command ``evaluate``: how good the emotions of recordings were, what they cost and where they went wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from emotion_recognition.cli.output import EXIT_FAILED, EXIT_USAGE, fail, load, named_parts, print_json, say
from emotion_recognition.cli.progress import TrainingProgress

WORDS = {"accuracy": "accuracy", "uar": "UAR", "macro_f1": "macro F1", "ece": "calibration error"}


def evaluate(
    bags: Annotated[
        list[Path], typer.Argument(help="Rosbag2 folders, or single .mcap and .db3 files.", metavar="BAG…")
    ],
    labels: Annotated[
        Path | None,
        typer.Option(
            help="CSV file start,end,person,emotion, or a folder with BAG.csv for each bag. If left out: labels.csv in "
            "the bag, a topic of labels in it, or its name, as of a RAVDESS or CREMA-D clip.",
            exists=True,
        ),
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Play the bag to the real nodes, with its own time.")
    ] = False,
    rate: Annotated[float, typer.Option(help="Seconds of the bag in one second, with --replay.")] = 1.0,
    recorded: Annotated[
        bool,
        typer.Option("--recorded", help="Judge the emotions that the bag holds, even where it holds sensors, too."),
    ] = False,
    params_file: Annotated[
        Path | None, typer.Option(help="ROS parameter file for the nodes.", exists=True, dir_okay=False)
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            help="PART=NAME, where a topic is not found by itself: image, audio, audio_info, fused, face, speech, "
            "labels. An empty name leaves the part out. May be repeated."
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page of all that was found to this file.")] = None,
    with_faces: Annotated[
        bool, typer.Option("--with-faces", help="Keep the faces of the worst moments, for the page.")
    ] = False,
    jobs: Annotated[int | None, typer.Option(help="Bags at a time; 1 if left out.", min=1)] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler whose workers evaluate the bags: tcp://HOST:PORT.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Judge the emotions of recordings, computed anew offline, by the nodes, or as they were recorded.

    Where something of a bag or its labels cannot be used, stderr says what, the rest is reported, and the exit code
    is 1.
    """
    if replay and recorded:
        fail("--replay and --recorded exclude each other", EXIT_USAGE)
    if rate <= 0:
        fail(f"--rate {rate}: expected above 0", EXIT_USAGE)
    for module in ("rosbags", "mcap", "sklearn", "joblib"):
        load(module)
    if scheduler:
        load("distributed")
    evaluating, results = load("emotion_recognition.bags.evaluating"), load("emotion_recognition.bags.results")
    way = "replayed" if replay else "recorded" if recorded else "auto"
    how = evaluating.Evaluation(way, labels, params_file, named_parts(topic or []), rate, with_faces)
    try:
        evaluating.read_parameters(params_file)
    except (OSError, ValueError) as problem:
        fail(str(problem), EXIT_USAGE)
    try:
        with TrainingProgress() as progress:
            found = evaluating.evaluate_bags(bags, how, jobs or 1, scheduler, progress)
    except (OSError, RuntimeError) as problem:
        fail(str(problem))
    data = results.to_json(found)
    if html is not None:
        try:
            html.write_text(load("emotion_recognition.bags.page").page(found), encoding="utf-8")
        except OSError as problem:
            fail(f"--html {html}: {problem}")
    if json:
        print_json(data)
    else:
        _show(data)
    for problem in data["problems"]:
        say(problem)
    if data["problems"]:
        say("the result is partial")
        raise typer.Exit(EXIT_FAILED)


def _show(data: dict[str, Any]) -> None:
    for bag in data["bags"]:
        scores = bag["scores"]
        line = f"{bag['bag']}: {bag['duration_s']:.1f} s, {bag['mode']}, {_counts(scores)}"
        typer.echo(line + ("" if scores["accuracy"] is None else f", {_figures(scores)}"))
    for stream, scores in data["streams"].items():
        figures = "nothing to judge" if scores["accuracy"] is None else _figures(scores)
        typer.echo(f"{stream}: {_counts(scores)}: {figures}")
    covered = ", ".join(f"{name} {share:.0%}" for name, share in data["coverage"].items())
    typer.echo(f"share of time: {covered}")
    judged = data["confusion"]
    if data["judged"]:
        width = max(map(len, judged["labels"]))
        for label, row in zip(judged["labels"], judged["matrix"], strict=True):
            typer.echo(f"{label:>{width}} " + " ".join(f"{count:5d}" for count in row))
    factor = data["timing"]["realtime_factor"]
    if factor is not None:
        typer.echo(f"{factor:.1f} times real time")


def _counts(scores: dict[str, Any]) -> str:
    return f"{scores['decisions']} decisions, {scores['judged']} judged"


def _figures(scores: dict[str, Any]) -> str:
    return ", ".join(f"{word} {scores[name]:.3f}" for name, word in WORDS.items())
