"""Peers whose quality of service does not fit are named once a topic, with their number, and counted while there."""

from functools import partial

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from emotion_recognition.msg import Emotion, PerceptionState  # noqa: E402
from lifecycle_msgs.msg import Transition  # noqa: E402
from rclpy.event_handler import SubscriptionEventCallbacks  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import String  # noqa: E402
from test_diagnostics import OK, WARN, Panel  # noqa: E402
from test_lifecycle import change  # noqa: E402

from emotion_recognition.nodes import diagnosing, mismatches  # noqa: E402
from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.nodes.mismatches import SUBSCRIPTION, Mismatches  # noqa: E402

MANY = 6
QUIET = {"silence_report": 60.0}
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
UNFIT_LISTENERS = "listeners whose quality of service does not fit"


def lines_about(bench, node, name):
    return [line for line in bench.lines(node) if name in line]


def listener(bench, topic, qos=LATCHED):
    return bench.node.create_subscription(Emotion, topic, lambda message: None, qos)


def until_counted(bench, node, name, count):
    bench.until(lambda: node.mismatches.count(name) == count, f"{count} peers of {name} that do not fit")


@pytest.fixture
def panel(bench, monkeypatch):
    """Diagnostics five times a second."""
    monkeypatch.setattr(diagnosing, "PERIOD_S", 0.2)
    return Panel(bench)


@pytest.fixture
def soon(monkeypatch):
    """What is said of a topic is said soon after the first peer."""
    monkeypatch.setattr(mismatches, "SETTLE_S", 0.05)


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


def test_a_listener_that_does_not_fit_is_told_while_it_is_there(bench, panel, soon):
    name = f"{bench.namespace}/emotion"
    node = bench.add(FusionNode, **QUIET)
    for _ in range(3):
        unfit = listener(bench, "emotion")
        assert panel.told("fusion", WARN, f"{UNFIT_LISTENERS}: {name}")["qos mismatches"] == "1"
        assert node.mismatches.count(name) == 1
        bench.node.destroy_subscription(unfit)
        assert panel.told("fusion", OK, "at work")["qos mismatches"] == "0"
        assert node.mismatches.count(name) == 0
    bench.until(lambda: node.mismatches._timer is None, "all has been said")
    assert len(bench.lines(node)) == 1


def test_a_publisher_that_does_not_fit_is_told_while_it_is_there(bench, panel, soon):
    name = f"{bench.namespace}/emotion/face"
    node = bench.add(FusionNode, **QUIET)
    bench.publisher(Emotion, "emotion/face").publish(make.emotion(bench.now_ns()))
    panel.told("fusion: emotion/face", OK, "receiving")
    for _ in range(3):
        unfit = bench.node.create_publisher(Emotion, "emotion/face", make.best_effort(1))
        told = panel.told("fusion: emotion/face", WARN, "1 publishers whose quality of service does not fit")
        assert (told["publishers"], told["qos mismatches"]) == ("2", "1")
        bench.node.destroy_publisher(unfit)
        assert panel.told("fusion: emotion/face", OK, "receiving")["qos mismatches"] == "0"
        assert node.mismatches.count(name) == 0
    bench.until(lambda: node.mismatches._timer is None, "all has been said")
    assert len(bench.lines(node)) == 1


def test_those_that_do_not_fit_are_counted_as_they_come_and_go(bench):
    name = f"{bench.namespace}/emotion"
    node = bench.add(FusionNode, **QUIET)
    bench.listen(Emotion, "emotion")
    # What another publisher offers them changes nothing.
    bench.node.create_publisher(Emotion, "emotion", LATCHED)
    unfit = [listener(bench, "emotion") for _ in range(MANY)]
    until_counted(bench, node, name, MANY)
    while unfit:
        bench.node.destroy_subscription(unfit.pop())
        until_counted(bench, node, name, len(unfit))
    unfit = [listener(bench, "emotion") for _ in range(2)]
    until_counted(bench, node, name, len(unfit))


def test_nobody_misfits_an_endpoint_that_is_gone(bench):
    heard, told = f"{bench.namespace}/emotion/face", f"{bench.namespace}/emotion"
    node = bench.add(FusionNode, **QUIET)
    kept = listener(bench, "emotion"), bench.node.create_publisher(Emotion, "emotion/face", make.best_effort(1))
    until_counted(bench, node, heard, 1)
    until_counted(bench, node, told, 1)
    assert change(bench, node, Transition.TRANSITION_DEACTIVATE)
    assert (node.mismatches.count(heard), node.mismatches.count(told)) == (0, 1)
    assert change(bench, node, Transition.TRANSITION_CLEANUP)
    assert node.mismatches.count(told) == 0
    assert change(bench, node, Transition.TRANSITION_CONFIGURE) and change(bench, node, Transition.TRANSITION_ACTIVATE)
    until_counted(bench, node, heard, 1)
    until_counted(bench, node, told, 1)
    assert len(kept) == 2


def test_the_graph_is_not_asked_where_everybody_fits(bench, monkeypatch):
    node = bench.add(FusionNode, **QUIET)
    bench.listen(Emotion, "emotion")
    asked = []
    for query in ("get_publishers_info_by_topic", "get_subscriptions_info_by_topic"):
        monkeypatch.setattr(node, query, asked.append)
    assert node.mismatches.count(f"{bench.namespace}/emotion") == 0 and not asked


def test_a_listener_to_another_type_is_not_counted(bench):
    name = f"{bench.namespace}/emotion"
    node = bench.add(FusionNode, **QUIET)
    listener(bench, "emotion")
    until_counted(bench, node, name, 1)
    # The middleware refuses a second type of one topic within a context.
    context = rclpy.Context()
    rclpy.init(args=[], context=context)
    try:
        other = rclpy.create_node("other", context=context, namespace=bench.namespace, use_global_arguments=False)
        other.create_subscription(String, "emotion", lambda message: None, LATCHED)
        bench.until(lambda: bench.node.count_subscribers(name) == 2, "the other listener")
        assert node.mismatches.count(name) == 1
        other.destroy_node()
    finally:
        context.try_shutdown()


def test_a_publisher_that_one_of_two_subscriptions_takes_fits(bench):
    said = []
    unfit, events = Mismatches(bench.node, said.append), []
    name = f"{bench.namespace}/format"

    def found(event):
        events.append(event)
        unfit.found(SUBSCRIPTION, name, event)

    for qos in (QoSProfile(depth=1), LATCHED):
        bench.node.create_subscription(
            String, "format", print, qos, event_callbacks=SubscriptionEventCallbacks(incompatible_qos=found)
        )
    bench.node.create_publisher(String, "format", QoSProfile(depth=1))
    bench.until(lambda: events, "one subscription does not take it")
    assert unfit.count(name) == 0
    bench.node.create_publisher(String, "format", make.best_effort(1))
    bench.until(partial(unfit.count, name), "neither subscription takes it")
    assert unfit.count(name) == 1
