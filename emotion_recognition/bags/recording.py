"""What of a robot to record, and how: for ``ros2 bag record``, or by this package where ros2 bag is not there."""

import importlib.util
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from emotion_recognition.bags.writing import AUDIO, AUDIO_INFO, COMPRESSED_IMAGE, EMOTION, IMAGE, BagWriter

# By part: the nodes' topic, its type, and whether its publisher keeps the last message for those who come later.
PARTS = {
    "image": ("image", IMAGE, False),
    "compressed": ("image/compressed", COMPRESSED_IMAGE, False),
    "audio": ("audio_stamped", AUDIO, False),
    "audio_info": ("audio_info", AUDIO_INFO, True),
    "fused": ("emotion", EMOTION, False),
    "face": ("emotion/face", EMOTION, False),
    "speech": ("emotion/speech", EMOTION, False),
}
SENSORS = ("image", "compressed", "audio", "audio_info")
QOS_FILE = "record_qos.yaml"
_QUEUED = 500
WAKE_S = 0.1


@dataclass(frozen=True)
class Recorded:
    """A topic to record: its full name, its type, and whether its last message is kept by its publisher."""

    name: str
    type: str
    latched: bool


def topics_to_record(
    names: Mapping[str, str] | None = None, namespace: str = "", compressed: bool = True, emotions: bool = True
) -> tuple[Recorded, ...]:
    """Return the topics to record.

    Args:
        names: other names of topics by part, one of PARTS; an empty one leaves the part out.
        namespace: of the nodes.
        compressed: JPEG files (``image/compressed``) of the camera, which take a tenth of the room, else raw images.
        emotions: the nodes' decisions, too. Nodes work while somebody listens, so that recording them costs the robot
            what perceiving costs.

    Raises:
        ValueError: a part is not known, or nothing is left.
    """
    names = dict(names or {})
    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        raise ValueError(f"topic {unknown[0]}={names[unknown[0]]}: expected one of {', '.join(PARTS)}")
    left_out = {"image" if compressed else "compressed"} - set(names)
    if not emotions:
        left_out |= set(PARTS) - set(SENSORS) - set(names)
    found = []
    for part, (own, kind, latched) in PARTS.items():
        name = names.get(part, own)
        if part in left_out or not name:
            continue
        full = name if name.startswith("/") else "/".join(word for word in ("", namespace.strip("/"), name) if word)
        found.append(Recorded(full if full.startswith("/") else f"/{full}", kind, latched))
    if not found:
        raise ValueError("every topic is left out: nothing to record")
    return tuple(found)


def qos_overrides(topics: tuple[Recorded, ...]) -> str:
    """Return the file for ``--qos-profile-overrides-path``: what hears every publisher, and loses nothing in bursts."""
    profiles = {}
    for topic in topics:
        reliable = topic.type in (EMOTION, AUDIO_INFO)
        profiles[topic.name] = {
            "history": "keep_last", "depth": _QUEUED, "reliability": "reliable" if reliable else "best_effort",
            "durability": "transient_local" if topic.latched else "volatile",
        }  # fmt: skip
    return yaml.safe_dump(profiles, sort_keys=False)


def ros2_command(output: Path, topics: tuple[Recorded, ...], qos_file: Path, storage: str = "mcap") -> list[str]:
    """Return the command line of ``ros2 bag record``."""
    words = ["ros2", "bag", "record", "--storage", storage, "--output", str(output)]
    return [*words, "--qos-profile-overrides-path", str(qos_file), *(topic.name for topic in topics)]


def has_ros2_bag() -> bool:
    """Tell whether ``ros2 bag`` is installed."""
    return shutil.which("ros2") is not None and importlib.util.find_spec("ros2bag") is not None


def record(
    output: Path,
    topics: tuple[Recorded, ...],
    storage: str = "mcap",
    is_over: Callable[[], bool] = lambda: False,
    context: Any = None,
) -> dict[str, int]:
    """Record topics with rclpy until ``is_over``; each message is stamped with the time of its receipt.

    Args:
        output: folder of the new bag.
        topics: what to record.
        storage: ``mcap`` or ``sqlite3``.
        is_over: looked at several times a second.
        context: of rclpy; one of its own if left out.

    Returns:
        The number of messages by topic.

    Raises:
        ValueError: the folder exists.
        RuntimeError: ROS is not there.
    """
    try:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        from emotion_recognition.nodes.running import prepare_environment
    except ImportError as error:
        raise RuntimeError(f"recording needs ROS 2 with this package's messages ({error}): run `make setup`") from error
    prepare_environment()
    own = context is None
    if own:
        context = rclpy.Context()
        rclpy.init(args=[], context=context)
    counts = {topic.name: 0 for topic in topics}
    node = rclpy.create_node("emotion_recorder", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        with BagWriter(output, storage) as bag:
            for topic in topics:
                bag.add_topic(topic.name, topic.type, topic.latched)
                _subscribe(node, topic, bag, counts)
            while not is_over() and context.ok():
                executor.spin_once(timeout_sec=WAKE_S)
    finally:
        node.destroy_node()
        executor.shutdown()
        if own:
            context.try_shutdown()
    return counts


def _subscribe(node: Any, topic: Recorded, bag: BagWriter, counts: dict[str, int]) -> None:
    from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

    def take(data: bytes) -> None:
        bag.write(topic.name, time.time_ns(), data)
        counts[topic.name] += 1

    reliable = topic.type in (EMOTION, AUDIO_INFO)
    profile = QoSProfile(
        depth=_QUEUED,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if topic.latched else DurabilityPolicy.VOLATILE,
    )
    node.create_subscription(message_type(topic.type), topic.name, take, profile, raw=True)


def message_type(name: str) -> type:
    """Return the Python class of one of the types that are recorded or played."""
    from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo
    from sensor_msgs.msg import CompressedImage, Image

    from emotion_recognition.msg import Emotion

    known = (Image, CompressedImage, AudioData, AudioDataStamped, AudioInfo, Emotion)
    return next(one for one in known if name.endswith(f"/{one.__name__}"))
