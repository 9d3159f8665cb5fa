"""Command ``demo``: play a recording through the nodes, show what they publish, draw the timeline."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import typer

from emotion_recognition.cli.output import EXIT_USAGE, fail, load, print_json, say
from emotion_recognition.demo import RECORDING

PICTURE = Path("demo_timeline.png")


def demo(
    media: Annotated[
        Path | None,
        typer.Argument(help="Media file to play, e.g. mp4, mkv, wav or flac; the bundled recording if left out."),
    ] = None,
    output: Annotated[Path, typer.Option(help="The timeline picture (PNG) to write.")] = PICTURE,
    params_file: Annotated[Path | None, typer.Option(help="ROS parameter file, e.g. to use other models.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object with every message heard.")] = False,
) -> None:
    """Play a recording through the real nodes and show the emotions that they publish."""
    path = media or RECORDING
    output = output.resolve()
    if not output.parent.is_dir():
        fail(f"{output}: the folder {output.parent} does not exist")
    if params_file is not None and not params_file.is_file():
        fail(f"--params-file {params_file}: no such file", EXIT_USAGE)
    _check(path)
    ros_args = ["--params-file", str(params_file.resolve())] if params_file else []
    player = load("emotion_recognition.demo.player")
    records = load("emotion_recognition.demo.records")
    timeline = load("emotion_recognition.demo.timeline")
    console = load("rich.console").Console(stderr=json)
    say(f"starting the nodes to play {path.name}")
    with load("emotion_recognition.demo.display").Display(console, path.name) as display:
        played = player.play(str(path.resolve()), display.update, display.note, ros_args)
    if played.return_code and not played.interrupted:
        for line in played.untold:
            say(line)
        fail(f"{path}: the nodes ended with exit code {played.return_code}")
    if not played.records and not played.interrupted:
        fail(f"{path}: the nodes played it, but nothing was heard on the topic emotion")
    timeline.draw(played.records, output, path.name)
    if json:
        heard = [dataclasses.asdict(record) for record in played.records]
        print_json({"media": str(path), "picture": str(output), **records.counts(played.records), "records": heard})
        return
    typer.echo(f"timeline: {output}")
    typer.echo(records.summary(played.records))
    sys.stdout.flush()


def _check(path: Path) -> None:
    """End the command before anything is started if the file cannot be played."""
    media = load("emotion_recognition.sensors.media")
    try:
        with media.MediaSource(path):
            pass
    except media.MediaError as problem:
        fail(str(problem))
