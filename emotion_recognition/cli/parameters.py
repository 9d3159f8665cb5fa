"""Command ``parameters``: every parameter of every node, as declared."""

from __future__ import annotations

import dataclasses
from enum import Enum
from typing import Annotated

import typer

from emotion_recognition.cli.output import load, print_json


class Format(str, Enum):
    """How the parameters are printed."""

    markdown = "markdown"
    yaml = "yaml"


def parameters(
    format: Annotated[Format, typer.Option(help="A table for people, or a ROS parameter file.")] = Format.markdown,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object, by parameter name.")] = False,
) -> None:
    """Print every parameter with its default, limits and meaning."""
    found = load("emotion_recognition.parameters")
    if json:
        declared = found.all_declarations()
        print_json({name: dataclasses.asdict(declaration) for name, declaration in declared.items()})
    else:
        text = found.parameter_file() if format is Format.yaml else found.markdown_table()
        typer.echo(text, nl=False)
