"""Command ``run``: become the process that runs all nodes, the bring-up where the launch library is missing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from emotion_recognition.cli.output import EXIT_USAGE, fail, load

CONTEXT = {"allow_extra_args": True}


def command(
    media: Path | None, camera: str | None, microphone: str | None, params_file: Path | None, namespace: str | None,
    ros_args: list[str],
) -> list[str]:  # fmt: skip
    """Return the command line of the bring-up process."""
    words = [sys.executable, "-m", "emotion_recognition.nodes.composed"]
    for option, value in (("--media", media), ("--camera", camera), ("--microphone", microphone)):
        if value is not None:
            words += [option, str(value)]
    own = ["--params-file", str(params_file)] if params_file else []
    own += ["-r", f"__ns:=/{namespace.strip('/')}"] if namespace and namespace.strip("/") else []
    given = ros_args[1:] if ros_args[:1] == ["--ros-args"] else ros_args
    return [*words, "--ros-args", *own, *given] if own or given else words


def run(
    context: typer.Context,
    media: Annotated[Path | None, typer.Option(help="Media file to play; the process ends with it.")] = None,
    camera: Annotated[str | None, typer.Option(help="Camera device, e.g. /dev/video0.")] = None,
    microphone: Annotated[str | None, typer.Option(help="ALSA microphone, e.g. default.")] = None,
    params_file: Annotated[Path | None, typer.Option(help="ROS parameter file.")] = None,
    namespace: Annotated[str | None, typer.Option(help="ROS namespace of every node.")] = None,
) -> None:
    """Run the five nodes in one process; ROS arguments may follow after --.

    Without --media, --camera and --microphone the nodes listen to the topics that the robot's drivers publish.
    """
    if media is not None and (camera is not None or microphone is not None):
        fail("--media and --camera or --microphone exclude each other: choose a file or devices", EXIT_USAGE)
    if params_file is not None and not params_file.is_file():
        fail(f"--params-file {params_file}: no such file", EXIT_USAGE)
    load("emotion_recognition.nodes.running")
    words = command(media, camera, microphone, params_file, namespace, list(context.args))
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(words[0], words)
