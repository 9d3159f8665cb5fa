"""Serialized image messages to RGB arrays."""

from collections.abc import Callable

import numpy as np

from emotion_recognition.sensors.cdr import read_compressed_image, read_image
from emotion_recognition.sensors.images import decode_compressed, decode_image

_CV_BRIDGE_PIXEL_BYTES = {"rgb8": 3, "bgr8": 3, "mono8": 1}
Decoder = Callable[[bytes], np.ndarray]


def _raw(message: bytes) -> np.ndarray:
    image = read_image(message)
    return decode_image(image.encoding, image.width, image.height, image.step, image.data, image.is_bigendian)


def _compressed(message: bytes) -> np.ndarray:
    image = read_compressed_image(message)
    return decode_compressed(image.format, image.data)


def _with_cv_bridge() -> Decoder:
    try:
        from cv_bridge import CvBridge, CvBridgeError
    except ImportError as error:
        raise ImportError(
            f"image_decoder is cv_bridge, which cannot be imported ({error}): install cv_bridge or use numpy"
        ) from error
    from rclpy.serialization import deserialize_message
    from sensor_msgs.msg import Image

    bridge = CvBridge()

    def decode(message: bytes) -> np.ndarray:
        image = read_image(message)
        row = image.width * _CV_BRIDGE_PIXEL_BYTES.get(image.encoding, 0)
        # Padded rows come out of cv_bridge sheared, without an error.
        if not row or image.step != row or len(image.data) != row * image.height:
            return _raw(message)
        try:
            return np.ascontiguousarray(bridge.imgmsg_to_cv2(deserialize_message(message, Image), "rgb8"))
        except CvBridgeError:
            return _raw(message)

    return decode


def create_image_decoder(transport: str, decoder: str) -> Decoder:
    """Return a function from a serialized message to (H, W, 3) uint8 RGB, which raises ImageError where it cannot.

    Args:
        transport: ``raw`` (sensor_msgs/Image) or ``compressed`` (sensor_msgs/CompressedImage).
        decoder: ``numpy``, or ``cv_bridge`` for the raw messages that it converts exactly.

    Raises:
        ImportError: cv_bridge is asked for and not installed.
    """
    if transport == "compressed":
        return _compressed
    return _with_cv_bridge() if decoder == "cv_bridge" else _raw
