"""A node takes input only while somebody listens to what it publishes."""

import gc

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
import numpy as np  # noqa: E402
from audio_common_msgs.msg import AudioDataStamped, AudioInfo  # noqa: E402
from emotion_recognition.msg import Emotion, MfccWindow  # noqa: E402
from harness import stamps  # noqa: E402
from rcl_interfaces.msg import Log  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from test_lifecycle import CASES  # noqa: E402

from emotion_recognition.nodes.composed import PERCEPTION  # noqa: E402
from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402

QUIET = {"silence_report": 60.0}
ON_DEMAND = {"on_demand": True}


def listener(bench, kind, topic):
    """Return what is heard on a topic, and a function that ends the listening."""
    heard = []
    subscription = bench.node.create_subscription(kind, topic, heard.append, 1000)
    return heard, lambda: bench.node.destroy_subscription(subscription)


@pytest.mark.parametrize("case", CASES)
def test_a_node_listens_while_somebody_listens_to_it(bench, model, case):
    node, parameters, models, kind, topic, good, output_kind, output = CASES[case]
    started = bench.add(node, **parameters, **model(*models), **QUIET, **ON_DEMAND)
    publisher = bench.node.create_publisher(kind, topic, 10)
    assert started.worker is None and not started._inputs
    for _ in range(2):
        heard, leave = listener(bench, output_kind, output)
        bench.until(publisher.get_subscription_count, "the node listens")
        stamp = bench.now_ns()
        publisher.publish(good(stamp))
        bench.until(lambda heard=heard, stamp=stamp: stamp in stamps(heard), "a message has its effect")
        leave()
        bench.until(lambda: not publisher.get_subscription_count(), "the node listens no more")
        assert started.worker is None
    told = [line.split(" to ")[0] for line in bench.lines(started, Log.INFO) if "body listens to " in line]
    assert told == ["nobody listens", *["somebody listens", "nobody listens"] * 2]


@pytest.mark.parametrize("case", CASES)
def test_a_node_that_rests_and_wakes_keeps_nothing_of_what_it_dropped(bench, model, case):
    node, parameters, models, kind, topic, _, output_kind, output = CASES[case]
    started = bench.add(node, **parameters, **model(*models), **QUIET, **ON_DEMAND)
    publisher = bench.node.create_publisher(kind, topic, 10)
    held = []
    for _ in range(3):
        _, leave = listener(bench, output_kind, output)
        bench.until(publisher.get_subscription_count, "the node listens")
        leave()
        bench.until(lambda: not publisher.get_subscription_count(), "the node listens no more")
        gc.collect()
        held.append(len(started.default_callback_group.entities))
    assert held[0] == held[1] == held[2]


@pytest.mark.parametrize("case", CASES)
def test_a_node_that_is_told_to_computes_anyway(bench, model, case):
    node, parameters, models, kind, topic, *_ = CASES[case]
    bench.add(node, **parameters, **model(*models), **QUIET, on_demand=False)
    publisher = bench.node.create_publisher(kind, topic, 10)
    bench.until(publisher.get_subscription_count, "the node listens though nobody listens to it")


def test_demand_reaches_the_sensors_through_all_nodes(bench, model):
    for node in PERCEPTION:
        models = {"visual_classifier": ("face",), "speech_classifier": ("speech",)}.get(node.NAME, ())
        bench.add(node, **model(*models), **QUIET, **ON_DEMAND)
    camera = bench.node.create_publisher(Image, "image", 1)
    microphone = bench.node.create_publisher(AudioDataStamped, "audio_stamped", 1)
    sensors = (camera, microphone)
    bench.settle()
    assert [one.get_subscription_count() for one in sensors] == [0, 0]
    heard, leave = listener(bench, Emotion, "emotion")
    bench.until(lambda: all(one.get_subscription_count() for one in sensors), "both sensors are listened to")
    bench.until(lambda: heard, "the planner is told that there is nothing")
    assert heard[0].reasons == Emotion.REASON_CAMERA_STALE | Emotion.REASON_MICROPHONE_STALE
    leave()
    bench.until(lambda: not any(one.get_subscription_count() for one in sensors), "nobody listens to the sensors")
    # Who listens to the faces alone needs no microphone.
    faces, _ = listener(bench, Emotion, "emotion/face")
    bench.until(camera.get_subscription_count, "the camera is listened to")
    bench.settle()
    assert not microphone.get_subscription_count()
    stamp = bench.now_ns()
    camera.publish(make.grey_image(stamp))
    bench.until(lambda: stamp in stamps(faces), "the frame is judged")


def test_topics_are_not_called_silent_while_nobody_listens(bench):
    resting = bench.add(FaceDetector, silence_report=1.0, **ON_DEMAND)
    working = bench.add(FaceDetector, "-r", "__node:=working", silence_report=1.0)
    bench.until(lambda: any("no message on" in line for line in bench.lines(working)), "a node at work says so")
    assert not bench.lines(resting)


def test_a_format_said_once_while_nobody_listens_is_known(bench):
    bench.add(MfccExtractor, min_window=0.2, hop=0.2, **QUIET, **ON_DEMAND)
    bench.publisher(AudioInfo, "audio_info").publish(make.audio_info())
    bench.settle()
    sound = bench.node.create_publisher(AudioDataStamped, "audio_stamped", 10)
    for _ in range(2):
        heard, leave = listener(bench, MfccWindow, "mfcc")
        bench.until(sound.get_subscription_count, "the node listens")
        noise = np.random.default_rng(0).normal(0, 900, 4800).astype("<i2")
        sound.publish(make.audio(noise, bench.now_ns()))
        bench.until(lambda heard=heard: heard, "a window")
        leave()
        bench.until(lambda: not sound.get_subscription_count(), "the node listens no more")


def test_what_was_heard_before_a_rest_is_forgotten(bench):
    bench.add(FusionNode, idle_period=0.1, stale_after=60.0, max_stamp_age=60.0, **QUIET, **ON_DEMAND)
    face = bench.node.create_publisher(Emotion, "emotion/face", 10)
    heard, leave = listener(bench, Emotion, "emotion")
    bench.until(face.get_subscription_count, "the node listens")
    face.publish(make.emotion(bench.now_ns()))
    bench.until(lambda: any(one.status == Emotion.STATUS_FACE_ONLY for one in heard), "a decision")
    leave()
    bench.until(lambda: not face.get_subscription_count(), "the node listens no more")
    heard, _ = listener(bench, Emotion, "emotion")
    bench.until(lambda: heard, "the node says something")
    assert heard[0].status == Emotion.STATUS_NEITHER and heard[0].reasons & Emotion.REASON_CAMERA_STALE
