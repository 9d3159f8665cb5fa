"""What a camera and a microphone send, as messages; the message types are imported when one is made."""

from __future__ import annotations

import io
from array import array
from typing import Any

import numpy as np

from emotion_recognition.reliability.judging import stamp_ns
from emotion_recognition.sensors.cdr import read_header
from emotion_recognition.sensors.images import ImageError


def header(time_ns: int, frame_id: str) -> Any:
    """Return a std_msgs/Header."""
    from std_msgs.msg import Header

    from emotion_recognition.nodes.conversions import to_time

    return Header(stamp=to_time(time_ns), frame_id=frame_id)


def image_message(rgb: np.ndarray, time_ns: int, frame_id: str, encoding: str = "rgb8") -> Any:
    """Return an (H, W, 3) uint8 RGB picture as a sensor_msgs/Image in encoding rgb8, bgr8 or mono8."""
    from sensor_msgs.msg import Image

    pixels = {"rgb8": rgb, "bgr8": rgb[..., ::-1], "mono8": rgb[..., 1]}[encoding]
    height, width = rgb.shape[:2]
    return Image(
        header=header(time_ns, frame_id), height=height, width=width, encoding=encoding,
        step=width * (pixels.size // (height * width)), data=array("B", pixels.tobytes()),
    )  # fmt: skip


def compressed_message(rgb: np.ndarray, time_ns: int, frame_id: str) -> Any:
    """Return an (H, W, 3) uint8 RGB picture as a sensor_msgs/CompressedImage, JPEG."""
    from PIL import Image as Picture
    from sensor_msgs.msg import CompressedImage

    stream = io.BytesIO()
    Picture.fromarray(rgb).save(stream, "jpeg")
    return CompressedImage(
        header=header(time_ns, frame_id), format="rgb8; jpeg compressed", data=array("B", stream.getvalue())
    )


def audio_message(samples: np.ndarray, time_ns: int, frame_id: str) -> Any:
    """Return samples, int16 (n,) or (n, channels), as an AudioDataStamped."""
    from audio_common_msgs.msg import AudioData, AudioDataStamped

    data = AudioData(data=array("B", np.ascontiguousarray(samples, "<i2").tobytes()))
    return AudioDataStamped(header=header(time_ns, frame_id), audio=data)


def audio_info(rate: int = 16000, channels: int = 1) -> Any:
    """Return the AudioInfo of 16-bit sound."""
    from audio_common_msgs.msg import AudioInfo

    return AudioInfo(
        channels=channels, sample_rate=rate, sample_format="S16LE", bitrate=rate * channels * 16 // 1000,
        coding_format="wave",
    )  # fmt: skip


def origin_of(message: Any) -> tuple[str, int] | None:
    """Return frame_id and stamp (nanoseconds) of a message with a header, or of the bytes of an image.

    None where there are none.
    """
    if isinstance(message, bytes):
        try:
            found = read_header(message)
        except ImageError:
            return None
        frame_id, stamp = found.frame_id, found.stamp_ns
    elif hasattr(message, "header"):
        frame_id, stamp = message.header.frame_id, stamp_ns(message.header.stamp)
    else:
        return None
    # A string ends with its first zero where it is sent.
    return frame_id.split("\0")[0], stamp
