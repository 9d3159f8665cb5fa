"""SIGINT and SIGTERM end a process within two seconds with exit code 0, whatever state its nodes are in."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

from lifecycle_msgs.msg import State, Transition  # noqa: E402
from lifecycle_msgs.srv import ChangeState  # noqa: E402
from processes import NODES, ros_args  # noqa: E402
from std_srvs.srv import SetBool  # noqa: E402

from emotion_recognition.nodes.ending import GRACE_S  # noqa: E402

# Set by the issue this is for; everything else in these tests waits as long as it takes.
LIMIT_S = 2.0
MANAGED = ("-p", "autostart:=false")


def assert_ends(process, number: int, *marks: str) -> None:
    """Send a signal, twice as a launcher and a terminal do, and assert that the process ends in time and in order."""
    process.send(number)
    began = time.monotonic()
    process.send(number)
    assert process.ended(LIMIT_S) == 0, f"{process.name}: {process.output()}"
    assert time.monotonic() - began < LIMIT_S
    assert "Traceback" not in process.output() and "RTPS" not in process.output(), process.output()
    assert all(mark in process.output() for mark in marks), process.output()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_signals_end_processes_in_every_state(bench, start, model, tmp_path, number):
    weights = [word for name, path in model("face", "speech").items() for word in ("-p", f"{name}:={path}")]
    endless = tmp_path / "endless.json"
    os.mkfifo(endless)

    def begin(name: str, namespace: str, *args: str):
        return start(name, *ros_args(f"{bench.namespace}/{namespace}", *weights, *args))

    # All of them in one process, and some in processes of their own.
    alone = NODES[number == signal.SIGTERM :: 2]
    active = [begin(name, "active") for name in alone] + [begin("composed", "together")]
    unconfigured, inactive = begin("mfcc_extractor", "idle", *MANAGED), begin("face_detector", "idle", *MANAGED)
    off = begin("composed", "off")
    configuring = begin("speech_classifier", "idle", "-p", f"speech_model:={endless}")

    def reaches(name: str, state: int) -> None:
        full = f"{bench.namespace}/{name}"
        bench.until(lambda: bench.state(full) == state, f"{full} in state {state}", 60.0)

    for name in (*(f"active/{name}" for name in alone), "together/fusion", "off/fusion"):
        reaches(name, State.PRIMARY_STATE_ACTIVE)
    reaches("idle/mfcc_extractor", State.PRIMARY_STATE_UNCONFIGURED)
    configure = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
    bench.call(ChangeState, f"{bench.namespace}/idle/face_detector/change_state", configure, 5.0)
    reaches("idle/face_detector", State.PRIMARY_STATE_INACTIVE)
    assert bench.call(SetBool, f"{bench.namespace}/off/fusion/enable", SetBool.Request(data=False), 5.0).success

    def is_read() -> int:
        try:
            return os.open(endless, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return 0

    writer = bench.until(is_read, "the model is being read", 60.0)
    for process in (*active, unconfigured, inactive, off):
        assert_ends(process, number)
        assert "in the middle of its work" not in process.output()
    # Its model never comes.
    assert_ends(configuring, number, f"{signal.Signals(number).name}: ended in the middle of its work")
    os.close(writer)


HANGS = """
import sys, threading, time
from emotion_recognition.nodes.ending import EndOnSignal

with EndOnSignal() as ending:
    print("ready", flush=True)
    ending.stop.wait()
    print("told", flush=True)
    time.sleep(float(sys.argv[1]))
print("left", flush=True)
sys.exit(7)
"""


@pytest.mark.parametrize(("takes_s", "code", "said"), [(0.0, 7, "left"), (60.0, 0, "told")])
def test_a_process_is_ended_only_where_it_does_not_end_by_itself(takes_s, code, said):
    process = subprocess.Popen([sys.executable, "-c", HANGS, str(takes_s)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30.0) == code
    assert process.stdout.read().split()[-1] == said


def test_the_grace_leaves_time_to_end():
    assert 0.5 <= GRACE_S <= LIMIT_S - 0.5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("name", ["fusion", "composed"])
def test_signals_end_a_process_that_is_only_being_loaded(start, name, number):
    process = start(name)
    # Of all that it imports this comes early.
    while "numpy" not in Path(f"/proc/{process.pid}/maps").read_text():
        assert process.running, process.output()
        time.sleep(0.001)
    assert_ends(process, number)
