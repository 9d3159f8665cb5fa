"""Nodes whose messages are counted: what is unexpected and what hangs is noticed."""

import threading

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

from emotion_recognition.msg import Emotion  # noqa: E402

from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402
from emotion_recognition.processes import own_domain  # noqa: E402
from emotion_recognition.reliability.bringup import Bringup  # noqa: E402


@pytest.fixture
def bringup():
    made = Bringup(int(own_domain()["ROS_DOMAIN_ID"]))
    yield made
    made.close()


def test_an_exception_that_nobody_thought_of_is_counted(bringup):
    class Faulty(FusionNode):
        def _take(self, topic: str, message: Emotion) -> None:
            raise KeyError("planted")

    bringup.add(Faulty, "/faulty", {"on_demand": False})
    publisher = bringup.publisher(Emotion, "/faulty/emotion/face")
    bringup.join()
    for _ in range(3):
        publisher.publish(Emotion())
        bringup.work_off()
    assert bringup.ledger.unhandled == 3
    assert bringup.ledger.unexpected[0] == "/faulty/fusion: unexpected KeyError: 'planted'; going on"
    assert bringup.ledger.received["/faulty/emotion/face"] == 3


def test_a_node_that_hangs_is_noticed(bringup):
    released = threading.Event()

    class Hanging(FusionNode):
        def _take(self, topic: str, message: Emotion) -> None:
            released.wait(30.0)

    bringup.add(Hanging, "/hanging", {"on_demand": False})
    publisher = bringup.publisher(Emotion, "/hanging/emotion/face")
    bringup.join()
    publisher.publish(Emotion())
    with pytest.raises(TimeoutError, match="under way: {'/hanging/fusion /hanging/emotion/face': 1}"):
        bringup.work_off(patience_s=0.3)
    released.set()


def test_what_would_end_a_process_is_raised(bringup):
    """As an exception in the executor, outside of what a node guards, ends the process ``composed``."""
    bringup.add(FusionNode, "/ending", {"on_demand": False})
    bringup.listen(Emotion, "/ending/emotion", lambda message: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bringup.until(lambda: False, "the listener hears that there is nothing")
