"""Processes of programs, and their domain."""

import os

import pytest
from children import READY, starter, wait_for

from emotion_recognition import processes
from emotion_recognition.processes import Process

STUBBORN = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + READY + "time.sleep(60)"
DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + STUBBORN


@pytest.fixture
def start():
    yield from starter(Process)


@pytest.mark.parametrize(("code", "expected"), [(STUBBORN, -15), (DEAF, -9)])
def test_one_that_ignores_a_signal_is_ended_by_the_next(start, monkeypatch, code, expected):
    monkeypatch.setattr(processes, "PATIENCE_S", 0.2)
    process = start(code)
    wait_for(process, "ready")
    assert process.end() == expected and not process.is_running


def test_haste_gives_the_next_signal_at_once(start):
    process = start(STUBBORN)
    wait_for(process, "ready")
    assert processes.end_gently(process._child, 1000.0, lambda: True) == -15


def test_the_exit_code_of_one_that_ended_by_itself(start):
    process = start("raise SystemExit('a reason')")
    while process.is_running:
        pass
    assert process.end() == 1 and process.output() == "a reason\n"


def test_runs_are_kept_apart_unless_the_user_says_where(monkeypatch):
    for name in processes.own_domain():
        monkeypatch.delenv(name, raising=False)
    processes.stay_apart()
    assert 1 <= int(os.environ["ROS_DOMAIN_ID"]) <= 101
    assert os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"
    monkeypatch.setenv("ROS_DOMAIN_ID", "7")
    processes.stay_apart()
    assert os.environ["ROS_DOMAIN_ID"] == "7"
