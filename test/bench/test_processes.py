import sys

import pytest

from emotion_recognition.bench import processes
from emotion_recognition.bench.processes import Process

READY = "print('ready', flush=True)\n"
BUSY = READY + "import time\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\ntime.sleep(60)"
STUBBORN = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + READY + "time.sleep(60)"
MEMORY = "import time\nheld = bytearray(b'x') * (64 << 20)\n" + READY + "time.sleep(60)"


@pytest.fixture
def start():
    started = []

    def make(code):
        started.append(Process("child", [sys.executable, "-c", code]))
        return started[-1]

    yield make
    for process in started:
        process.close()


def wait_for(process, words):
    while words not in process.output():
        assert process.is_running, process.output()


def test_processor_time_is_that_of_the_child(start):
    process = start(BUSY)
    wait_for(process, "done")
    assert 0.28 <= process.cpu_s() < 3


def test_memory_is_that_of_the_child(start):
    process = start(MEMORY)
    wait_for(process, "ready")
    rss, pss = process.rss_mib(), process.pss_mib()
    assert 64 < pss <= rss < 200


def test_one_that_ignores_an_interrupt_is_ended_by_the_next_signal(start, monkeypatch):
    monkeypatch.setattr(processes, "PATIENCE_S", 0.2)
    process = start(STUBBORN)
    wait_for(process, "ready")
    assert process.end() == -15 and not process.is_running


def test_the_exit_code_of_one_that_ended_by_itself(start):
    process = start("raise SystemExit('a reason')")
    while process.is_running:
        pass
    assert process.end() == 1 and process.output() == "a reason\n"
