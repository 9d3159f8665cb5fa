"""Hearing a topic from outside, over DDS: the nodes are stood in for by a small publisher in a process of its own."""

import signal
import subprocess
import sys

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not in this environment")
pytest.importorskip("emotion_recognition.msg", reason="this package's messages are not built")

from emotion_recognition.msg import Emotion  # noqa: E402

from emotion_recognition.demo import player  # noqa: E402

PUBLISHER = """
import sys, time
import rclpy
from rclpy.qos import QoSProfile
from emotion_recognition.msg import Emotion

rclpy.init()
node = rclpy.create_node("stand_in")
publisher = node.create_publisher(Emotion, "emotion", QoSProfile(depth=100))
end = time.monotonic() + 30
while publisher.get_subscription_count() == 0 and time.monotonic() < end:
    rclpy.spin_once(node, timeout_sec=0.05)
print("[INFO] [stand_in]: just so you know", flush=True)
print("[WARN] [stand_in]: something is odd with " + sys.argv[1], flush=True)
for number in range(20):
    message = Emotion(person_id=f"face_{number}", status=3, label="happy", labels=["happy", "sad"])
    message.probabilities = [0.75, 0.25]
    message.header.stamp.sec, message.header.stamp.nanosec = 100 + number, 5
    try:  # the interrupt comes as soon as the message is heard, which may be before publish() returns
        publisher.publish(message)
        if number == 9 and "endless" in sys.argv:
            time.sleep(60)
    except KeyboardInterrupt:
        print("[ERROR] [stand_in]: interrupted", flush=True)
        sys.exit(0)
publisher.wait_for_all_acked(rclpy.duration.Duration(seconds=5))
sys.exit(int(sys.argv[2]))
"""


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    monkeypatch.delenv("ROS_DOMAIN_ID", raising=False)
    monkeypatch.delenv("ROS_AUTOMATIC_DISCOVERY_RANGE", raising=False)


def stand_in(monkeypatch, *arguments):
    monkeypatch.setattr(player, "bring_up", lambda media: [sys.executable, "-c", PUBLISHER, media, *arguments])


def test_every_message_is_heard_in_order(monkeypatch):
    stand_in(monkeypatch, "0")
    heard, lines = [], []
    played = player.play("film.mp4", heard.append, lines.append)
    assert played.return_code == 0 and not played.interrupted
    assert [record.person_id for record in heard] == [f"face_{number}" for number in range(20)]
    assert [record.stamp_ns for record in heard] == [(100 + number) * 10**9 + 5 for number in range(20)]
    assert heard == played.records
    assert heard[0].probabilities == {"happy": 0.75, "sad": 0.25}
    assert lines == ["[WARN] [stand_in]: something is odd with film.mp4"]
    assert "[INFO] [stand_in]: just so you know" in played.untold


def test_the_exit_code_of_the_nodes_is_told(monkeypatch):
    stand_in(monkeypatch, "3")
    played = player.play("film.mp4", lambda record: None, lambda line: None)
    assert played.return_code == 3 and len(played.records) == 20


INTERRUPTED = """
import signal, sys
from emotion_recognition.demo import player

player.bring_up = lambda media: [sys.executable, "-c", sys.argv[2], media, "5", "endless"]
lines = []


def interrupt(record):
    if record.person_id == "face_9":
        signal.raise_signal(int(sys.argv[1]))


played = player.play("film.mp4", interrupt, lines.append)
print(played.interrupted, played.return_code, len(played.records), lines[-1], sep="|")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_nodes_and_keeps_what_was_heard(number):
    command = [sys.executable, "-c", INTERRUPTED, str(int(number)), PUBLISHER]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "True|0|10|[ERROR] [stand_in]: interrupted"


def test_a_message_becomes_a_record():
    message = Emotion(status=1, label="sad", confidence=0.5, labels=["sad", "calm"], reasons=130, valence=-0.5)
    message.probabilities = [0.5, 0.5]
    message.window_start.sec, message.window_end.nanosec = 2, 7
    record = player.to_heard(message, 11)
    assert (record.received_ns, record.stamp_ns, record.window_start_ns, record.window_end_ns) == (11, 0, 2 * 10**9, 7)
    assert (record.status, record.label, record.reasons, record.valence) == (1, "sad", 130, -0.5)
    assert record.probabilities == {"sad": 0.5, "calm": 0.5}


def test_the_bring_up_waits_for_the_listener():
    command = player.bring_up("a b.mp4")
    assert command[0] == sys.executable and command[command.index("--media") + 1] == "a b.mp4"
    assert "--wait-for-subscriber" in command
