"""Every engine that a parameter can select does the same work inside its node."""

from importlib.util import find_spec

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from audio_common_msgs.msg import AudioDataStamped  # noqa: E402
from emotion_recognition.msg import Emotion, FaceSamples, MfccWindow  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from emotion_recognition.demo import RECORDING  # noqa: E402
from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode  # noqa: E402
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode  # noqa: E402
from emotion_recognition.parameters import all_declarations  # noqa: E402
from emotion_recognition.sensors import MediaSource  # noqa: E402

SECOND = 1_000_000_000
QUIET = {"silence_report": 60.0, "max_stamp_age": 600.0}
LIBRARIES = {
    "facenet_pytorch": ("torch", "facenet_pytorch"), "librosa": ("librosa",), "torchaudio": ("torch",),
    "torch": ("torch",), "ncnn": ("ncnn",), "openvino": ("openvino",),
}  # fmt: skip


def answers(bench, node, parameter, kind, topic, message, output_kind, output, **parameters):
    """Return by value what the node publishes of one message with each value of a parameter."""
    found = {}
    for number, value in enumerate(all_declarations()[parameter].one_of):
        for library in LIBRARIES.get(value, ()):
            # Not imported here: facenet_pytorch may need the shim for torchvision first.
            if not find_spec(library):
                pytest.skip(f"{library} is not installed")
        # Each node has topics of its own: the test's own names are mapped to those of one value.
        names = [f"{name}:={name}_{number}" for name in (topic, output)]
        mapping = ["-r", names[0], "-r", names[1], "-r", f"__node:={node.NAME}_{number}"]
        bench.add(node, *mapping, **{parameter: value}, **QUIET, **parameters)
        publisher = bench.publisher(kind, f"{topic}_{number}")
        heard = bench.listen(output_kind, f"{output}_{number}")
        publisher.publish(message)
        bench.until(lambda heard=heard: heard, f"an answer with {parameter} {value}")
        found[value] = heard[0]
    assert len(found) >= 2
    return found


def test_detectors_find_the_same_face(bench):
    with MediaSource(RECORDING, audio=False) as source:
        picture = next(item.rgb for item in source if item.time_ns >= 2 * SECOND)
    message = make.image(picture, bench.now_ns())
    found = answers(bench, FaceDetector, "detector", Image, "image", message, FaceSamples, "face_samples")
    boxes = [face.box for answer in found.values() for face in answer.faces]
    assert len(boxes) == len(found)
    np.testing.assert_allclose(boxes, np.broadcast_to(boxes[0], (len(boxes), 4)), atol=2)


def test_mfcc_engines_agree(bench):
    rng = np.random.default_rng(0)
    message = make.audio(rng.normal(0, 2000, 48000).astype("<i2"), bench.now_ns() - 4 * SECOND)
    found = answers(
        bench, MfccExtractor, "mfcc_engine", AudioDataStamped, "audio_stamped", message, MfccWindow, "mfcc",
        sample_rate=16000,
    )  # fmt: skip
    means = [np.array(answer.mfcc_mean) for answer in found.values()]
    for mean in means:
        np.testing.assert_allclose(mean, means[0], atol=1e-3)


@pytest.mark.parametrize("stream", ["face", "speech"])
def test_classifier_engines_agree(bench, model, stream):
    stamp = bench.now_ns()
    node, kind, topic, message = {
        "face": (VisualClassifierNode, FaceSamples, "face_samples", make.face_samples(stamp, make.face())),
        "speech": (SpeechClassifierNode, MfccWindow, "mfcc", make.mfcc(stamp)),
    }[stream]
    found = answers(
        bench, node, "classifier_engine", kind, topic, message, Emotion, f"emotion/{stream}", **model(stream)
    )
    assert set(found) == {"onnxruntime", "torch", "ncnn", "openvino"}
    for answer in found.values():
        np.testing.assert_allclose(answer.probabilities, found["onnxruntime"].probabilities, atol=1e-5)
