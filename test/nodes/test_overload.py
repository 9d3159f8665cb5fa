"""Input that comes faster than it can be worked on is left out and counted; the newest is used."""

import threading

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from audio_common_msgs.msg import AudioDataStamped  # noqa: E402
from emotion_recognition.msg import Emotion, FaceSamples, MfccWindow  # noqa: E402
from harness import stamps  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from emotion_recognition.nodes import mfcc_extractor  # noqa: E402
from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode  # noqa: E402
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode  # noqa: E402
from emotion_recognition.nodes.worker import Worker  # noqa: E402

SECOND = 1_000_000_000
QUIET = {"silence_report": 60.0}
FIRST_S, BUSY = 3, 6  # age of the oldest message, messages sent while the node is busy with another


def one_face(stamp_ns):
    return make.face_samples(stamp_ns, make.face())


class Gate:
    """Holds back calls of a method until it is opened."""

    def __init__(self, monkeypatch, owner, name):
        self._open, self.reached = threading.Event(), threading.Event()
        inner = getattr(owner, name)

        def held(*args, **kwargs):
            self.reached.set()
            assert self._open.wait(30.0)
            return inner(*args, **kwargs)

        monkeypatch.setattr(owner, name, held)

    def open(self):
        self._open.set()


def flood(bench, monkeypatch, node, gate, publisher, make_message) -> list[int]:
    """Send one message, more while it is worked on, then let the work go on; return all stamps."""
    put, taken = node.worker.put, []
    monkeypatch.setattr(node.worker, "put", lambda item: (put(item), taken.append(item)))
    begin = bench.now_ns() - FIRST_S * SECOND
    sent = [begin + number * SECOND // 4 for number in range(1 + BUSY)]
    for number, stamp in enumerate(sent):
        publisher.publish(make_message(stamp))
        bench.until(lambda number=number: len(taken) > number, "the node has taken the message")
        bench.until(gate.reached.is_set, "the first is worked on")
    gate.open()
    return sent


def test_of_the_frames_that_outrun_the_detector_the_newest_is_used(bench, monkeypatch):
    node = bench.add(FaceDetector, window=0.5, frames=150, **QUIET)
    publisher, heard = bench.publisher(Image, "image"), bench.listen(FaceSamples, "face_samples")
    gate = Gate(monkeypatch, node._step._pipeline, "process")
    sent = flood(bench, monkeypatch, node, gate, publisher, make.changing_image)
    bench.until(lambda: len(heard) == 2, "the first and the newest are used")
    bench.settle()
    assert stamps(heard) == [sent[0], sent[-1]]
    assert sum(one.skipped for one in heard) == BUSY - 1


@pytest.mark.parametrize("stream", ["face", "speech"])
def test_of_what_outruns_a_classifier_the_newest_is_used(bench, model, monkeypatch, stream):
    node, method, kind, topic, message = {
        "face": (VisualClassifierNode, "update", FaceSamples, "face_samples", one_face),
        "speech": (SpeechClassifierNode, "classify", MfccWindow, "mfcc", make.mfcc),
    }[stream]
    started = bench.add(node, **model(stream), **QUIET)
    publisher, heard = bench.publisher(kind, topic), bench.listen(Emotion, f"emotion/{stream}")
    gate = Gate(monkeypatch, started._step._classifier, method)
    sent = flood(bench, monkeypatch, started, gate, publisher, message)
    bench.until(lambda: len(heard) == 2, "the first and the newest are used")
    bench.settle()
    assert stamps(heard) == [sent[0], sent[-1]]
    (line,) = bench.lines(started)
    assert line == f"{BUSY - 1} messages on {bench.namespace}/{topic} skipped: the processor is too busy"


def test_sound_that_outruns_the_extractor_is_left_out_and_counted(bench, monkeypatch):
    monkeypatch.setattr(mfcc_extractor, "QUEUED_CHUNKS", 3)
    node = bench.add(MfccExtractor, sample_rate=16000, window=0.5, min_window=0.2, hop=0.2, **QUIET)
    publisher, heard = bench.publisher(AudioDataStamped, "audio_stamped"), bench.listen(MfccWindow, "mfcc")
    rng = np.random.default_rng(0)
    # A quarter of a second each.
    gate = Gate(monkeypatch, node._step._pipeline, "push")

    def noise(stamp):
        return make.audio(rng.normal(0, 900, 4000).astype("<i2"), stamp)

    sent = flood(bench, monkeypatch, node, gate, publisher, noise)
    bench.until(lambda: heard and stamps(heard)[-1] == sent[-1], "the newest is used")
    # What was left out is a gap, over which no window reaches.
    assert sent[-4] not in stamps(heard)
    for window in heard:
        begins = window.window_start.sec * SECOND + window.window_start.nanosec
        assert begins < sent[0] + SECOND // 4 or begins >= sent[-3]
    (line,) = bench.lines(node)
    assert line == f"{BUSY - 3} messages on {bench.namespace}/audio_stamped skipped: the processor is too busy"


def test_a_worker_keeps_the_newest_and_counts_the_rest():
    gate, done, begun = threading.Event(), [], threading.Event()

    def work(item):
        begun.set()
        assert gate.wait(30.0)
        done.append(item)

    worker = Worker("test", work, 2, done.append)
    worker.put(0)
    assert begun.wait(30.0)
    for item in range(1, 6):
        worker.put(item)
    assert (worker.take_dropped(), worker.take_dropped()) == (3, 0)
    last = threading.Event()
    worker.put(6)
    gate.set()
    while not worker.is_idle:
        last.wait(0.005)
    assert done == [0, 5, 6] and worker.take_dropped() == 1
    assert worker.stop()
