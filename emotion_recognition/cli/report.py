"""Command ``report``: the project's figures from its run records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emotion_recognition.cli.output import EXIT_USAGE, fail, load, print_json, say


def report(
    runs: Annotated[
        Path | None, typer.Option(help="Folder of run records; those of this package if left out.", file_okay=False)
    ] = None,
    write: Annotated[
        Path | None, typer.Option(help="A markdown file whose accuracy table is brought up to date, e.g. README.md.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print accuracy, the paper's Tables III and IV and the conditions of P5, from run records."""
    load("sklearn.metrics")
    evaluation = load("emotion_recognition.evaluation.report")
    tables = load("emotion_recognition.evaluation.tables")
    try:
        found = evaluation.Runs.load(runs or evaluation.RUNS)
        figures = found.to_json()
    except (OSError, ValueError) as problem:
        fail(str(problem))
    if write is not None:
        try:
            changed = tables.write_between_markers(write, tables.accuracy_table(found))
        except (OSError, ValueError) as problem:
            fail(str(problem), EXIT_USAGE)
        say(f"{write}: {'written' if changed else 'already up to date'}")
    if json:
        print_json(figures)
    else:
        typer.echo(tables.full_report(found))
