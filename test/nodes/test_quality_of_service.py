"""Quality of service of the topics, as the graph shows it, and how it is overridden."""

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from emotion_recognition.msg import Emotion, FaceSamples  # noqa: E402
from harness import stamps  # noqa: E402
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from emotion_recognition.nodes import qos  # noqa: E402
from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402
from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.nodes.mfcc_extractor import MfccExtractor  # noqa: E402

RELIABLE, BEST_EFFORT = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT


def subscriptions(bench, topic: str, count: int = 1):
    """Return the quality of service of the subscriptions to a topic."""
    name = f"{bench.namespace}/{topic}"
    found = bench.until(
        lambda: len(seen := bench.node.get_subscriptions_info_by_topic(name)) >= count and seen,
        f"a subscription to {name}",
    )
    return [one.qos_profile for one in found]


def publishers(bench, topic: str):
    name = f"{bench.namespace}/{topic}"
    found = bench.until(lambda: bench.node.get_publishers_info_by_topic(name), f"a publisher of {name}")
    return [one.qos_profile for one in found]


def declared(node, topic: str, policy: str, entity: str = "subscription"):
    """Return the policy that a node has set for a topic, from its parameters."""
    return node.get_parameter(f"qos_overrides.{node.get_namespace()}/{topic}.{entity}.{policy}").value


def test_images_are_taken_best_effort_and_only_the_newest(bench):
    node = bench.add(FaceDetector)
    (found,) = subscriptions(bench, "image")
    assert found.reliability == BEST_EFFORT
    assert (declared(node, "image", "depth"), declared(node, "image", "history")) == (1, "keep_last")


def test_sound_is_taken_best_effort_from_a_queue_that_loses_nothing(bench):
    node = bench.add(MfccExtractor)
    (found,) = subscriptions(bench, "audio_stamped")
    assert found.reliability == BEST_EFFORT
    assert declared(node, "audio_stamped", "depth") == 500


def test_the_format_of_sound_is_taken_however_it_is_published(bench):
    bench.add(MfccExtractor)
    found = subscriptions(bench, "audio_info", count=2)
    assert {one.durability for one in found} == {DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL}


@pytest.mark.parametrize("topic", ["emotion", "emotion/raw"])
def test_emotions_are_published_reliably(bench, topic):
    node = bench.add(FusionNode)
    (found,) = publishers(bench, topic)
    assert found.reliability == RELIABLE
    assert declared(node, topic, "depth", "publisher") == qos.EMOTION.depth
    # So that whoever asks for less, or for reliable messages, gets them.
    for wanted in (RELIABLE, BEST_EFFORT):
        heard = []
        subscription = bench.node.create_subscription(
            Emotion, topic, heard.append, QoSProfile(depth=1, reliability=wanted)
        )
        bench.until(subscription.get_publisher_count, f"{topic} with {wanted}")


def test_overrides_reach_the_subscription(bench):
    override = f"qos_overrides.{bench.namespace}/image.subscription."
    node = bench.add(FaceDetector, **{f"{override}reliability": "reliable", f"{override}depth": 7})
    (found,) = subscriptions(bench, "image")
    assert found.reliability == RELIABLE
    assert declared(node, "image", "depth") == 7
    heard = bench.listen(FaceSamples, "face_samples")
    publisher = bench.publisher(Image, "image", QoSProfile(depth=1, reliability=RELIABLE))
    stamp = bench.now_ns()
    publisher.publish(make.grey_image(stamp))
    bench.until(lambda: stamp in stamps(heard), "an image that was sent reliably")
    assert not bench.lines(node)


def test_overrides_reach_the_publisher(bench):
    bench.add(FusionNode, **{f"qos_overrides.{bench.namespace}/emotion.publisher.reliability": "best_effort"})
    (found,) = publishers(bench, "emotion")
    assert found.reliability == BEST_EFFORT


def test_overrides_of_one_topic_leave_the_others_alone(bench):
    """Both topics have the same profile by default."""
    bench.add(FusionNode, **{f"qos_overrides.{bench.namespace}/emotion.publisher.reliability": "best_effort"})
    (found,) = publishers(bench, "emotion/raw")
    assert found.reliability == RELIABLE
    other = bench.add(FusionNode, "-r", f"__ns:={bench.namespace}/other")
    assert declared(other, "emotion", "reliability", "publisher") == "reliable"
    assert qos.EMOTION.reliability == RELIABLE


def test_an_override_that_does_not_exist_is_named(bench):
    name = f"qos_overrides.{bench.namespace}/image.subscription.reliability"
    node = bench.add(FaceDetector, started=False, **{name: "sometimes"})
    assert not node.autostart()
    (line,) = bench.lines(node)
    assert line.startswith("cannot activate: ") and "reliability" in line and "sometimes" in line
