"""Which of the shipped profiles the middleware reads."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

from emotion_recognition.nodes import running  # noqa: E402


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    monkeypatch.setenv("ROS_DISTRO", "kilted")
    if "AMENT_PREFIX_PATH" not in os.environ:
        monkeypatch.setenv("AMENT_PREFIX_PATH", sys.prefix)
    for name in running.PROFILE_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def chosen(images):
    found = running.middleware_profile(images)
    return {name: Path(path).name for name, path in found.items()}


def test_who_publishes_images_gets_more_shared_memory(monkeypatch):
    assert chosen(True) == {"FASTDDS_DEFAULT_PROFILES_FILE": "fastdds.xml"}
    assert chosen(False) == {"FASTDDS_DEFAULT_PROFILES_FILE": "fastdds_small.xml"}
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    assert chosen(False) == {"FASTRTPS_DEFAULT_PROFILES_FILE": "fastdds_small.xml"}


def test_a_shipped_profile_of_the_parent_process_gives_way_a_users_does_not(monkeypatch):
    monkeypatch.setattr(os, "environ", {**os.environ, **running.middleware_profile(True)})
    assert chosen(False) == {"FASTDDS_DEFAULT_PROFILES_FILE": "fastdds_small.xml"}
    monkeypatch.setitem(os.environ, "FASTDDS_DEFAULT_PROFILES_FILE", "/robot/fastdds.xml")
    assert chosen(True) == chosen(False) == {}


def test_the_profiles_differ_in_the_size_of_shared_memory_alone():
    def elements(images):
        (path,) = running.middleware_profile(images).values()
        return [(one.tag.rpartition("}")[2], (one.text or "").strip()) for one in ElementTree.parse(path).iter()]

    pairs = [(one, other) for one, other in zip(elements(True), elements(False), strict=True) if one != other]
    assert pairs == [
        (("segment_size", str(10 << 20)), ("segment_size", str(2 << 20))),
        (("maxMessageSize", str(4 << 20)), ("maxMessageSize", str(2 << 20))),
    ]


@pytest.mark.parametrize("images", [False, True])
def test_messages_of_a_profile_fit_into_its_shared_memory(images):
    """Fast DDS would go without shared memory, and say so on stderr only."""
    (path,) = running.middleware_profile(images).values()
    root = ElementTree.parse(path).getroot()
    sizes = [
        [int(one.text) for one in root.iter(f"{{http://www.eprosima.com}}{name}")]
        for name in ("segment_size", "maxMessageSize")
    ]
    assert len(sizes[0]) == len(sizes[1]) == 1 and sizes[1] <= sizes[0]


@pytest.mark.parametrize("images", [False, True])
def test_the_middleware_takes_a_profile_without_complaint(images):
    """It says on stderr what is wrong with one, and goes on without it."""
    code = f"""
from emotion_recognition.nodes.running import prepare_environment
prepare_environment({images})
import rclpy
rclpy.init(args=[])
node = rclpy.create_node("one")
print(any("/dev/shm/fastdds_" in line for line in open("/proc/self/maps")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("True\n", "")


LATE = """
import os, time
import rclpy
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import Empty

context = rclpy.Context()
rclpy.init(args=[], context=context)
node = rclpy.create_node("late", context=context)
executor = SingleThreadedExecutor(context=context)
executor.add_node(node)
publisher = node.create_publisher(Empty, f"late_{os.getpid()}", 50)
for _ in range(5100):
    publisher.publish(Empty())
heard = []
subscription = node.create_subscription(Empty, f"late_{os.getpid()}", heard.append, 50)
while not (publisher.get_subscription_count() and subscription.get_publisher_count()):
    executor.spin_once(timeout_sec=0.01)
end = time.monotonic() + 0.5
while time.monotonic() < end:  # until the subscription has learnt how much there was before it
    executor.spin_once(timeout_sec=0.01)
publisher.publish(Empty())
end = time.monotonic() + 5.0
while not heard and time.monotonic() < end:
    executor.spin_once(timeout_sec=0.01)
print(len(heard))
"""


@pytest.mark.parametrize("images", [False, True])
def test_who_listens_late_to_a_node_of_its_process_hears_the_next_message(images):
    """As a node does that was switched on again, after its publisher has sent more than Fast DDS's default limit."""
    done = subprocess.run(
        [sys.executable, "-c", LATE], capture_output=True, text=True, timeout=60,
        env={**os.environ, **running.middleware_profile(images)},
    )  # fmt: skip
    assert done.stdout.split() == ["1"], done.stderr
