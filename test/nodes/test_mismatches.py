"""Peers whose quality of service does not fit are named once a topic, with their number."""

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from emotion_recognition.msg import Emotion, PerceptionState  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402

MANY = 6
QUIET = {"silence_report": 60.0}
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def lines_about(bench, node, name):
    return [line for line in bench.lines(node) if name in line]


def test_many_publishers_that_do_not_fit_are_named_in_one_line(bench):
    image, state = (f"{bench.namespace}/{topic}" for topic in ("image", "perception_state"))
    node = bench.add(FaceDetector, **QUIET, **{f"qos_overrides.{image}.subscription.reliability": "reliable"})
    cameras = [bench.node.create_publisher(Image, "image", make.best_effort(1)) for _ in range(MANY)]
    for _ in range(MANY - 1):
        bench.node.create_publisher(PerceptionState, "perception_state", 1)
    (about_image,) = bench.until(lambda: lines_about(bench, node, image), "a line about the images")
    (about_state,) = bench.until(lambda: lines_about(bench, node, state), "a line about the state")
    assert about_image == (
        f"publishers of {image} whose quality of service this subscription does not take (reliability): {MANY}; "
        f"set qos_overrides.{image}.subscription.reliability"
    )
    assert about_state == (
        f"publishers of {state} whose quality of service this subscription does not take (durability): {MANY - 1}; "
        "expected reliable, transient_local"
    )
    # Those that come later are counted, and not named again.
    cameras += [bench.node.create_publisher(Image, "image", make.best_effort(1)) for _ in range(2)]
    bench.until(lambda: node.mismatches.count(image) == MANY + 2, "the later ones are counted")
    bench.publisher(Image, "image", QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE))
    assert node.mismatches.count(state) == MANY - 1 and node.mismatches.count(f"{image}/compressed") == 0
    assert len(bench.lines(node)) == 2


def test_many_listeners_that_do_not_fit_are_named_in_one_line(bench):
    name = f"{bench.namespace}/emotion"
    node = bench.add(FusionNode, **QUIET)
    for _ in range(MANY):
        bench.node.create_subscription(Emotion, "emotion", lambda message: None, LATCHED)
    (line,) = bench.until(lambda: lines_about(bench, node, name), "a line about it")
    assert line == (
        f"subscriptions to {name} whose quality of service this publisher does not offer (durability): {MANY}; "
        f"set qos_overrides.{name}.publisher.durability"
    )
    assert node.mismatches.count(name) == MANY
