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

from emotion_recognition.nodes import mfcc_extractor, worker  # noqa: E402
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


def flood(bench, monkeypatch, node, gate, publisher, make_message, before_going_on=lambda: None) -> list[int]:
    """Send one message, more while it is worked on, then let the work go on; return all stamps."""
    put, taken = node.worker.put, []
    monkeypatch.setattr(node.worker, "put", lambda item: (put(item), taken.append(item)))
    begin = bench.now_ns() - FIRST_S * SECOND
    sent = [begin + number * SECOND // 4 for number in range(1 + BUSY)]
    for number, stamp in enumerate(sent):
        publisher.publish(make_message(stamp))
        bench.until(lambda number=number: len(taken) > number, "the node has taken the message")
        bench.until(gate.reached.is_set, "the first is worked on")
    before_going_on()
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


def extractor_held(bench, monkeypatch):
    """Return an extractor, its microphone's publisher, what it says, its gate, and what makes a quarter of a second."""
    node = bench.add(MfccExtractor, sample_rate=16000, window=0.5, min_window=0.2, hop=0.2, **QUIET)
    publisher, heard = bench.publisher(AudioDataStamped, "audio_stamped"), bench.listen(MfccWindow, "mfcc")
    rng = np.random.default_rng(0)

    def noise(stamp):
        return make.audio(rng.normal(0, 900, 4000).astype("<i2"), stamp)

    return node, publisher, heard, Gate(monkeypatch, node._step._pipeline, "push"), noise


def test_sound_that_outruns_the_extractor_is_left_out_and_counted(bench, monkeypatch):
    monkeypatch.setattr(mfcc_extractor, "QUEUED_CHUNKS", 3)
    # However long this machine takes to flood it.
    monkeypatch.setattr(mfcc_extractor, "PATIENCE_S", float("inf"))
    node, publisher, heard, gate, noise = extractor_held(bench, monkeypatch)

    sent = flood(bench, monkeypatch, node, gate, publisher, noise)
    bench.until(lambda: heard and stamps(heard)[-1] == sent[-1], "the newest is used")
    # What was left out is a gap, over which no window reaches.
    assert sent[-4] not in stamps(heard)
    for window in heard:
        begins = window.window_start.sec * SECOND + window.window_start.nanosec
        assert begins < sent[0] + SECOND // 4 or begins >= sent[-3]
    (line,) = bench.lines(node)
    assert line == f"{BUSY - 3} messages on {bench.namespace}/audio_stamped skipped: the processor is too busy"


def test_sound_that_has_waited_too_long_is_left_out_and_counted(bench, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(worker, "monotonic", lambda: now[0])
    node, publisher, heard, gate, noise = extractor_held(bench, monkeypatch)

    def late():
        now[0] = mfcc_extractor.PATIENCE_S + 0.1

    sent = flood(bench, monkeypatch, node, gate, publisher, noise, late)
    bench.settle()
    publisher.publish(noise(last := sent[-1] + SECOND // 4))
    bench.until(lambda: last in stamps(heard), "what comes then is used")
    assert set(stamps(heard)) <= {sent[0], last}
    (line,) = bench.lines(node)
    assert line == f"{BUSY} messages on {bench.namespace}/audio_stamped skipped: the processor is too busy"


@pytest.mark.parametrize("waited_s, done_with", [(1.4, [0, 1, 2, 3]), (1.6, [0, 3])])
def test_a_worker_drops_what_has_waited_too_long_and_all_behind_it(monkeypatch, waited_s, done_with):
    now, gate, done, begun = [0.0], threading.Event(), [], threading.Event()
    monkeypatch.setattr(worker, "monotonic", lambda: now[0])

    def work(item):
        begun.set()
        assert gate.wait(30.0)
        done.append(item)

    busy = Worker("test", work, 9, done.append, 1.5)
    busy.put(0)
    assert begun.wait(30.0)
    busy.put(1)
    now[0] = waited_s
    busy.put(2)
    gate.set()
    last = threading.Event()
    while not busy.is_idle:
        last.wait(0.005)
    busy.put(3)
    while not busy.is_idle:
        last.wait(0.005)
    assert done == done_with and busy.take_dropped() == 4 - len(done_with)
    assert busy.stop()


def test_a_worker_keeps_the_newest_and_counts_the_rest():
    gate, done, begun = threading.Event(), [], threading.Event()

    def work(item):
        begun.set()
        assert gate.wait(30.0)
        done.append(item)

    busy = Worker("test", work, 2, done.append)
    busy.put(0)
    assert begun.wait(30.0)
    for item in range(1, 6):
        busy.put(item)
    assert (busy.take_dropped(), busy.take_dropped()) == (3, 0)
    last = threading.Event()
    busy.put(6)
    gate.set()
    while not busy.is_idle:
        last.wait(0.005)
    assert done == [0, 5, 6] and busy.take_dropped() == 1
    assert busy.stop()
