"""Node: a media file, or a camera and a microphone, as image and audio topics with true stamps."""

import threading
import time
from array import array

import numpy as np
from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from emotion_recognition.nodes import qos
from emotion_recognition.nodes.base import PerceptionNode
from emotion_recognition.nodes.conversions import to_time
from emotion_recognition.nodes.running import EXIT_FAILED, EXIT_OK, spin_nodes

INFO_PERIOD_S = 1.0
# Time for the last samples of a file to pass through the nodes before those who wait for the end are told.
LINGER_S = 1.0
# A device that failed is opened again this often: a USB device that was reset is back after a second or two.
REOPEN_S = 2.0


class MediaSourceNode(PerceptionNode):
    """Plays a file at its own speed, or passes on what camera and microphone capture.

    A file's item is stamped with the ROS time at which playing began plus the item's time in the file; a device's with
    the time of its capture. A device that fails is opened again until it is back. ``finished`` is set when a file has
    ended, ``failed`` where the source could not be read.
    """

    NAME = "media_source"

    def __init__(self, **kwargs):
        """Declare the parameters; the source is opened on configuration."""
        self.finished = threading.Event()
        self.failed = False
        self._source = None
        super().__init__(**kwargs)

    @property
    def tries_again(self) -> bool:
        """A device may be plugged in later; a file that cannot be played, or no source at all, ends the process."""
        p = self.parameters
        return not p["media"] and bool(p["camera"] or p["microphone"])

    def configure(self) -> None:
        """Open the source."""
        self._stopping = threading.Event()
        self._player: threading.Thread | None = None
        self._live = not self.parameters["media"]
        self._source = self._open()
        self._info: AudioInfo | None = None
        self._images = self.advertise(Image, "image", qos.IMAGE) if self._source.has_video else None
        if self._source.has_audio:
            self._sound = self.advertise(AudioDataStamped, "audio_stamped", qos.AUDIO)
            self._infos = self.advertise(AudioInfo, "audio_info", qos.AUDIO_INFO_LATCHED)

    def _open(self):
        from emotion_recognition.sensors.devices import LiveSource
        from emotion_recognition.sensors.media import MediaSource

        p = self.parameters
        if not self._live:
            return MediaSource(p["media"])
        report = self.get_logger().warning
        return LiveSource(p["camera"] or None, p["microphone"] or None, reopen_s=REOPEN_S, report=report)

    def activate(self) -> None:
        """Begin to play, from the start after a deactivation."""
        if self._source is None:
            self._source = self._open()
        self._stopping.clear()
        self.finished.clear()
        self._player = threading.Thread(target=self._play, args=(self._source,), name="player", daemon=True)
        self._player.start()
        if self._source.has_audio:
            self.every(INFO_PERIOD_S, self._tell_format)

    def forget(self) -> None:
        """End playing."""
        if getattr(self, "_player", None) is not None:
            self._stopping.set()
            if self._live:  # a player that waits for a device hears only this
                self._source.close()
            self._player.join(2.0)
            self._player = None
        if self._source is not None:
            self._source.close()
            self._source = None

    def _tell_format(self) -> None:
        if self._info is not None:
            self._infos.publish(self._info)

    def _play(self, source) -> None:
        try:
            if self._wait_for_listeners():
                self._publish_all(source)
        except ValueError as error:
            self.failed = True
            self.get_logger().error(str(error))
        if not self._live:  # a device's have been told when they happened
            for problem in source.problems:
                self.get_logger().warning(problem)
        if not self._stopping.wait(LINGER_S):
            self.finished.set()

    def _wait_for_listeners(self) -> bool:
        """Wait until somebody listens to the emotions and to this node; return whether playing may begin."""
        if not self.parameters["wait_for_subscriber"]:
            return True
        outputs = [publisher for publisher in (self._images, getattr(self, "_sound", None)) if publisher]
        emotion = self.resolve_topic_name("emotion")
        while not self._stopping.is_set():
            if self.count_subscribers(emotion) and all(output.get_subscription_count() for output in outputs):
                return True
            self._stopping.wait(0.02)
        return False

    def _publish_all(self, source) -> None:
        from emotion_recognition.sensors.media import VideoFrame

        began_ns = None
        began_s = time.monotonic()
        for item in source:
            if self._stopping.is_set():
                return
            if began_ns is None:
                began_ns = source.start_wall_ns if self._live else self.get_clock().now().nanoseconds
                began_s = time.monotonic()
            # What a file holds for a time has been captured when that time is over, as a device would have it.
            due_s = began_s + getattr(item, "end_ns", item.time_ns) / 1e9
            if not self._live and self._stopping.wait(max(0.0, due_s - time.monotonic())):
                return
            header = Header(stamp=to_time(began_ns + item.time_ns))
            if isinstance(item, VideoFrame):
                header.frame_id = self.parameters["camera_frame_id"]
                if self._images.get_subscription_count():
                    self._images.publish(_image(header, item.rgb))
            else:
                header.frame_id = self.parameters["microphone_frame_id"]
                self._set_format(item.rate, item.samples.shape[1])
                data = AudioData(data=array("B", item.samples.astype("<i2").tobytes()))
                self._sound.publish(AudioDataStamped(header=header, audio=data))

    def _set_format(self, rate: int, channels: int) -> None:
        if self._info is not None and (self._info.sample_rate, self._info.channels) == (rate, channels):
            return
        self._info = AudioInfo(
            channels=channels,
            sample_rate=rate,
            sample_format="S16LE",
            bitrate=16 * rate * channels // 1000,
            coding_format="wave",
        )
        self._infos.publish(self._info)


def _image(header: Header, rgb) -> Image:
    height, width = rgb.shape[:2]
    data = array("B")
    data.frombytes(np.ascontiguousarray(rgb))
    return Image(header=header, height=height, width=width, encoding="rgb8", step=3 * width, data=data)


def main(args: list[str] | None = None) -> int:
    """Run the node until its file has ended or it is interrupted; return the exit code, 1 for an unreadable source."""
    nodes: list[MediaSourceNode] = []

    def make() -> MediaSourceNode:
        nodes.append(MediaSourceNode())
        return nodes[-1]

    code = spin_nodes([make], args, until=lambda _: nodes[0].finished.is_set(), images=True)
    return EXIT_FAILED if code == EXIT_OK and any(node.failed for node in nodes) else code
