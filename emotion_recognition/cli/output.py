"""What the commands share: one JSON object or plain lines on stdout, everything else on stderr, exit codes."""

from __future__ import annotations

import importlib
import json
from types import ModuleType
from typing import Any, NoReturn

import typer

EXIT_FAILED, EXIT_USAGE = 1, 2
# Which requirements file brings what a command needs.
REQUIREMENTS = {
    "torch": "requirements/train.txt",
    "torchvision": "requirements/train.txt",
    "torchaudio": "requirements/train.txt",
    "librosa": "requirements/train.txt",
    "soundfile": "requirements/train.txt",
    "safetensors": "requirements/train.txt",
    "sklearn": "requirements/train.txt",
    "joblib": "requirements/train.txt",
    "dask": "requirements/train.txt",
    "distributed": "requirements/train.txt",
    "scipy": "requirements/train.txt",
    "onnx": "requirements/train.txt",
    "psutil": "requirements/train.txt",
    "pnnx": "requirements/train.txt",
    "rosbags": "requirements/bags.txt",
    "mcap": "requirements/bags.txt",
    "ncnn": "requirements/engines.txt",
    "openvino": "requirements/engines.txt",
    "jinja2": "requirements/bags.txt",
    "av": "requirements/demo.txt",
    "matplotlib": "requirements/demo.txt",
    "rich": "requirements/demo.txt",
    "numpy": "requirements/robot.txt",
    "onnxruntime": "requirements/robot.txt",
    "PIL": "requirements/robot.txt",
    "soxr": "requirements/robot.txt",
    "yaml": "requirements/robot.txt",
}
ROS_HINT = (
    "ROS 2 with this package's messages is not in this environment: run `make setup`, or source your ROS workspace"
)


def say(text: str) -> None:
    """Print a line for people: to stderr."""
    typer.echo(text, err=True)


def fail(text: str, code: int = EXIT_FAILED) -> NoReturn:
    """Print an error to stderr and end the command with an exit code."""
    say(f"error: {text}")
    raise typer.Exit(code)


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object to stdout; not-a-number is refused, as JSON has none."""
    typer.echo(json.dumps(value, allow_nan=False))


def named_parts(given: list[str]) -> dict[str, str]:
    """Return the names of topics by part from words ``PART=NAME``; another word ends the command."""
    parts = {}
    for text in given:
        part, separator, name = text.partition("=")
        if not separator:
            fail(f"--topic {text}: expected PART=NAME, for example image=/head_camera/image_raw", EXIT_USAGE)
        parts[part.strip()] = name.strip()
    return parts


def load(module: str) -> ModuleType:
    """Import one of this package's modules when a command needs it.

    A library that is not installed ends the command with a line that names the requirements file that brings it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as problem:
        missing = (problem.name or "").split(".")[0]
        if missing in REQUIREMENTS:
            fail(f"this command needs {missing}; install it with: pip install -r {REQUIREMENTS[missing]}")
        if problem.name in ("emotion_recognition.msg", "rclpy", "ament_index_python", "audio_common_msgs"):
            fail(ROS_HINT)
        raise
