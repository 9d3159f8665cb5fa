"""Nodes that take their time from /clock, as with a bag that is played, and played again."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from audio_common_msgs.msg import AudioDataStamped  # noqa: E402
from builtin_interfaces.msg import Time  # noqa: E402
from emotion_recognition.msg import Emotion, FaceSamples, MfccWindow  # noqa: E402
from harness import stamps  # noqa: E402
from rosgraph_msgs.msg import Clock  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from emotion_recognition.nodes.conversions import to_time  # noqa: E402
from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode  # noqa: E402

SECOND = 1_000_000_000
BEGIN = 1_500_000_000 * SECOND  # of a bag recorded long ago
SIMULATED = {"use_sim_time": True, "silence_report": 60.0}


def noise(stamp_ns):
    return make.audio(np.random.default_rng(1).normal(0, 2000, 4800).astype("<i2"), stamp_ns)


CASES = {
    "face_detector": (FaceDetector, {}, (), Image, "image", make.changing_image, FaceSamples, "face_samples"),
    "mfcc_extractor": (
        MfccExtractor, {"min_window": 0.2, "hop": 0.2, "sample_rate": 16000}, (), AudioDataStamped, "audio_stamped",
        noise, MfccWindow, "mfcc",
    ),
    "visual_classifier": (
        VisualClassifierNode, {}, ("face",), FaceSamples, "face_samples",
        lambda stamp: make.face_samples(stamp, make.face()), Emotion, "emotion/face",
    ),
    "fusion": (
        FusionNode, {"idle_period": 60.0}, (), Emotion, "emotion/face", make.emotion, Emotion, "emotion",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_bag_that_is_played_again_is_used_again(bench, model, case):
    node, parameters, models, kind, topic, good, output_kind, output_topic = CASES[case]
    simulated = bench.add(node, "-r", f"/clock:={bench.namespace}/clock", **SIMULATED, **parameters, **model(*models))
    clock = bench.publisher(Clock, "clock")
    publisher = bench.publisher(kind, topic)
    heard = bench.listen(output_kind, output_topic)

    def used() -> list[int]:
        # The fusion says at any time that there is nothing.
        return stamps(message for message in heard if getattr(message, "status", None) != Emotion.STATUS_NEITHER)

    played = [BEGIN, BEGIN + 2 * SECOND, BEGIN + 4 * SECOND]
    for count in (1, 2):
        for stamp in played:
            clock.publish(Clock(clock=to_time(stamp)))
            bench.until(lambda stamp=stamp: simulated.get_clock().now().nanoseconds == stamp, "the time is there")
            publisher.publish(good(stamp))
            bench.until(lambda stamp=stamp, count=count: used().count(stamp) == count, f"{stamp}, run {count}")
    assert used() == played * 2
    assert not bench.lines(simulated)


def test_before_the_clock_runs_a_message_is_left_out_and_says_why(bench):
    node = bench.add(FaceDetector, "-r", f"/clock:={bench.namespace}/clock", **SIMULATED)
    publisher = bench.publisher(Image, "image")
    publisher.publish(make.grey_image(BEGIN))
    bench.settle()
    (line,) = bench.lines(node)
    assert f"{bench.namespace}/image left out" in line and "something must publish /clock" in line


@pytest.mark.parametrize(
    "wrong",
    [Time(sec=-5), Time(sec=5, nanosec=2_000_000_000), Time(sec=2**31 - 5)],
    ids=["before 0", "nanoseconds", "2038"],
)
def test_what_is_no_time_is_left_out_and_says_so(bench, wrong):
    """rclpy would raise an error in the executor, which ends the process; what is later no message could hold."""
    node = bench.add(FaceDetector, "-r", f"/clock:={bench.namespace}/clock", **SIMULATED)
    clock = bench.publisher(Clock, "clock")
    clock.publish(Clock(clock=wrong))
    bench.settle()
    clock.publish(Clock(clock=to_time(BEGIN)))
    bench.until(lambda: node.get_clock().now().nanoseconds == BEGIN, "the time after it is there")
    (line,) = bench.lines(node)
    assert f"time on {bench.namespace}/clock left out: {wrong.sec} s and {wrong.nanosec} ns is not a time" in line


def test_what_is_no_message_on_the_clock_is_left_out_and_says_so(bench):
    """The middleware would read what lies behind it in memory."""
    node = bench.add(FaceDetector, "-r", f"/clock:={bench.namespace}/clock", **SIMULATED)
    clock = bench.publisher(Clock, "clock")
    clock.publish(bytes([0, 1, 0, 3]))
    bench.settle()
    clock.publish(Clock(clock=to_time(BEGIN)))
    bench.until(lambda: node.get_clock().now().nanoseconds == BEGIN, "the time after it is there")
    (line,) = bench.lines(node)
    assert f"message on {bench.namespace}/clock left out: message of 4 bytes" in line


def test_after_a_jump_back_without_new_data_the_fusion_says_that_there_is_none(bench):
    node = bench.add(FusionNode, "-r", f"/clock:={bench.namespace}/clock", **SIMULATED, idle_period=0.5)
    clock = bench.publisher(Clock, "clock")
    publisher = bench.publisher(Emotion, "emotion/face")
    bench.publisher(Emotion, "emotion/speech")
    heard = bench.listen(Emotion, "emotion")

    def set_time(time_ns):
        clock.publish(Clock(clock=to_time(time_ns)))
        bench.until(lambda: node.get_clock().now().nanoseconds == time_ns, "the time is there")

    set_time(BEGIN + 60 * SECOND)
    publisher.publish(make.emotion(BEGIN + 60 * SECOND))
    bench.until(lambda: any(message.status == Emotion.STATUS_FACE_ONLY for message in heard), "a decision")
    set_time(BEGIN)
    heard.clear()
    for tick in range(1, 5):
        set_time(BEGIN + tick * SECOND // 4)
    bench.until(lambda: heard, "something is said")
    assert {message.status for message in heard} == {Emotion.STATUS_NEITHER}
    assert heard[0].reasons == Emotion.REASON_CAMERA_STALE | Emotion.REASON_MICROPHONE_STALE
