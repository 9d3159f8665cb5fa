"""Fixtures of the tests that need ROS: each test has a bench of its own, in a namespace of its own."""

import os
from itertools import count

import pytest

# Read when the middleware starts, here and in the processes that tests start: own domain, this machine only.
os.environ["ROS_DOMAIN_ID"] = str(os.getpid() % 101 + 1)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ.setdefault("OMP_NUM_THREADS", "1")

_numbers = count(1)


@pytest.fixture(scope="session")
def ros():
    """ROS context of these tests, apart from the process's default one, which other tests take up and down."""
    rclpy = pytest.importorskip("rclpy", reason="needs ROS")
    from emotion_recognition.nodes.running import prepare_environment

    prepare_environment()
    context = rclpy.Context()
    rclpy.init(args=[], context=context)
    yield context
    context.try_shutdown()


@pytest.fixture
def bench(ros):
    """A :class:`harness.Bench` in a namespace of its own."""
    from harness import Bench

    made = Bench(ros, f"/test_{next(_numbers)}")
    yield made
    made.close()


@pytest.fixture(scope="session")
def model():
    """Function that returns parameters naming the shipped weights: ``face``, ``speech`` or ``paper_speech``."""
    from emotion_recognition.weights import FACE, PAPER_SPEECH, SPEECH

    shipped = {"face": FACE, "speech": SPEECH, "paper_speech": PAPER_SPEECH}
    return lambda *streams: {f"{stream.removeprefix('paper_')}_model": str(shipped[stream]) for stream in streams}


@pytest.fixture
def start(ros):
    """Function that starts an executable in a process, which is ended with the test."""
    from processes import Process

    started = []

    def make(name: str, *args: str):
        started.append(Process(name, *args))
        return started[-1]

    yield make
    for process in started:
        process.close()
