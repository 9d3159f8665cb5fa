"""What is recorded of a robot, and how."""

import os
import threading

import numpy as np
import pytest
import yaml

pytest.importorskip("rosbags", reason="needs requirements/bags.txt")

from typer.testing import CliRunner  # noqa: E402

from emotion_recognition.bags.reading import Bag  # noqa: E402
from emotion_recognition.bags.recording import qos_overrides, record, ros2_command, topics_to_record  # noqa: E402
from emotion_recognition.cli.main import app  # noqa: E402

os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["ROS_DOMAIN_ID"] = str(os.getpid() % 101 + 1)


def names(topics):
    return [topic.name for topic in topics]


def test_camera_microphone_and_decisions_are_recorded():
    assert names(topics_to_record()) == [
        "/image/compressed", "/audio_stamped", "/audio_info", "/emotion", "/emotion/face", "/emotion/speech",
    ]  # fmt: skip
    assert names(topics_to_record(compressed=False, emotions=False)) == ["/image", "/audio_stamped", "/audio_info"]


def test_other_names_namespaces_and_parts_that_are_left_out():
    given = {"image": "/head/image_raw", "compressed": "", "face": "", "speech": "", "audio": "mic"}
    assert names(topics_to_record(given, namespace="/robot/")) == [
        "/head/image_raw", "/robot/mic", "/robot/audio_info", "/robot/emotion",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="topic nose=/x: expected one of image"):
        topics_to_record({"nose": "/x"})
    with pytest.raises(ValueError, match="nothing to record"):
        topics_to_record({part: "" for part in ("image", "compressed", "audio", "audio_info")}, emotions=False)


def test_settings_for_ros2_bag(tmp_path):
    topics = topics_to_record(emotions=False)
    found = yaml.safe_load(qos_overrides(topics))
    assert found["/audio_info"]["durability"] == "transient_local" and found["/audio_info"]["reliability"] == "reliable"
    assert found["/image/compressed"] == {
        "history": "keep_last", "depth": 500, "reliability": "best_effort", "durability": "volatile",
    }  # fmt: skip
    words = ros2_command(tmp_path / "bag", topics, tmp_path / "qos.yaml")
    assert words[:3] == ["ros2", "bag", "record"] and words[-3:] == names(topics)


def test_the_command_writes_the_settings_alone(tmp_path):
    done = CliRunner().invoke(app, ["record", "--output", str(tmp_path / "bag"), "--only-settings", "--no-emotions"])
    assert done.exit_code == 0 and done.stdout.startswith("ros2 bag record --storage mcap --output ")
    assert set(yaml.safe_load((tmp_path / "record_qos.yaml").read_text())) == set(
        names(topics_to_record(emotions=False))
    )
    assert not (tmp_path / "bag").exists()
    (tmp_path / "bag").mkdir()
    done = CliRunner().invoke(app, ["record", "--output", str(tmp_path / "bag")])
    assert done.exit_code == 1 and "exists already" in done.output


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_what_is_published_is_in_the_bag(tmp_path, storage):
    rclpy = pytest.importorskip("rclpy", reason="needs ROS")
    from audio_common_msgs.msg import AudioInfo
    from rclpy.qos import DurabilityPolicy, QoSProfile
    from sensor_msgs.msg import CompressedImage

    from emotion_recognition.nodes.running import prepare_environment

    prepare_environment()
    context = rclpy.Context()
    rclpy.init(args=[], context=context)
    node = rclpy.create_node("robot", context=context, namespace=f"/record_{storage}")
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    info = node.create_publisher(AudioInfo, "audio_info", latched)
    camera = node.create_publisher(CompressedImage, "image/compressed", QoSProfile(depth=10))
    info.publish(AudioInfo(sample_rate=16000, channels=1, sample_format="S16LE"))  # before anybody listens
    topics = topics_to_record(namespace=f"/record_{storage}", emotions=False)
    over = threading.Event()
    counts = {}
    recorder = threading.Thread(
        target=lambda: counts.update(record(tmp_path / "bag", topics, storage, over.is_set, context))
    )
    recorder.start()
    try:
        for _ in range(600):
            if camera.get_subscription_count() and info.get_subscription_count():
                break
            over.wait(0.05)
        for number in range(5):
            picture = CompressedImage(format="jpeg", data=np.full(100, number, np.uint8).tobytes())
            picture.header.stamp.sec = number
            camera.publish(picture)
            over.wait(0.1)
        over.wait(1.0)
    finally:
        over.set()
        recorder.join()
        node.destroy_node()
        context.try_shutdown()
    assert counts[f"/record_{storage}/image/compressed"] == 5
    with Bag(tmp_path / "bag") as bag:
        found = [(message.topic.name.rpartition("/")[2], bag.decode(message)) for message in bag.messages()]
        assert not bag.problems
    assert [one.header.stamp.sec for name, one in found if name == "compressed"] == list(range(5))
    assert [one.sample_rate for name, one in found if name == "audio_info"] == [16000]
