"""Command ``record``: what is needed of a robot to judge it later."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Annotated

import typer

from emotion_recognition.cli.make_bag import Storage
from emotion_recognition.cli.output import EXIT_FAILED, EXIT_USAGE, fail, load, named_parts, say


def record(
    output: Annotated[Path, typer.Option(help="Folder of the new bag.")],
    raw: Annotated[bool, typer.Option("--raw", help="image instead of image/compressed.")] = False,
    emotions: Annotated[bool, typer.Option(help="The decisions of the nodes, too, which makes the nodes work.")] = True,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            help="PART=NAME, where the robot's topic has another name: image, compressed, audio, audio_info, fused, "
            "face, speech. An empty name leaves the part out. May be repeated."
        ),
    ] = None,
    namespace: Annotated[str, typer.Option(help="ROS namespace of the nodes.")] = "",
    storage: Annotated[Storage, typer.Option(help="Of the bag.")] = Storage.mcap,
    duration: Annotated[float | None, typer.Option(help="Seconds; until Ctrl-C if left out.", min=0.1)] = None,
    only_settings: Annotated[
        bool, typer.Option("--only-settings", help="Write the file of settings, print the command, record nothing.")
    ] = False,
) -> None:
    """Record camera, microphone and emotions with ros2 bag, or where that is not installed by itself.

    Quality of service for ros2 bag is written to record_qos.yaml beside the bag.
    """
    recording = load("emotion_recognition.bags.recording")
    try:
        topics = recording.topics_to_record(named_parts(topic or []), namespace, not raw, emotions)
    except ValueError as problem:
        fail(str(problem), EXIT_USAGE)
    if output.exists():
        fail(f"{output} exists already: name another folder")
    settings = output.parent / recording.QOS_FILE
    words = recording.ros2_command(output, topics, settings, storage.value)
    with_ros2 = recording.has_ros2_bag()
    if with_ros2 or only_settings:
        output.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(recording.qos_overrides(topics), encoding="utf-8")
        typer.echo(" ".join(words))
    if only_settings:
        return
    say(f"recording {', '.join(one.name for one in topics)} to {output}")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    if with_ros2:
        raise typer.Exit(_run(words, stop, duration))
    end = None if duration is None else time.monotonic() + duration
    try:
        counts = recording.record(
            output, topics, storage.value, lambda: stop.is_set() or (end is not None and time.monotonic() >= end)
        )
    except (OSError, ValueError, RuntimeError) as problem:
        fail(str(problem))
    for name, count in counts.items():
        typer.echo(f"{name}: {count} messages")
    if not any(counts.values()):
        fail("nothing was published on any of these topics", EXIT_FAILED)


def _run(words: list[str], stop: threading.Event, duration: float | None) -> int:
    """Run ros2 bag until it ends, the time is over or a signal comes; return its exit code."""
    child = subprocess.Popen(words, start_new_session=True)
    end = None if duration is None else time.monotonic() + duration
    while child.poll() is None:
        if stop.wait(0.1) or (end is not None and time.monotonic() >= end):
            child.send_signal(signal.SIGINT)
            return child.wait()
    return child.returncode
