"""Command ``export``: a model's files for one engine."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from emotion_recognition.cli.output import EXIT_USAGE, fail, load, print_json
from emotion_recognition.weights import SHIPPED


class Engine(str, Enum):
    """Who runs the files."""

    onnxruntime = "onnxruntime"
    torch = "torch"
    ncnn = "ncnn"
    openvino = "openvino"


def export(
    engine: Annotated[
        Engine,
        typer.Option(help="onnxruntime and openvino: ONNX files; ncnn: .ncnn.param and .ncnn.bin; torch: safetensors."),
    ],
    model: Annotated[str, typer.Option(help=f"The model's .json file, or a shipped one: {', '.join(SHIPPED)}.")],
    output: Annotated[
        Path, typer.Option(help="Folder for the whole model; it may be the model's own.", file_okay=False)
    ],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write a model with the files of one engine made anew, unless the engine differs from torch by more than 1e-4."""
    sidecar = SHIPPED.get(model) or Path(model)
    if not sidecar.is_file():
        fail(f"--model {model}: no such file, and none of the shipped models ({', '.join(SHIPPED)})", EXIT_USAGE)
    exporting = load("emotion_recognition.engines.export")
    load(f"emotion_recognition.engines.{engine.value}_engine")
    if engine is Engine.ncnn:
        load("emotion_recognition.engines.ncnn_export")
    try:
        metadata = load("emotion_recognition.engines").load_metadata(sidecar)
        written, differences = exporting.export_engine(metadata, engine.value, output)
    except (OSError, ValueError) as problem:
        fail(str(problem))
    if json:
        print_json({"model": str(written), "engine": engine.value, "difference": differences})
        return
    for part, difference in differences.items():
        typer.echo(f"{part}: {engine.value} differs from torch by {difference:.1e} at most")
    typer.echo(f"model: {written}")
