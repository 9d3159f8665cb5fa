"""Command ``roofline``: what boards could do at most with the models."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from emotion_recognition.cli.output import EXIT_USAGE, fail, load, print_json, say
from emotion_recognition.roofline import PAPER_BOARDS, Count, measuring, parse_board, to_json, workloads


def roofline(
    board: Annotated[
        list[str] | None,
        typer.Option(help="A further board, NAME=GFLOPS,GBS: its peak and its memory's; may be repeated."),
    ] = None,
    measure: Annotated[bool, typer.Option("--measure", help="Measure this machine, too, on one thread.")] = False,
    count: Annotated[
        Count, typer.Option(help="A multiply-accumulate is two operations, or one as the paper counts.")
    ] = Count.flop,
    picture: Annotated[Path | None, typer.Option(help="Write the roofline as a picture (PNG).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print tables in markdown.")] = False,
) -> None:
    """Print the models' parameters, operations and bytes, and what the paper's boards could do at most with them."""
    if json and markdown:
        fail("--json and --markdown: expected one of them", EXIT_USAGE)
    if picture is not None:
        if not picture.resolve().parent.is_dir():
            fail(f"--picture {picture}: the folder {picture.resolve().parent} does not exist", EXIT_USAGE)
        load("matplotlib.figure")
    boards = list(PAPER_BOARDS)
    for text in board or ():
        try:
            boards.append(parse_board(text))
        except ValueError as problem:
            fail(f"--board: {problem}", EXIT_USAGE)
    names = [one.name for one in boards] + [measuring.NAME] * measure
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        fail(f"--board: there are two boards {twice!r}; expected a name of its own for each", EXIT_USAGE)
    try:
        works = workloads()
    except (OSError, ValueError) as problem:
        fail(str(problem))
    measured = _measure() if measure else None
    if measured:
        boards.append(measured.board)
    if picture is not None:
        try:
            load("emotion_recognition.roofline.picture").draw(picture, boards, works, count)
        except OSError as problem:
            fail(f"--picture {picture}: {problem}")
        say(f"picture: {picture}")
    if json:
        of_measuring = dataclasses.asdict(measured) if measured else None
        print_json({**to_json(boards, works, count), "measured": of_measuring})
    elif markdown:
        typer.echo(load("emotion_recognition.roofline.tables").markdown(boards, works, count))
    else:
        _print_tables(boards, works, count)


def _measure():
    load("numpy")
    try:
        measured = measuring.measure()
    except RuntimeError as problem:
        fail(f"--measure: {problem}")
    say(measured.words)
    if measured.cpu_share < measuring.LEAST_CPU_SHARE:
        say(f"this machine is busy: the measurement had the processor {measured.cpu_share:.0%} of the time")
    return measured


def _print_tables(boards, works, count) -> None:
    tables = load("emotion_recognition.roofline.tables")
    console = load("rich.console").Console(highlight=False)
    make, box = load("rich.table").Table, load("rich.box").SIMPLE

    def show(title: str, header: list[str], rows: list[list[str]]) -> None:
        console.print(title, markup=False, style="bold", soft_wrap=True)
        table = make(box=box, pad_edge=False, padding=0)
        for number, words in enumerate(header):
            longest = max(map(len, words.split()))
            table.add_column(words, justify="right" if number else "left", no_wrap=not number, min_width=longest)
        for row in rows:
            table.add_row(*row)
        console.print(table)

    for title, part in tables.pairs(works).items():
        show(title, tables.WORKS, tables.works_rows(part, count))
    for note in tables.notes(count):
        console.print(note, markup=False, soft_wrap=True)
    header = tables.bounds_header(works)
    for one in boards:
        console.print()
        show(f"{one.name}: {tables.board_words(one)}", header, tables.bounds_rows(one, works, count))
