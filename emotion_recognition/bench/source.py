"""A camera and a microphone that play the bundled recording's face and voice without end, stamped as sent.

``python -m emotion_recognition.bench.source --rate 30 --namespace /bench`` publishes image (rgb8, 640x480),
audio_stamped (S16LE at 16 kHz in chunks of 20 ms) and audio_info until SIGINT, then prints what it sent as JSON.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from array import array

import numpy as np

from emotion_recognition.bench.material import Material, load_material
from emotion_recognition.stamps import SECOND_NS

RATE, CHUNK = 16000, 320
CHUNK_NS = CHUNK * SECOND_NS // RATE
PATIENCE_S = 60.0
FORMAT_FIRST_S = 0.5  # from the sound's format to the sound
CAMERA, MICROPHONE = "bench_camera", "bench_microphone"


class Source:
    """Publishes by a clock that does not drift: what is due is sent, a camera frame missed by a whole period is not.

    Args:
        node: an rclpy node.
        material: what is seen and heard.
        rate: camera frames a second.
    """

    def __init__(self, node, material: Material, rate: float):
        from audio_common_msgs.msg import AudioDataStamped, AudioInfo
        from sensor_msgs.msg import Image

        from emotion_recognition.nodes import qos

        self._node, self._material, self._rate = node, material, rate
        self._images = node.create_publisher(Image, "image", qos.IMAGE)
        self._sound = node.create_publisher(AudioDataStamped, "audio_stamped", qos.AUDIO)
        self._infos = node.create_publisher(AudioInfo, "audio_info", qos.AUDIO_INFO_LATCHED)
        self._info = AudioInfo(channels=1, sample_rate=RATE, sample_format="S16LE", bitrate=256, coding_format="wave")
        height, width = material.frames.shape[1:3]
        # Made beforehand, so that a camera costs little of the machine that is measured.
        self._frames = [
            Image(height=height, width=width, encoding="rgb8", step=3 * width, data=array("B", rgb.tobytes()))
            for rgb in material.frames
        ]
        self.image_stamps_ns: list[int] = []
        self.sound_stamps_ns: list[int] = []
        self.missed = 0
        self._late_s: list[float] = []

    def play(self, stop: threading.Event) -> bool:
        """Publish until ``stop``, once somebody listens to all; return whether somebody did within PATIENCE_S."""
        end = time.monotonic() + PATIENCE_S
        outputs = self._images, self._sound, self._infos
        while not all(output.get_subscription_count() for output in outputs):
            if stop.wait(0.02) or time.monotonic() > end:
                return False
        self._infos.publish(self._info)
        stop.wait(FORMAT_FIRST_S)
        began_s, began_ns = time.monotonic(), self._node.get_clock().now().nanoseconds
        image = chunk = 0
        while not stop.is_set():
            image_due_s, chunk_due_s = began_s + image / self._rate, began_s + (chunk + 1) * CHUNK_NS / SECOND_NS
            due_s = min(image_due_s, chunk_due_s)
            if due_s > time.monotonic() and stop.wait(due_s - time.monotonic()):
                break
            if chunk_due_s <= image_due_s:
                self._send_chunk(chunk, began_ns + chunk * CHUNK_NS)
                chunk += 1
                continue
            late_s = time.monotonic() - image_due_s
            self._late_s.append(late_s)
            skip = int(late_s * self._rate)
            self.missed += skip
            image += skip
            self._send_image(image)
            image += 1
        self.seconds = time.monotonic() - began_s
        return True

    def _send_image(self, number: int) -> None:
        from emotion_recognition.nodes.conversions import to_time

        message = self._frames[self._material.frame(number / self._rate)]
        stamp = self._node.get_clock().now().nanoseconds
        message.header.stamp, message.header.frame_id = to_time(stamp), CAMERA
        self._images.publish(message)
        self.image_stamps_ns.append(stamp)

    def _send_chunk(self, number: int, stamp_ns: int) -> None:
        from audio_common_msgs.msg import AudioData, AudioDataStamped
        from std_msgs.msg import Header

        from emotion_recognition.nodes.conversions import to_time

        samples = self._material.sound_at(number * CHUNK, CHUNK).astype("<i2")
        header = Header(stamp=to_time(stamp_ns), frame_id=MICROPHONE)
        self._sound.publish(AudioDataStamped(header=header, audio=AudioData(data=array("B", samples.tobytes()))))
        self.sound_stamps_ns.append(stamp_ns)

    def report(self) -> dict:
        """Return what was sent: stamps, seconds, camera frames missed, and how late 95 % of the others were at most."""
        return {
            "image_stamps_ns": self.image_stamps_ns,
            "sound_stamps_ns": self.sound_stamps_ns,
            "seconds": self.seconds,
            "missed": self.missed,
            "late_p95_ms": 1e3 * float(np.percentile(self._late_s, 95)) if self._late_s else 0.0,
        }


def main(args: list[str] | None = None) -> int:
    """Publish until a signal; return the exit code, 1 where nobody listened."""
    parser = argparse.ArgumentParser(prog="bench.source", description=__doc__)
    parser.add_argument("--rate", type=float, default=30.0, help="camera frames a second")
    parser.add_argument("--namespace", default="", help="namespace of the topics")
    options = parser.parse_args(args)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    from emotion_recognition.nodes.running import prepare_environment

    prepare_environment()
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node("bench_source", namespace=options.namespace)
    source = Source(node, load_material(), options.rate)
    heard = source.play(stop)
    print(json.dumps(source.report()) if heard else f"nobody listened within {PATIENCE_S} s", flush=True)
    node.destroy_node()
    rclpy.try_shutdown()
    return 0 if heard else 1


if __name__ == "__main__":
    sys.exit(main())
