"""What the nodes say of themselves on /diagnostics."""

import re
import time
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
import numpy as np  # noqa: E402
from audio_common_msgs.msg import AudioDataStamped  # noqa: E402
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from emotion_recognition.msg import Emotion, FaceSamples, MfccWindow  # noqa: E402
from lifecycle_msgs.msg import Transition  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from test_lifecycle import change  # noqa: E402
from test_overload import Gate  # noqa: E402
from test_switch import ask  # noqa: E402

from emotion_recognition.engines import load_metadata  # noqa: E402
from emotion_recognition.nodes import diagnosing  # noqa: E402
from emotion_recognition.nodes.composed import PERCEPTION  # noqa: E402
from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode  # noqa: E402
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode  # noqa: E402

OK, WARN, ERROR, STALE = (getattr(DiagnosticStatus, name) for name in ("OK", "WARN", "ERROR", "STALE"))
PAGE = Path(__file__).resolve().parents[2] / "docs" / "DIAGNOSTICS.md"
QUIET = {"silence_report": 60.0}


class Panel:
    """Hears the diagnostics of one bench's nodes."""

    def __init__(self, bench):
        self._bench, self.arrays = bench, []
        bench.node.create_subscription(DiagnosticArray, "/diagnostics", self._hear, 100)

    def _hear(self, array: DiagnosticArray) -> None:
        # All namespaces of a domain share the topic.
        if any(
            one.name.startswith(f"emotion_recognition: {self._bench.namespace.lstrip('/')}/") for one in array.status
        ):
            self.arrays.append(array)

    def until(self, name: str, condition, what: str) -> DiagnosticStatus:
        """Wait for a new status of a node or its topic of which the condition holds."""
        full = f"emotion_recognition: {self._bench.namespace.lstrip('/')}/{name}"
        first = len(self.arrays)
        return self._bench.until(
            lambda: next(
                (one for array in self.arrays[first:] for one in array.status if one.name == full and condition(one)),
                None,
            ),
            f"{full}: {what}; found {[one for array in self.arrays[-3:] for one in array.status if one.name == full]}",
        )

    def told(self, name: str, level: bytes, message: str) -> dict[str, str]:
        """Wait for a new status with a level and a message; return its values."""
        found = self.until(name, lambda one: (one.level, one.message) == (level, message), f"{level} {message}")
        return values(found)


def values(status: DiagnosticStatus) -> dict[str, str]:
    return {pair.key: pair.value for pair in status.values}


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Diagnostics five times a second, so that "of late" is one second."""
    assert diagnosing.PERIOD_S == 1.0
    monkeypatch.setattr(diagnosing, "PERIOD_S", 0.2)


@pytest.fixture
def panel(bench):
    return Panel(bench)


def test_a_node_tells_of_every_state_and_input(bench, panel):
    detector = bench.add(FaceDetector, autostart=False, window=0.5, frames=150, silence_report=1.0, on_demand=True)
    found = panel.told("face_detector", OK, "unconfigured")
    assert (found["state"], found["perception"], found["demanded"], found["published"]) == (
        "unconfigured", "on", "no", "0",
    )  # fmt: skip
    assert "detector" not in found and float(found["resident memory (MiB)"]) > 10
    assert change(bench, detector, Transition.TRANSITION_CONFIGURE)
    assert panel.told("face_detector", OK, "inactive")["detector"] == "onnx"
    assert change(bench, detector, Transition.TRANSITION_ACTIVATE)
    assert panel.told("face_detector", OK, "at rest: nobody listens")["demanded"] == "no"
    heard = bench.listen(FaceSamples, "face_samples")
    assert panel.told("face_detector", OK, "at work")["demanded"] == "yes"
    panel.told("face_detector: image", STALE, "no message yet, publishers: 0")
    camera = bench.publisher(Image, "image")
    began = bench.now_ns()
    for _ in range(4):
        camera.publish(make.changing_image(bench.now_ns()))
        bench.settle()
    status = panel.until("face_detector: image", lambda one: values(one)["received"] == "4", "four images")
    told = values(status)
    assert (status.level, status.message, status.hardware_id) == (OK, "receiving", make.CAMERA)
    assert (told["left out"], told["skipped"], told["publishers"], told["qos mismatches"]) == ("0", "0", "1", "0")
    assert 0 < float(told["age (s)"]) < (bench.now_ns() - began) / 1e9 and float(told["rate (Hz)"]) > 0
    told = values(panel.until("face_detector", lambda one: values(one)["published"] == "4", "four publications"))
    assert told["faces"] == "0" and len(heard) == 4
    assert 0 < float(told["latency p50 (ms)"]) <= float(told["latency p95 (ms)"]) <= float(told["latency max (ms)"])
    camera.publish(make.changing_image(1))
    bench.until(lambda: bench.lines(detector), "the image is left out")
    told = panel.told("face_detector: image", WARN, bench.lines(detector)[-1])
    assert told["left out"] == "1" and "old: expected at most" in bench.lines(detector)[-1]
    status = panel.until("face_detector: image", lambda one: one.level == STALE, "silence")
    assert re.fullmatch(r"no message for \d s, publishers: 1", status.message)
    assert ask(bench, detector, False).success
    assert panel.told("face_detector", OK, "perception is switched off")["perception"] == "off"
    assert panel.told("face_detector: image", OK, "perception is switched off")["received"] == "5"
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP):
        assert change(bench, detector, transition)
    assert values(panel.until("face_detector", lambda one: values(one)["state"] == "unconfigured", "cleaned up"))
    stamps = [array.header.stamp.sec * 10**9 + array.header.stamp.nanosec for array in panel.arrays]
    assert all(began - 60 * 10**9 < stamp <= bench.now_ns() for stamp in stamps)


def test_models_voices_and_faces_are_told(bench, model, panel):
    sidecars = model("face", "speech")
    for node, stream in ((VisualClassifierNode, "face"), (SpeechClassifierNode, "speech")):
        bench.add(node, **model(stream), **QUIET)
    bench.publisher(FaceSamples, "face_samples").publish(make.face_samples(bench.now_ns(), make.face(1), make.face(2)))
    bench.publisher(MfccWindow, "mfcc").publish(make.mfcc(bench.now_ns(), voice_activity=0.75))
    looks = values(panel.until("visual_classifier", lambda one: values(one)["published"] == "2", "two faces"))
    sounds = values(panel.until("speech_classifier", lambda one: values(one)["published"] == "1", "a voice"))
    assert (looks["faces"], sounds["voice activity"]) == ("2", "0.75")
    for told, stream in ((looks, "face"), (sounds, "speech")):
        metadata = load_metadata(Path(sidecars[f"{stream}_model"]))
        assert (told["model"], told["weights sha256"]) == (metadata.name, metadata.weights_sha256)
        assert told["engine"] == "onnxruntime" and len(told["weights sha256"]) == 64


def test_sound_is_told(bench, panel):
    bench.add(MfccExtractor, sample_rate=16000, window=0.5, min_window=0.2, hop=0.2, **QUIET)
    sound = bench.publisher(AudioDataStamped, "audio_stamped")
    tone = np.sin(np.arange(4800) * 0.3) * 32767 * 0.1
    sound.publish(make.audio(tone.astype("<i2"), bench.now_ns()))
    told = values(panel.until("mfcc_extractor", lambda one: values(one)["published"] != "0", "a window"))
    assert (told["mfcc engine"], told["voice detector"]) == ("numpy", "silero")
    assert 0 <= float(told["voice activity"]) <= 1
    assert float(told["level (dBFS)"]) == pytest.approx(20 * np.log10(0.1 / np.sqrt(2)), abs=0.1)
    sound.publish(make.audio(np.full(4800, 32767, "<i2"), bench.now_ns()))
    status = panel.until("mfcc_extractor: audio_stamped", lambda one: one.level == WARN, "clipped sound")
    assert "at full scale" in status.message or "one value throughout" in status.message
    assert status.hardware_id == make.MICROPHONE


def test_latency_is_from_receipt_to_publication(bench, panel, monkeypatch):
    """Known: the work takes 0.3 s, and the message behind it waits for it."""
    node = bench.add(MfccExtractor, sample_rate=16000, window=0.5, min_window=0.2, hop=0.2, **QUIET)
    push = node._step.push
    monkeypatch.setattr(node._step, "push", lambda *args: (time.sleep(0.3), push(*args))[1])
    sound = bench.publisher(AudioDataStamped, "audio_stamped")
    noise = np.random.default_rng(0).normal(0, 900, 3200).astype("<i2")
    begin = bench.now_ns()
    for number in range(2):
        sound.publish(make.audio(noise, begin + number * 200_000_000))
    told = values(panel.until("mfcc_extractor", lambda one: values(one)["published"] == "2", "two windows"))
    assert float(told["latency p50 (ms)"]) >= 440 and float(told["latency max (ms)"]) >= 590


def test_skipped_messages_are_told(bench, model, panel, monkeypatch):
    node = bench.add(SpeechClassifierNode, **model("speech"), **QUIET)
    gate = Gate(monkeypatch, node._step, "classify")
    mfcc = bench.publisher(MfccWindow, "mfcc")
    begin = bench.now_ns() - 10**9
    for number in range(5):
        mfcc.publish(make.mfcc(begin + number))
        bench.until(lambda number=number: node.monitor.inputs()["mfcc"].received == number + 1, "the node has it")
        bench.until(gate.reached.is_set, "the first is worked on")
    gate.open()
    told = panel.told("speech_classifier: mfcc", WARN, "3 messages skipped of late: the processor is too busy")
    assert (told["skipped"], told["received"], told["left out"]) == ("3", "5", "0")


def test_an_error_that_nobody_expected_is_told(bench, panel, monkeypatch):
    node = bench.add(FusionNode, idle_period=60.0, **QUIET)
    monkeypatch.setattr(node._step, "take", lambda *args: {}["nothing"])
    face = bench.publisher(Emotion, "emotion/face")
    for _ in range(2):
        face.publish(make.emotion(bench.now_ns()))
    told = panel.told("fusion", ERROR, "unexpected KeyError: 'nothing'")
    assert told["state"] == "active"
    panel.until("fusion", lambda one: values(one)["unexpected errors"] == "2", "both errors")


def test_an_error_in_a_timer_is_told_and_ends_nothing(bench, panel, monkeypatch):
    node = bench.add(FusionNode, idle_period=0.1, **QUIET)
    monkeypatch.setattr(node._step, "idle", lambda now_ns: {}["nothing"])
    panel.told("fusion", ERROR, "unexpected KeyError: 'nothing'")
    heard = bench.listen(Emotion, "emotion")
    bench.publisher(Emotion, "emotion/face").publish(make.emotion(bench.now_ns()))
    bench.until(lambda: heard, "the node goes on")


def test_a_transition_that_failed_is_told(bench, panel, tmp_path):
    node = bench.add(SpeechClassifierNode, started=False, speech_model=str(tmp_path / "mine.json"))
    assert not change(bench, node, Transition.TRANSITION_CONFIGURE)
    (line,) = bench.lines(node)
    assert panel.told("speech_classifier", ERROR, line)["state"] == "unconfigured"


def test_peers_that_do_not_fit_are_told(bench, panel):
    image = f"qos_overrides.{bench.namespace}/image.subscription.reliability"
    bench.add(FaceDetector, **{image: "reliable"}, **QUIET)
    cameras = [bench.node.create_publisher(Image, "image", make.best_effort(1)) for _ in range(3)]
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    for _ in range(2):
        bench.node.create_subscription(FaceSamples, "face_samples", lambda message: None, latched)
    status = panel.until("face_detector: image", lambda one: values(one)["qos mismatches"] == "3", "three publishers")
    assert status.level == STALE and values(status)["publishers"] == str(len(cameras))
    topic = f"{bench.namespace}/face_samples"
    told = panel.told("face_detector", WARN, f"listeners whose quality of service does not fit: {topic}")
    assert told["qos mismatches"] == "2"


def test_nothing_is_composed_while_nobody_listens(bench, monkeypatch):
    node = bench.add(FusionNode, idle_period=60.0, **QUIET)
    composed = []
    monkeypatch.setattr(node._diagnoser, "_statuses", lambda: composed.append(1) or [])
    ends = len(node.monitor._ends)
    bench.until(lambda: len(node.monitor._ends) >= ends + 2, "two periods have passed")
    assert not composed


def test_every_value_and_level_is_documented(bench, model, panel):
    """As all nodes tell them, at work on good input."""
    for node in PERCEPTION:
        models = {"visual_classifier": ("face",), "speech_classifier": ("speech",)}.get(node.NAME, ())
        bench.add(node, **model(*models), **QUIET)
    bench.publisher(Image, "image").publish(make.grey_image(bench.now_ns()))
    for node in PERCEPTION:
        panel.until(node.NAME, lambda one: one.level == OK, "at work")
    documented = set(re.findall(r"`([^`]+)`", "".join(re.findall(r"^\| `(.*?) \|", PAGE.read_text(), re.MULTILINE))))
    documented |= set(re.findall(r"`([^`]+)`", PAGE.read_text()))
    keys = {pair.key for array in panel.arrays for one in array.status for pair in one.values}
    assert len(keys) >= 20 and keys <= documented, keys - documented
    assert {one.name.split(": ")[2] for array in panel.arrays for one in array.status if one.name.count(": ") == 2} == {
        "image", "audio_stamped", "face_samples", "mfcc", "emotion/face", "emotion/speech",
    }  # fmt: skip
