"""Bags written through rosbags: messages of ROS, of this package and of audio_common_msgs."""

from pathlib import Path
from types import TracebackType

import numpy as np
from rosbags.interfaces import Connection, Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer, WriterError

from emotion_recognition.bags.types import TypeStore
from emotion_recognition.stamps import SECOND_NS

STORAGES = ("mcap", "sqlite3")
# What compression works on; sqlite3 has no chunks.
COMPRESSIONS = ("none", "message", "file", "chunk")
_MODES = {"message": CompressionMode.MESSAGE, "file": CompressionMode.FILE, "chunk": CompressionMode.STORAGE}
_VERSION = 8  # of metadata.yaml: read by Humble and later; rosbags writes 8 and 9
_NEVER = QosTime(0, 0)

IMAGE, COMPRESSED_IMAGE = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
AUDIO, AUDIO_PLAIN = "audio_common_msgs/msg/AudioDataStamped", "audio_common_msgs/msg/AudioData"
AUDIO_INFO = "audio_common_msgs/msg/AudioInfo"
EMOTION, TEXT = "emotion_recognition/msg/Emotion", "std_msgs/msg/String"


class BagWriter:
    """A new bag; a context manager.

    Args:
        path: its folder, which must not exist.
        storage: one of STORAGES.
        compression: one of COMPRESSIONS.

    Raises:
        ValueError: the folder exists, or a value is not one of those known.
    """

    def __init__(self, path: Path, storage: str = "mcap", compression: str = "none"):
        if storage not in STORAGES or compression not in COMPRESSIONS:
            raise ValueError(
                f"storage {storage}, compression {compression}: expected one of {', '.join(STORAGES)} and one of "
                f"{', '.join(COMPRESSIONS)}"
            )
        if compression == "chunk" and storage != "mcap":
            raise ValueError(f"compression chunk with storage {storage}: expected mcap, only that has chunks")
        self.path = Path(path)
        self.types = TypeStore()
        try:
            self._writer = Writer(path, version=_VERSION, storage_plugin=StoragePlugin[storage.upper()])
            if compression != "none":
                self._writer.set_compression(_MODES[compression], CompressionFormat.ZSTD)
        except WriterError as error:
            raise ValueError(f"{path}: {error}") from error
        self._connections: dict[str, Connection] = {}

    def __enter__(self) -> "BagWriter":
        """Open the bag for writing."""
        self._writer.open()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Finish the bag; after an error what was written stays, without index and metadata.yaml."""
        if kind is None:
            self._writer.close()
        else:
            self._writer.abort()

    def add_topic(self, name: str, kind: str, latched: bool = False) -> None:
        """Add a topic.

        Args:
            name: with a leading slash.
            kind: its type; one that the type store knows.
            latched: its last message is kept for those who come later (transient local).

        Raises:
            ValueError: the type is not known.
        """
        if not self.types.knows(kind):
            raise ValueError(f"topic {name}: type {kind} is not known")
        durability = QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE
        qos = Qos(
            QosHistory.KEEP_LAST, 1 if latched else 10, QosReliability.RELIABLE, durability, _NEVER, _NEVER,
            QosLiveliness.AUTOMATIC, _NEVER, False,
        )  # fmt: skip
        self._connections[name] = self._writer.add_connection(
            name, kind, typestore=self.types.store, offered_qos_profiles=[qos]
        )

    def write(self, topic: str, time_ns: int, data: bytes | memoryview) -> None:
        """Write a serialized message, received at a time."""
        self._writer.write(self._connections[topic], time_ns, data)

    def header(self, stamp_ns: int, frame_id: str) -> object:
        """Return a std_msgs/Header."""
        stamp = self.types.make("builtin_interfaces/msg/Time", sec=stamp_ns // SECOND_NS, nanosec=stamp_ns % SECOND_NS)
        return self.types.make("std_msgs/msg/Header", stamp=stamp, frame_id=frame_id)

    def compressed_image(self, stamp_ns: int, frame_id: str, jpeg: bytes) -> memoryview:
        """Return a serialized CompressedImage."""
        header, data = self.header(stamp_ns, frame_id), np.frombuffer(jpeg, np.uint8)
        return self._encoded(COMPRESSED_IMAGE, header=header, format="jpeg", data=data)

    def image(self, stamp_ns: int, frame_id: str, rgb: np.ndarray) -> memoryview:
        """Return a serialized Image of (H, W, 3) uint8 RGB."""
        height, width = rgb.shape[:2]
        return self._encoded(
            IMAGE, header=self.header(stamp_ns, frame_id), height=height, width=width, encoding="rgb8",
            is_bigendian=0, step=3 * width, data=np.ascontiguousarray(rgb).reshape(-1),
        )  # fmt: skip

    def audio(self, stamp_ns: int, frame_id: str, samples: np.ndarray) -> memoryview:
        """Return a serialized AudioDataStamped of int16 samples (n, channels)."""
        octets = np.frombuffer(np.ascontiguousarray(samples, "<i2").tobytes(), np.uint8)
        data = self.types.make(AUDIO_PLAIN, data=octets)
        return self._encoded(AUDIO, header=self.header(stamp_ns, frame_id), audio=data)

    def audio_info(self, rate: int, channels: int) -> memoryview:
        """Return a serialized AudioInfo of S16LE sound."""
        return self._encoded(
            AUDIO_INFO, channels=channels, sample_rate=rate, sample_format="S16LE",
            bitrate=16 * rate * channels // 1000, coding_format="wave",
        )  # fmt: skip

    def text(self, text: str) -> memoryview:
        """Return a serialized std_msgs/String."""
        return self._encoded(TEXT, data=text)

    def _encoded(self, kind: str, **fields: object) -> memoryview:
        return self.types.encode(self.types.make(kind, **fields), kind)
