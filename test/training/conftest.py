"""Small made data sets, a cache, and a Dask cluster of real processes."""

import os
import subprocess
import sys
import time

import pytest

START_S = 60


@pytest.fixture(scope="module")
def ravdess(tmp_path_factory):
    import made_corpora

    return made_corpora.make_ravdess_speech(tmp_path_factory.mktemp("ravdess"), [1, 5], repetitions=(1,))


@pytest.fixture(scope="module")
def cremad(tmp_path_factory):
    import made_corpora

    return made_corpora.make_cremad(tmp_path_factory.mktemp("cremad"), [1001, 1003], video=True)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def importable():
    """Let worker processes import what the tests import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        yield


def start(log, marker, *words):
    """Start one of Dask's commands and return it and the line of its log that holds a marker."""
    with open(log, "w") as stream:
        process = subprocess.Popen([sys.executable, "-m", *words], stdout=stream, stderr=stream)
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        found = [line for line in log.read_text().splitlines() if marker in line]
        if found:
            return process, found[0]
        time.sleep(0.05)
    process.kill()
    process.wait()
    raise AssertionError(f"{words} did not say {marker!r}: {log.read_text()}")


@pytest.fixture(scope="module")
def cluster(importable, tmp_path_factory):
    """Start a Dask scheduler and two workers of one thread as processes on the loopback interface."""
    pytest.importorskip("distributed")
    folder = tmp_path_factory.mktemp("dask")
    scheduler = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    process, line = start(folder / "scheduler.log", "Scheduler at:", *scheduler)
    processes, address = [process], "tcp://" + line.split("tcp://")[1].strip()
    try:
        for name in ("one", "two"):
            worker = ["distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
            worker += ["--name", name, "--local-directory", str(folder)]
            processes.append(start(folder / f"{name}.log", "Registered to", *worker)[0])
        yield address
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()
