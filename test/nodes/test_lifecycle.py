"""The nodes' states: by themselves, driven by a manager, and when something they need is wrong."""

import json
import shutil
import threading
import time
from itertools import count
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from audio_common_msgs.msg import AudioDataStamped  # noqa: E402
from emotion_recognition.msg import Emotion, FaceSamples, MfccWindow  # noqa: E402
from harness import stamps  # noqa: E402
from lifecycle_msgs.msg import State, Transition  # noqa: E402
from lifecycle_msgs.srv import ChangeState  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

import emotion_recognition  # noqa: E402
from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.nodes.media_source import MediaSourceNode  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode  # noqa: E402
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode  # noqa: E402

RECORDING = Path(emotion_recognition.__file__).parent / "demo" / "recording.mkv"


def change(bench, node, transition: int) -> bool:
    """Ask a node for a transition, as a manager does; return whether it made it."""
    request = ChangeState.Request(transition=Transition(id=transition))
    return bench.call(ChangeState, f"{node.get_fully_qualified_name()}/change_state", request).success


def is_in(bench, node, expected: int) -> bool:
    return bench.state(node.get_fully_qualified_name()) == expected


def noise(stamp_ns):
    return make.audio(np.random.default_rng(1).normal(0, 2000, 4800).astype("<i2"), stamp_ns)


# node, its parameters, models, topic and type of input, a good message, topic and type of output
CASES = {
    "face_detector": (
        FaceDetector, {"window": 0.5, "frames": 150}, (), Image, "image", make.grey_image, FaceSamples, "face_samples",
    ),
    "mfcc_extractor": (
        MfccExtractor, {"min_window": 0.2, "hop": 0.1, "sample_rate": 16000}, (), AudioDataStamped, "audio_stamped",
        noise, MfccWindow, "mfcc",
    ),
    "visual_classifier": (
        VisualClassifierNode, {}, ("face",), FaceSamples, "face_samples",
        lambda stamp: make.face_samples(stamp, make.face()), Emotion, "emotion/face",
    ),
    "speech_classifier": (
        SpeechClassifierNode, {}, ("speech",), MfccWindow, "mfcc", make.mfcc, Emotion, "emotion/speech",
    ),
    "fusion": (FusionNode, {"idle_period": 60.0}, (), Emotion, "emotion/face", make.emotion, Emotion, "emotion"),
}  # fmt: skip


@pytest.fixture(params=CASES)
def case(request, model):
    node, parameters, models, *rest = CASES[request.param]
    return node, {**parameters, **model(*models), "silence_report": 60.0}, *rest


def works(bench, publisher, good, output) -> int:
    """Assert that a good message has its effect; return its stamp."""
    bench.until(lambda: publisher.get_subscription_count() == 1, f"one subscription to {publisher.topic_name}")
    stamp = bench.now_ns()
    publisher.publish(good(stamp))
    bench.until(lambda: stamp in stamps(output), f"what follows from a message on {publisher.topic_name}")
    return stamp


def test_a_node_starts_by_itself(bench, case):
    node, parameters, kind, topic, good, output_kind, output_topic = case
    started = bench.add(node, **parameters)
    assert is_in(bench, started, State.PRIMARY_STATE_ACTIVE)
    publisher = bench.publisher(kind, topic)
    works(bench, publisher, good, bench.listen(output_kind, output_topic))


def test_a_manager_drives_a_node_through_its_states(bench, case):
    node, parameters, kind, topic, good, output_kind, output_topic = case
    managed = bench.add(node, autostart=False, **parameters)
    assert is_in(bench, managed, State.PRIMARY_STATE_UNCONFIGURED)
    publisher = bench.node.create_publisher(kind, topic, 10)
    heard = None
    for _ in range(2):
        assert change(bench, managed, Transition.TRANSITION_CONFIGURE)
        assert is_in(bench, managed, State.PRIMARY_STATE_INACTIVE)
        assert bench.node.count_subscribers(publisher.topic_name) == 0
        for _ in range(2):
            assert change(bench, managed, Transition.TRANSITION_ACTIVATE)
            heard = bench.listen(output_kind, output_topic) if heard is None else heard
            bench.until(lambda: bench.node.count_publishers(output_topic), "the output is there")
            used = works(bench, publisher, good, heard)
            assert change(bench, managed, Transition.TRANSITION_DEACTIVATE)
            assert is_in(bench, managed, State.PRIMARY_STATE_INACTIVE)
            bench.until(lambda: publisher.get_subscription_count() == 0, "the subscription ends")
            publisher.publish(good(bench.now_ns()))
            bench.settle()
            assert max(stamps(heard)) == used
        assert change(bench, managed, Transition.TRANSITION_CLEANUP)
        assert is_in(bench, managed, State.PRIMARY_STATE_UNCONFIGURED)
        bench.until(lambda: bench.node.count_publishers(f"{bench.namespace}/{output_topic}") == 0, "the output ends")
    assert change(bench, managed, Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert is_in(bench, managed, State.PRIMARY_STATE_FINALIZED)
    assert not bench.lines(managed)


def test_a_source_plays_anew_after_a_deactivation(bench):
    pytest.importorskip("av", reason="the recording is read with PyAV")
    source = bench.add(MediaSourceNode, media=str(RECORDING))
    images = bench.listen(Image, "image", make.best_effort(10))
    bench.until(lambda: len(images) >= 3, "images")
    assert change(bench, source, Transition.TRANSITION_DEACTIVATE)
    bench.settle()
    count = len(images)
    assert not source.finished.is_set()
    assert change(bench, source, Transition.TRANSITION_ACTIVATE)
    bench.until(lambda: len(images) > count + 3, "images again")
    played = stamps(images)
    assert played == sorted(set(played)) and {message.header.frame_id for message in images} == {"camera"}
    assert change(bench, source, Transition.TRANSITION_DEACTIVATE)
    assert change(bench, source, Transition.TRANSITION_CLEANUP)
    assert change(bench, source, Transition.TRANSITION_CONFIGURE)
    assert not bench.lines(source)


class Camera:
    """Stands in for a camera: delivers one picture after another until it is unplugged."""

    name, kind, container = "the camera", "video", None

    def __init__(self):
        self.unplugged, self.problems, self.failure = threading.Event(), [], None

    def __iter__(self):
        from emotion_recognition.sensors import VideoFrame

        for number in count():
            if self.unplugged.wait(0.01):
                break
            yield VideoFrame(10_000_000 * number, np.zeros((4, 4, 3), np.uint8))
        self.failure = "it is unplugged"
        self.problems.append(self.failure)

    def close(self):
        self.unplugged.set()


def unplugged_and_in(monkeypatch, reopen_s: float) -> list:
    """Let the node open a Camera, and open it again after ``reopen_s``; return the list of those it has opened."""
    from emotion_recognition.nodes import media_source
    from emotion_recognition.sensors import devices

    cameras = []

    def opened(*_):
        cameras.append(Camera())
        return cameras[-1]

    monkeypatch.setattr(devices, "_open_device", opened)
    monkeypatch.setattr(media_source, "REOPEN_S", reopen_s, raising=False)
    return cameras


def test_a_camera_that_fails_and_its_return_are_told_at_once(bench, monkeypatch):
    cameras = unplugged_and_in(monkeypatch, 0.01)
    source = bench.add(MediaSourceNode, camera="the camera")
    images = bench.listen(Image, "image", make.best_effort(10))
    bench.until(lambda: len(images) >= 3, "images")
    cameras[0].unplugged.set()
    expected = ["the camera: it is unplugged", "the camera: delivers again"]
    bench.until(lambda: bench.lines(source) == expected, "both lines", 10.0)
    count = len(images)
    bench.until(lambda: len(images) > count + 3, "images again")
    assert stamps(images) == sorted(set(stamps(images)))
    assert change(bench, source, Transition.TRANSITION_DEACTIVATE)
    assert not source.finished.is_set() and not source.failed
    assert bench.lines(source) == expected


def test_a_source_whose_camera_is_away_is_deactivated_at_once(bench, monkeypatch):
    cameras = unplugged_and_in(monkeypatch, 3600.0)
    source = bench.add(MediaSourceNode, camera="the camera")
    cameras[0].unplugged.set()
    bench.until(lambda: bench.lines(source) == ["the camera: it is unplugged"], "the line", 10.0)
    assert not source.finished.is_set()
    began = time.monotonic()
    source.forget()
    assert time.monotonic() - began < 1.0
    assert len(cameras) == 1 and not source.finished.is_set()


def copied(sidecar: str, folder: Path) -> Path:
    """Copy a model with all its files; return the copy's sidecar."""
    source = Path(sidecar)
    for name in [source.name, *(entry["path"] for entry in json.loads(source.read_text())["files"].values())]:
        shutil.copy(source.parent / name, folder / name)
    return folder / source.name


def assert_not_configured(bench, node, name: str, *words: str):
    assert not change(bench, node, Transition.TRANSITION_CONFIGURE)
    assert is_in(bench, node, State.PRIMARY_STATE_UNCONFIGURED)
    (line,) = bench.lines(node)
    assert line.startswith("cannot configure: ")
    for word in (name, *words):
        assert word in line


@pytest.mark.parametrize(
    ("node", "parameter"), [(VisualClassifierNode, "face_model"), (SpeechClassifierNode, "speech_model")]
)
def test_a_model_that_is_not_there_is_named(bench, tmp_path, node, parameter):
    path = tmp_path / "mine.json"
    started = bench.add(node, started=False, **{parameter: str(path)})
    assert_not_configured(bench, started, str(path), "No such file")


@pytest.mark.parametrize("part", ["onnx", "safetensors"])
@pytest.mark.parametrize(("node", "stream"), [(VisualClassifierNode, "face"), (SpeechClassifierNode, "speech")])
def test_weights_with_one_flipped_bit_are_refused(bench, model, tmp_path, node, stream, part):
    sidecar = copied(model(stream)[f"{stream}_model"], tmp_path)
    damaged = next(tmp_path.glob(f"*.{part}"))
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    started = bench.add(node, started=False, **{f"{stream}_model": str(sidecar)})
    assert_not_configured(bench, started, damaged.name, "sha256", "expects")


def test_a_model_of_the_other_stream_is_refused(bench, model):
    path = model("speech")["speech_model"]
    started = bench.add(VisualClassifierNode, started=False, face_model=path)
    assert_not_configured(bench, started, path, "expected a face model")


def test_a_node_is_configured_once_its_model_is_mended(bench, model, tmp_path):
    sidecar = copied(model("speech")["speech_model"], tmp_path)
    weights = next(tmp_path.glob("*.onnx"))
    good = weights.read_bytes()
    weights.unlink()
    node = bench.add(SpeechClassifierNode, started=False, speech_model=str(sidecar))
    assert_not_configured(bench, node, weights.name, "No such file")
    weights.write_bytes(good)
    assert change(bench, node, Transition.TRANSITION_CONFIGURE)
    assert is_in(bench, node, State.PRIMARY_STATE_INACTIVE)


@pytest.mark.parametrize("name", ["missing.mkv", "text.mkv"])
def test_a_source_that_cannot_be_read_is_named(bench, tmp_path, name):
    pytest.importorskip("av", reason="media is read with PyAV")
    (tmp_path / "text.mkv").write_text("no media")
    node = bench.add(MediaSourceNode, started=False, media=str(tmp_path / name))
    assert_not_configured(bench, node, str(tmp_path / name))
