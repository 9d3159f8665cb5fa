"""Threads of numpy in the console command."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("typer")

NAMES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
# What the command's entry point imports, in its order.
SCRIPT = """
import json, os, sys
import emotion_recognition.cli
early = "numpy" in sys.modules
import emotion_recognition.cli.main
import numpy
numpy.ones((600, 600)) @ numpy.ones((600, 600))
print(json.dumps([early, os.environ["OPENBLAS_NUM_THREADS"], len(os.listdir("/proc/self/task"))]))
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted in /proc")
@pytest.mark.parametrize("given", ["", "2"])
def test_numpy_has_one_thread_unless_the_user_says_so(given):
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    environment |= {"OPENBLAS_NUM_THREADS": given} if given else {}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, env=environment, check=True)
    early, threads, running = json.loads(done.stdout)
    assert not early
    # OpenBLAS starts no more threads than there are cores.
    assert (threads, running) == (given or "1", min(int(given or 1), os.cpu_count()))
