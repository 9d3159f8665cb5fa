"""A topic on which nothing comes is named in the log, with the number of its publishers."""

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from audio_common_msgs.msg import AudioDataStamped, AudioInfo  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402
from emotion_recognition.nodes.reporting import Reporter  # noqa: E402
from emotion_recognition.nodes.speech_classifier import SpeechClassifierNode  # noqa: E402
from emotion_recognition.nodes.visual_classifier import VisualClassifierNode  # noqa: E402

SHORT = {"silence_report": 1.0}


def silent(bench, node, topic, kind, publishers, hint):
    """Wait for the line about a topic."""
    start = f"no message on {bench.namespace}/{topic} ({kind}) for "
    line = bench.until(
        lambda: next((one for one in bench.lines(node) if one.startswith(start)), None), f"a line about {topic}"
    )
    assert f"publishers: {publishers}: {hint}" in line


def test_topics_nobody_publishes_are_named(bench):
    detector = bench.add(FaceDetector, **SHORT)
    packed = bench.add(FaceDetector, "-r", "__node:=packed", image_transport="compressed", **SHORT)
    extractor = bench.add(MfccExtractor, **SHORT)
    plain = bench.add(MfccExtractor, "-r", "__node:=plain", audio_transport="plain", **SHORT)
    fusion = bench.add(FusionNode, **SHORT)
    nobody = "nobody publishes it: start the sensor or remap the topic"
    silent(bench, detector, "image", "sensor_msgs/msg/Image", 0, nobody)
    silent(bench, packed, "image/compressed", "sensor_msgs/msg/CompressedImage", 0, nobody)
    silent(bench, extractor, "audio_stamped", "audio_common_msgs/msg/AudioDataStamped", 0, nobody)
    silent(bench, plain, "audio", "audio_common_msgs/msg/AudioData", 0, nobody)
    silent(bench, fusion, "emotion/face", "emotion_recognition/msg/Emotion", 0, nobody)
    silent(bench, fusion, "emotion/speech", "emotion_recognition/msg/Emotion", 0, nobody)


def test_topics_whose_publishers_are_silent_are_named(bench, model):
    bench.add(FaceDetector)
    bench.add(MfccExtractor)
    face = bench.add(VisualClassifierNode, **model("face"), **SHORT)
    speech = bench.add(SpeechClassifierNode, **model("speech"), **SHORT)
    silent(bench, face, "face_samples", "emotion_recognition/msg/FaceSamples", 1, "it has publishers but is silent")
    silent(bench, speech, "mfcc", "emotion_recognition/msg/MfccWindow", 1, "it has publishers but is silent")


def test_a_topic_that_is_heard_is_not_named(bench):
    """Nor is audio_info, whose publisher may say it once for all."""
    node = bench.add(MfccExtractor, **SHORT)
    bench.publisher(AudioInfo, "audio_info").publish(make.audio_info())
    sound = bench.publisher(AudioDataStamped, "audio_stamped")
    rng = np.random.default_rng(0)
    begin = bench.now_ns()
    while bench.now_ns() < begin + 2_300_000_000:
        sound.publish(make.audio(rng.normal(0, 1000, 160).astype("<i2"), bench.now_ns()))
        bench.settle()
    assert not [line for line in bench.lines(node) if "no message on" in line]


def test_a_publisher_of_another_quality_of_service_is_named(bench):
    """A subscription that asks for reliable messages and gets none from a best effort publisher says why."""
    name = f"{bench.namespace}/image"
    node = bench.add(FaceDetector, **{f"qos_overrides.{name}.subscription.reliability": "reliable"})
    bench.node.create_publisher(Image, "image", make.best_effort(1))
    line = bench.until(lambda: next(iter(bench.lines(node)), None), "a line about it")
    assert (
        name in line
        and "quality of service" in line
        and line.endswith(f"qos_overrides.{name}.subscription.reliability")
    )


def test_plain_audio_is_said_to_be_stamped_on_receipt(bench):
    from rcl_interfaces.msg import Log

    node = bench.add(MfccExtractor, audio_transport="plain")
    assert [line for line in bench.lines(node, Log.INFO) if "no stamp: the time of receipt is used" in line]


def test_reporter_holds_back_what_it_has_said_and_counts_it():
    now, said = [100.0], []
    reporter = Reporter(said.append, period_s=5.0, clock=lambda: now[0])
    assert [reporter.report("a", "first"), reporter.report("a", "second"), reporter.report("b", "other")] == [
        True, False, True,
    ]  # fmt: skip
    now[0] += 4.9
    assert not reporter.report("a", "third")
    now[0] += 0.1
    assert reporter.report("a", "fourth")
    now[0] += 5.0
    assert reporter.report("a", "fifth")
    assert said == ["first", "other", "fourth (2 more like this since the last line)", "fifth"]
