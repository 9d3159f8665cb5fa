"""The five nodes start on a robot that has none of the training box's libraries."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

REFUSED = (
    "torch", "torchvision", "torchaudio", "librosa", "facenet_pytorch", "safetensors", "onnx", "av", "typer", "rich",
    "matplotlib", "scipy", "sklearn", "soundfile",
)  # fmt: skip
START = """
import importlib.abc, json, sys

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"refused {name}", name=name)

refused, given = json.loads(sys.argv[1]), json.loads(sys.argv[2])
sys.meta_path.insert(0, Refuse())
from rclpy.parameter import Parameter
from emotion_recognition.nodes.composed import PERCEPTION
from emotion_recognition.nodes.running import spin_nodes
from emotion_recognition.parameters import declarations

def maker(node):
    own = [Parameter(name, value=value) for name, value in given.items() if name in declarations(node.NAME)]
    return lambda: node(parameter_overrides=own)

active = []

def note(nodes):
    active[:] = [node.get_name() for node in nodes if node._state_machine.current_state[1] == "active"]
    return True

code = spin_nodes([maker(node) for node in PERCEPTION], [], until=note)
print(json.dumps([code, active]))
"""


def test_the_nodes_start_without_training_libraries(ros, model):
    given = json.dumps(model("face", "speech"))
    done = subprocess.run(
        [sys.executable, "-c", START, json.dumps(REFUSED), given], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = ["face_detector", "mfcc_extractor", "visual_classifier", "speech_classifier", "fusion"]
    assert json.loads(done.stdout.splitlines()[-1]) == [0, names], done.stderr
