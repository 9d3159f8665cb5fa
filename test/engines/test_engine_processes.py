"""Engines in processes of their own: nothing is reported over the network, and they use the threads they are given."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from emotion_recognition.weights import FACE

COUNT = """
import os, sys
import numpy as np
from emotion_recognition.engines import load_metadata, load_network
network = load_network(load_metadata(sys.argv[1]), "backbone", sys.argv[2], int(sys.argv[3]))
for _ in range(3):
    network.run(np.zeros(network.input_shape[1:], np.float32)[None])
print(len(os.listdir("/proc/self/task")))
"""


def last_line(code, *words, **environment):
    variables = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=True,
        env={**variables, **environment},
    )  # fmt: skip
    return done.stdout.splitlines()[-1]


def test_the_library_that_reports_use_is_never_loaded(tmp_path):
    pytest.importorskip("openvino")
    (tmp_path / "openvino_telemetry").mkdir()
    (tmp_path / "openvino_telemetry" / "__init__.py").write_text("")
    asked = "; import sys; print('openvino_telemetry' in sys.modules, 'openvino' in sys.modules)"
    path = os.pathsep.join((str(tmp_path), os.environ.get("PYTHONPATH", ""), os.getcwd()))
    assert last_line("import openvino" + asked, PYTHONPATH=path) == "True True"
    engine = "import emotion_recognition.engines.openvino_engine"
    assert last_line(engine + asked, PYTHONPATH=path) == "False True"


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted in /proc")
@pytest.mark.parametrize("engine", ["onnxruntime", "ncnn", "openvino"])
def test_a_second_thread_is_one_more(engine):
    if not find_spec(engine):
        pytest.skip(f"{engine} is not installed")
    one, two = (int(last_line(COUNT, FACE, engine, threads)) for threads in (1, 2))
    assert two == one + 1
