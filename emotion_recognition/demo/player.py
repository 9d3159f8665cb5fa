"""Plays a media file through the real nodes in a process of their own, and hears their topic ``emotion`` from outside.

ROS is imported when something is played, not with this module.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from emotion_recognition.demo.records import Heard
from emotion_recognition.processes import end_gently, stay_apart

QUEUE_DEPTH = 100
QUIET_S = 0.3  # the topic is empty when nothing has come for this long after the nodes have ended
DRAIN_S = 3.0
PATIENCE_S = 10.0  # for the nodes to end after an interrupt
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
TAIL_LINES = 15
_UNIMPORTANT = re.compile(r"^\[(INFO|DEBUG)\]")


@dataclass
class Played:
    """How a run ended: what was heard, the nodes' exit code, and the last of their log lines not passed on yet."""

    records: list[Heard] = field(default_factory=list)
    return_code: int = 0
    interrupted: bool = False
    untold: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))


def to_heard(message, received_ns: int) -> Heard:
    """Return a message (msg/Emotion) as a plain record."""
    return Heard(
        received_ns=received_ns,
        stamp_ns=_nanoseconds(message.header.stamp),
        window_start_ns=_nanoseconds(message.window_start),
        window_end_ns=_nanoseconds(message.window_end),
        person_id=message.person_id,
        status=message.status,
        label=message.label,
        confidence=float(message.confidence),
        probabilities=dict(zip(message.labels, map(float, message.probabilities), strict=True)),
        valence=float(message.valence),
        arousal=float(message.arousal),
        reasons=message.reasons,
    )


def _nanoseconds(stamp) -> int:
    return stamp.sec * 1_000_000_000 + stamp.nanosec


def play(
    media: str, on_record: Callable[[Heard], None], on_line: Callable[[str], None], ros_args: Sequence[str] = ()
) -> Played:
    """Play a media file through the nodes until it ends; an interrupt (Ctrl-C, SIGTERM) ends it early.

    The nodes begin to play once they see this process's subscription, so the first message is heard too.

    Args:
        media: path of the file.
        on_record: called with every message heard, in order.
        on_line: called with every line of the nodes' log that is not mere information; from another thread.
        ros_args: ROS arguments for the nodes, without ``--ros-args``.
    """
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from rclpy.signals import SignalHandlerOptions

    from emotion_recognition.msg import Emotion
    from emotion_recognition.nodes.running import prepare_environment

    stay_apart()
    prepare_environment()
    played = Played()
    interrupts: list[int] = []

    def hear(message: Emotion) -> None:
        record = to_heard(message, time.time_ns())
        played.records.append(record)
        on_record(record)

    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    # Noted, not raised: an exception in the middle of rclpy's work leaves it unfit to be taken down.
    handlers = {number: signal.signal(number, lambda got, _: interrupts.append(got)) for number in INTERRUPTS}
    node = rclpy.create_node("emotion_listener")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    child = reader = None
    try:
        node.create_subscription(
            Emotion, "emotion", hear, QoSProfile(depth=QUEUE_DEPTH, reliability=ReliabilityPolicy.RELIABLE)
        )
        child = _start([*bring_up(media), *(["--ros-args", *ros_args] if ros_args else [])])
        reader = threading.Thread(target=_read, args=(child, on_line, played), daemon=True)
        reader.start()
        while child.poll() is None and not interrupts:
            executor.spin_once(timeout_sec=0.1)
    finally:
        played.interrupted = bool(interrupts)
        if child is not None:
            # Another interrupt leaves the nodes less time.
            already = len(interrupts)
            played.return_code = end_gently(child, PATIENCE_S, lambda: len(interrupts) > already)
            # The middleware takes the nodes' leaving in, too, before this node is taken down.
            _drain(executor, played.records)
            reader.join(timeout=1.0)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        node.destroy_node()
        executor.shutdown()
        rclpy.try_shutdown()
    return played


def bring_up(media: str) -> list[str]:
    """Return the command that runs the nodes and the media source in one process."""
    return [
        sys.executable, "-m", "emotion_recognition.nodes.composed", "--media", media, "--wait-for-subscriber",
    ]  # fmt: skip


def _start(command: list[str]) -> subprocess.Popen:
    # A session of its own: Ctrl-C must reach the nodes once, through this process.
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", start_new_session=True,
    )  # fmt: skip


def _read(child: subprocess.Popen, on_line: Callable[[str], None], played: Played) -> None:
    for line in child.stdout:
        line = line.rstrip("\n")
        if line and not _UNIMPORTANT.match(line):
            on_line(line)
        else:
            played.untold.append(line)


def _drain(executor, records: list[Heard]) -> None:
    """Take what was published just before the nodes ended."""
    end = time.monotonic() + DRAIN_S
    quiet_since, count = time.monotonic(), len(records)
    while time.monotonic() < end and time.monotonic() - quiet_since < QUIET_S:
        executor.spin_once(timeout_sec=0.05)
        if len(records) != count:
            quiet_since, count = time.monotonic(), len(records)
