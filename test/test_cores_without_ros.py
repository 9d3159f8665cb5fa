"""All but the nodes works where there is no ROS, and what runs on a robot needs no library of the training box."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "emotion_recognition"
# What parts of the package need that a robot does not have.
OPTIONAL = (
    "torch", "torchvision", "torchaudio", "librosa", "facenet_pytorch", "safetensors", "onnx", "onnxscript", "av",
    "typer", "rich", "matplotlib", "scipy", "sklearn", "soundfile", "numba", "skimage", "psutil",
    "rosbags", "mcap", "apsw", "backports", "zstandard", "jinja2",
)  # fmt: skip

BLOCK = """
import importlib.abc, json, sys

class Refuse(importlib.abc.MetaPathFinder):
    def __init__(self, names, ros):
        self.names, self.ros = set(names), ros

    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        is_ros = top in ("rclpy", "builtin_interfaces", "rcl_interfaces") or top.endswith("_msgs")
        if top in self.names or (self.ros and is_ros) or (self.ros and name == "emotion_recognition.msg"):
            raise ModuleNotFoundError(f"refused {name}", name=name)
"""

IMPORT_ALL = """
import importlib
sys.meta_path.insert(0, Refuse(json.loads(sys.argv[2]), ros=True))
failed = {}
for name in json.loads(sys.argv[1]):
    try:
        importlib.import_module(name)
    except ImportError as error:
        failed[name] = [error.name, str(error)]
print(json.dumps(failed))
"""

RUN_CORES = """
sys.meta_path.insert(0, Refuse(json.loads(sys.argv[2]), ros=True))
import numpy as np
from emotion_recognition.audio import AudioPipeline
from emotion_recognition.classifiers import SpeechClassifier, VisualClassifier
from emotion_recognition.engines import load_metadata
from emotion_recognition.estimates import Modality, Status
from emotion_recognition.faces import FacePipeline, Tracker, create_detector
from emotion_recognition.fusion import Fusion, Smoother, decide
from emotion_recognition.sensors.images import decode_image
from emotion_recognition.sensors.pcm import decode_pcm
from emotion_recognition.stamps import StampGuard
from emotion_recognition.weights import FACE, SPEECH

rng = np.random.default_rng(0)
noise = rng.integers(0, 255, (120, 160, 3), np.uint8)
rgb = decode_image("rgb8", 160, 120, 480, noise.tobytes())
assert FacePipeline(create_detector("onnx", 60), Tracker(), 0.0).process(rgb, 10) == []
sound = decode_pcm(rng.normal(0, 3000, 48000).astype("<i2").tobytes(), "S16LE", 1)
windows = AudioPipeline().push(sound, 16000, 10**18, 10**18)
assert StampGuard().check(10**18, 10**18).accepted
fusion, smoother, published = Fusion(), Smoother(), []
fields = dict(stamp_ns=10**18, window_start_ns=10**18, window_end_ns=10**18)
if FACE.is_file():
    found = VisualClassifier(load_metadata(FACE)).update(1, rng.integers(0, 255, (224, 224, 3), np.uint8), 10**18)
    face = decide(found.probabilities, found.class_ids, modality=Modality.FACE, status=Status.FACE_ONLY,
                  frame_id="camera", person_id="face_1", **fields)
    published += fusion.face([face])
if SPEECH.is_file():
    found = SpeechClassifier(load_metadata(SPEECH)).classify(windows[-1].mfcc)
    voice = decide(found.probabilities, found.class_ids, modality=Modality.SPEECH, status=Status.SPEECH_ONLY,
                   frame_id="microphone", person_id="voice", **fields)
    published += fusion.speech(voice)
labels = [smoother.update(one).label for one in published]
print(json.dumps({"windows": len(windows), "labels": labels, "models": [FACE.is_file(), SPEECH.is_file()]}))
"""


def run(code: str, names, refused=()) -> dict:
    """Run code in a new interpreter, with the refusal of imports before it; return the JSON of its last line."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    done = subprocess.run(
        [sys.executable, "-c", BLOCK + code, json.dumps(list(names)), json.dumps(list(refused))],
        capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def modules() -> list[str]:
    """Return the name of every module of the source tree."""
    files = (path.relative_to(ROOT).with_suffix("") for path in sorted(PACKAGE.rglob("*.py")))
    return [".".join(file.parts).removesuffix(".__init__") for file in files]


def test_everything_but_the_nodes_imports_without_ros():
    names = [name for name in modules() if not name.startswith("emotion_recognition.nodes.")]
    assert len(names) > 50
    failed = run(IMPORT_ALL, names)
    because_of = {
        name: missing for name, (missing, _) in failed.items() if (missing or "").split(".")[0] not in OPTIONAL
    }
    assert not because_of, failed


def test_the_nodes_are_what_needs_ros():
    """So that the test above refuses something."""
    failed = run(IMPORT_ALL, ["emotion_recognition.nodes.base", "emotion_recognition.nodes.composed"])
    assert set(failed) == {"emotion_recognition.nodes.base", "emotion_recognition.nodes.composed"}


def test_the_robots_way_through_the_cores_needs_no_training_library():
    done = run(RUN_CORES, [], refused=OPTIONAL)
    assert done["windows"] == 4  # of 1.024 to 2.56 s
    assert len(done["labels"]) >= (1 if any(done["models"]) else 0)


@pytest.mark.parametrize("name", ["torch", "av", "librosa"])
def test_what_is_refused_cannot_be_imported(name):
    failed = run(IMPORT_ALL, [name], refused=[name])
    assert failed == {name: [name, f"refused {name}"]}
