"""Image messages to RGB arrays."""

from collections.abc import Callable

import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from emotion_recognition.sensors.images import decode_compressed, decode_image

_CV_BRIDGE_PIXEL_BYTES = {"rgb8": 3, "bgr8": 3, "mono8": 1}


def _raw(message: Image) -> np.ndarray:
    return decode_image(
        message.encoding, message.width, message.height, message.step, message.data, bool(message.is_bigendian)
    )


def _compressed(message: CompressedImage) -> np.ndarray:
    return decode_compressed(message.format, message.data)


def _with_cv_bridge() -> Callable[[Image], np.ndarray]:
    try:
        from cv_bridge import CvBridge, CvBridgeError
    except ImportError as error:
        raise ImportError(
            f"image_decoder is cv_bridge, which cannot be imported ({error}): install cv_bridge or use numpy"
        ) from error
    bridge = CvBridge()

    def decode(message: Image) -> np.ndarray:
        row = message.width * _CV_BRIDGE_PIXEL_BYTES.get(message.encoding, 0)
        # Padded rows come out of cv_bridge sheared, without an error.
        if not row or message.step != row or len(message.data) != row * message.height:
            return _raw(message)
        try:
            return np.ascontiguousarray(bridge.imgmsg_to_cv2(message, "rgb8"))
        except CvBridgeError:
            return _raw(message)

    return decode


def create_image_decoder(transport: str, decoder: str) -> Callable[[Image | CompressedImage], np.ndarray]:
    """Return a function from a message to (H, W, 3) uint8 RGB, which raises ImageError for a message it cannot decode.

    Args:
        transport: ``raw`` or ``compressed``.
        decoder: ``numpy``, or ``cv_bridge`` for the raw messages that it converts exactly.

    Raises:
        ImportError: cv_bridge is asked for and not installed.
    """
    if transport == "compressed":
        return _compressed
    return _with_cv_bridge() if decoder == "cv_bridge" else _raw
