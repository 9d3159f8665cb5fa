"""Command ``run``: become the process that runs all nodes, the bring-up where the launch library is missing."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from emotion_recognition.cli.output import EXIT_USAGE, fail, load

CONTEXT = {"allow_extra_args": True}
NO_BOARD = "none"


def command(
    media: Path | None, camera: str | None, microphone: str | None, params_files: list[Path], namespace: str | None,
    ros_args: list[str],
) -> list[str]:  # fmt: skip
    """Return the command line of the bring-up process; of the parameter files a later one wins."""
    words = [sys.executable, "-m", "emotion_recognition.nodes.composed"]
    for option, value in (("--media", media), ("--camera", camera), ("--microphone", microphone)):
        if value is not None:
            words += [option, str(value)]
    own = [word for file in params_files for word in ("--params-file", str(file))]
    own += ["-r", f"__ns:=/{namespace.strip('/')}"] if namespace and namespace.strip("/") else []
    given = ros_args[1:] if ros_args[:1] == ["--ros-args"] else ros_args
    return [*words, "--ros-args", *own, *given] if own or given else words


def _profile(board: str) -> Path | None:
    if board in ("", NO_BOARD):
        return None
    load("emotion_recognition.nodes.running").prepare_environment()
    try:
        return load("emotion_recognition.nodes.boards").board_file(board)
    except ValueError as error:
        fail(f"--board: {error}", EXIT_USAGE)


def run(
    context: typer.Context,
    media: Annotated[Path | None, typer.Option(help="Media file to play; the process ends with it.")] = None,
    camera: Annotated[str | None, typer.Option(help="Camera device, e.g. /dev/video0.")] = None,
    microphone: Annotated[str | None, typer.Option(help="ALSA microphone, e.g. default.")] = None,
    params_file: Annotated[Path | None, typer.Option(help="ROS parameter file.")] = None,
    board: Annotated[str, typer.Option(help="Profile of a board, for example rpi5; --params-file wins.")] = NO_BOARD,
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
    files = [file for file in (_profile(board), params_file) if file]
    words = command(media, camera, microphone, files, namespace, list(context.args))
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(words[0], words)
