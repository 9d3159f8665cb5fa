"""Child processes of tests: small programs that say when they are ready."""

import sys
from collections.abc import Iterator

import pytest

READY = "print('ready', flush=True)\n"


def starter(kind: type) -> Iterator:
    """Yield a function that runs code as a process of a kind; all are ended when the generator goes on."""
    started = []

    def start(code: str):
        started.append(kind("child", [sys.executable, "-c", code]))
        return started[-1]

    yield start
    for process in started:
        process.close()


def wait_for(process, words: str) -> None:
    """Wait until a process has said so; fail where it ends before."""
    while words not in process.output():
        if not process.is_running:
            pytest.fail(process.output())
