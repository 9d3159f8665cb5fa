"""One node of five processes killed, or hung: the others go on and say so, and soon all is as before.

The machine's own time: how long it takes until the fault is told is not judged here (test_faults.py does, in simulated
time), how long until the stream is whole again is.
"""

import signal
import time

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS")
pytest.importorskip("av", reason="the recording is read with PyAV")

import messages as make  # noqa: E402
from audio_common_msgs.msg import AudioDataStamped, AudioInfo  # noqa: E402
from emotion_recognition.msg import Emotion  # noqa: E402
from harness import Bench  # noqa: E402
from PIL import Image as Picture  # noqa: E402
from processes import NODES, Process, ros_args  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile  # noqa: E402
from real_recording import recording_parts  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from emotion_recognition.estimates import Reason, Status  # noqa: E402
from emotion_recognition.reliability import Judge  # noqa: E402
from emotion_recognition.reliability.faults import NODE_FAULTS  # noqa: E402

SECOND = 1_000_000_000
RATE = 16000
CHUNK_NS = FRAME_NS = SECOND // 10
WATCH_S, SILENT_S = 0.6, 1.2  # the second is longer than idle_period
WHOLE = (Status.BOTH, Reason.NONE)
# Depends on the confidence, and on when the middleware misses a process.
APART = Reason.ABSTAINED | Reason.MODEL_MISSING


class Robot:
    """Five processes before a camera and a microphone that work, heard from outside."""

    def __init__(self, bench: Bench):
        self.bench = bench
        picture, self._voice = recording_parts()
        size = (picture.shape[1] * 6 // 10, picture.shape[0] * 6 // 10)
        self._picture = np.asarray(Picture.fromarray(picture).resize(size))
        self._arguments = ros_args(bench.namespace)
        self.processes = {name: Process(name, *self._arguments) for name in NODES}
        self.judge = Judge(longest_window_s=4.0)
        self.heard: list[tuple[float, Emotion]] = []
        node = bench.node
        node.create_subscription(Emotion, "emotion", self._hear, 1000)
        self._images = node.create_publisher(Image, "image", 10)
        self._sound = node.create_publisher(AudioDataStamped, "audio_stamped", 100)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._info = node.create_publisher(AudioInfo, "audio_info", latched)
        self._info.publish(make.audio_info())
        self._next_sound = self._next_frame = bench.now_ns()
        node.create_timer(0.05, self._sense)

    def _sense(self) -> None:
        now_ns = self.bench.now_ns()
        if now_ns >= self._next_frame:
            self._next_frame = now_ns + FRAME_NS
            rgb = self._picture.copy()
            rgb[0, 0] = now_ns // FRAME_NS % 256
            self.judge.sent(make.CAMERA, now_ns)
            self._images.publish(make.image(rgb, now_ns))
        while self._next_sound + CHUNK_NS <= now_ns:
            first_ns, self._next_sound = self._next_sound, self._next_sound + CHUNK_NS
            first = first_ns * RATE // SECOND
            samples = self._voice[np.arange(first, first + RATE * CHUNK_NS // SECOND) % len(self._voice)]
            self.judge.sent(make.MICROPHONE, first_ns)
            self._sound.publish(make.audio(samples, first_ns))

    def _hear(self, message: Emotion) -> None:
        self.heard.append((time.monotonic(), message))
        problems = self.judge.hear("emotion", message)
        assert not problems, problems

    def said(self, since: float) -> list[tuple[Status, Reason]]:
        """Return what was heard since a monotonic time."""
        return [(Status(message.status), Reason(message.reasons) & ~APART) for at, message in self.heard if at >= since]

    def watch(self, seconds: float) -> list[tuple[Status, Reason]]:
        """Let time pass and return what was said in it."""
        began = time.monotonic()
        self.bench.until(lambda: time.monotonic() >= began + seconds, "time passes")
        return self.said(began)

    def until_said(self, wanted, since: float, what: str, deadline_s: float = 30.0) -> float:
        """Wait until something is said, and return how long after a monotonic time it was heard first, in seconds."""
        self.bench.until(lambda: wanted in self.said(since), what, deadline_s)
        said = ((at, (one.status, Reason(one.reasons) & ~APART)) for at, one in self.heard if at >= since)
        return next(at for at, one in said if one == wanted) - since

    def start(self, name: str) -> None:
        """Start a node that has ended again."""
        self.processes[name].close()
        self.processes[name] = Process(name, *self._arguments)

    def close(self) -> None:
        for process in self.processes.values():
            process.close()


@pytest.fixture(scope="module")
def robot(ros):
    """All processes at work."""
    bench = Bench(ros, "/crashes")
    made = Robot(bench)
    try:
        made.until_said(WHOLE, time.monotonic(), "face and voice are fused", 60.0)
        yield made
    finally:
        made.close()
        bench.close()


def stop_by_kill(robot, name):
    robot.processes[name].send(signal.SIGKILL)
    robot.processes[name].ended()
    return robot.start


def stop_by_hanging(robot, name):
    robot.processes[name].send(signal.SIGSTOP)
    return lambda again: robot.processes[again].send(signal.SIGCONT)


@pytest.mark.parametrize("stop", [stop_by_hanging, stop_by_kill], ids=["hung", "killed"])
@pytest.mark.parametrize("fault", NODE_FAULTS, ids=lambda fault: fault.name)
def test_the_others_go_on_and_the_stream_is_whole_again_soon(robot, fault, stop):
    began = time.monotonic()
    go_on = stop(robot, fault.name)
    if fault.said is None:
        robot.watch(0.3)
        assert robot.watch(SILENT_S) == []
    else:
        robot.until_said(fault.said, began, f"without {fault.name}")
        assert set(robot.watch(WATCH_S)) == {fault.said}
        assert Status.NEITHER not in {status for status, _ in robot.said(began)}
    before = [process.pid for name, process in robot.processes.items() if name != fault.name]
    assert all(process.running for name, process in robot.processes.items() if name != fault.name)
    again = time.monotonic()
    go_on(fault.name)
    took_s = robot.until_said(WHOLE, again, "face and voice are fused again")
    assert took_s <= fault.again_s
    assert before == [process.pid for name, process in robot.processes.items() if name != fault.name]
    # It stays whole.
    robot.until_said(WHOLE, time.monotonic() + 0.2, "face and voice are still fused")


def test_nothing_unexpected_was_caught_in_any_process(robot):
    for name, process in robot.processes.items():
        assert process.running
        assert "unexpected" not in process.output() and "Traceback" not in process.output(), (name, process.output())
