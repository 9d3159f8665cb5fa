"""Command ``compare``: two runs over the same bags."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from emotion_recognition.cli.output import EXIT_FAILED, EXIT_USAGE, fail, load, print_json, say
from emotion_recognition.cli.progress import TrainingProgress

WORDS = {
    "accuracy": "accuracy",
    "uar": "UAR",
    "macro_f1": "macro F1",
    "ece": "calibration error",
    "face_coverage": "time with a face",
    "voice_coverage": "time with a voice",
    "decision_coverage": "time with a decision",
}
Side = Annotated[
    Path,
    typer.Argument(
        help="A run saved from evaluate --json; or, with --bags, a model's .json file or a ROS parameter file (.yaml).",
        exists=True, dir_okay=False,
    ),
]  # fmt: skip


class Stream(str, Enum):
    """Whose decisions."""

    fused = "fused"
    face = "face"
    speech = "speech"


class Resample(str, Enum):
    """What is drawn for the intervals."""

    auto = "auto"
    bags = "bags"
    blocks = "blocks"


def compare(
    a: Side,
    b: Side,
    bags: Annotated[
        list[Path] | None, typer.Option(help="Bag to evaluate with a model or parameter file; may be repeated.")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="Labels of the bags as for evaluate: a CSV file or a folder of them.", exists=True),
    ] = None,
    stream: Annotated[Stream | None, typer.Option(help="The first of these that both have if left out.")] = None,
    resample: Annotated[
        Resample, typer.Option(help="Draw bags, or blocks of time; auto: bags where there are at least ten.")
    ] = Resample.auto,
    block: Annotated[float, typer.Option(help="Least length of a block in seconds.")] = 10.0,
    level: Annotated[float, typer.Option(help="Of the intervals, between 0 and 1.")] = 0.95,
    resamples: Annotated[int, typer.Option(help="Draws for the intervals.", min=1000)] = 10_000,
    seed: Annotated[int, typer.Option(help="Of the draws.", min=0)] = 0,
    jobs: Annotated[int | None, typer.Option(help="Bags at a time; the machine's cores if left out.", min=1)] = None,
    scheduler: Annotated[str | None, typer.Option(help="Dask scheduler that runs them, tcp://HOST:PORT.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare two runs, two models or two parameter files on the same bags: B minus A, with intervals.

    Runs whose bags or labels differ are refused. The exit code is 1 where a bag could be read in part only.
    """
    load("scipy")
    load("sklearn")
    sides = load("emotion_recognition.bags.sides")
    comparing = load("emotion_recognition.bags.comparing")
    try:
        kinds = [sides.kind_of(path) for path in (a, b)]
    except (OSError, ValueError) as problem:
        fail(str(problem))
    evaluated = [path for path, kind in zip((a, b), kinds, strict=True) if kind != "run"]
    if bool(evaluated) != bool(bags):
        fail(
            f"{evaluated[0]} is no saved run: give the bags to evaluate with it as --bags"
            if evaluated
            else "both are saved runs: --bags is for models and parameter files",
            EXIT_USAGE,
        )
    if scheduler and "model" in kinds:
        fail("--scheduler: the workers cannot see what is made of a sidecar; give parameter files that name the models")
    try:
        runs = [
            sides.load_run(path) if kind == "run" else _evaluate(path, bags or [], labels, jobs, scheduler)
            for path, kind in zip((a, b), kinds, strict=True)
        ]
        found = comparing.compare(
            *runs, stream=stream and stream.value, resample=resample.value, block_s=block, level=level,
            resamples=resamples, seed=seed,
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError) as problem:
        fail(str(problem))
    problems = list(dict.fromkeys(problem for run in runs for one in run for problem in one.problems))
    for problem in problems:
        say(problem)
    if json:
        print_json({"a": a.name, "b": b.name, **found.to_json(), "problems": problems})
    else:
        _print(found, a, b)
    if problems:
        raise typer.Exit(EXIT_FAILED)


def _evaluate(path: Path, bags: list[Path], labels: Path | None, jobs: int | None, scheduler: str | None) -> list[Any]:
    load("rosbags")
    evaluating = load("emotion_recognition.bags.evaluating")
    sides = load("emotion_recognition.bags.sides")
    with sides.parameter_file(path) as parameters, TrainingProgress() as progress:
        how = evaluating.Evaluation(labels=labels, parameters=parameters)
        return evaluating.evaluate_bags(bags, how, jobs, scheduler, progress)


def _print(found: Any, a: Path, b: Path) -> None:
    console = load("rich.console").Console(highlight=False)
    table = load("rich.table").Table(title=f"{found.stream} stream", title_justify="left")
    for name in ("", "A", "B", "B - A", f"{found.level:.0%} interval"):
        table.add_column(name, justify="left" if not name else "right")
    for one in found.differences:
        limits = "–" if one.interval is None else f"{one.interval[0]:+.3f} to {one.interval[1]:+.3f}"
        table.add_row(
            WORDS[one.measure], _text(one.a, ".3f"), _text(one.b, ".3f"), _text(one.difference, "+.3f"),
            limits + (" *" if one.is_clear else "  "),
        )  # fmt: skip
    say(f"A: {a}\nB: {b}")
    console.print(table)
    of = "bags" if found.resampled == "bags" else f"blocks of at least {found.block_s:g} s"
    lines = [f"* the interval leaves out 0; {found.resamples} draws from {found.units} {of}"]
    in_a, in_b, both = found.decisions
    if both:
        lines.append(f"decisions: A {in_a}, B {in_b}, {both} in both, {found.same:.1%} of these the same")
    else:
        lines.append(f"decisions: A {in_a}, B {in_b}, none at the same time about the same person")
    if test := found.mcnemar:
        lines.append(
            f"labelled stretches: {test.stretches} with decisions of both, {test.only_a} right in A only, "
            f"{test.only_b} in B only (McNemar, exact: p = {test.p:.3g})"
        )
    for line in (*lines, *found.notes):
        typer.echo(line)


def _text(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
