"""Pixels of camera messages, raw or compressed, as RGB arrays.

Encoding names are those of sensor_msgs (image_encodings.hpp). Rows may be padded: they are read by their stride, so the
result is exact whatever ``step`` is.
"""

import io
import re
import struct
import zlib

import numpy as np
from PIL import Image

MAX_PIXELS = 64_000_000

# Bytes a pixel, and the channel that gives red, green and blue.
_PACKED = {
    "rgb8": (3, (0, 1, 2)),
    "bgr8": (3, (2, 1, 0)),
    "rgba8": (4, (0, 1, 2)),
    "bgra8": (4, (2, 1, 0)),
    "mono8": (1, (0, 0, 0)),
}
_YUYV = "yuv422_yuy2"
_ALIASES = {"yuyv": _YUYV}
ENCODINGS = (*_PACKED, _YUYV)

# Compressed forms, as Pillow names them, by what the format field of a CompressedImage may call them.
_COMPRESSED = {"jpeg": "JPEG", "jpg": "JPEG", "png": "PNG"}
_EIGHT_BIT_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
_DECODER_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)


class ImageError(ValueError):
    """An image that cannot be decoded; the message says what was found and what was expected."""


def decode_image(encoding: str, width: int, height: int, step: int, data, is_bigendian: bool = False) -> np.ndarray:
    """Decode the fields of a sensor_msgs/Image.

    Args:
        encoding: one of :data:`ENCODINGS`. yuv422_yuy2 is read as BT.601, luma 16 to 235.
        width: columns in pixels.
        height: rows in pixels.
        step: bytes from one row to the next, at least a row's pixels.
        data: ``step * height`` bytes: bytes, array of type 'B' or anything else with a buffer of bytes.
        is_bigendian: has no effect, since every known encoding has samples of one byte.

    Returns:
        (height, width, 3) uint8, RGB, C-contiguous: a copy of the data, or a view of them where they are rgb8 without
        padding and read-only, as bytes are.

    Raises:
        ImageError: the encoding is unknown, a size is zero or too large, or ``step`` or the data do not fit the size.
    """
    name = _ALIASES.get(encoding, encoding)
    if name not in ENCODINGS:
        raise ImageError(f"encoding '{encoding}' is not known; expected one of {', '.join(ENCODINGS)}")
    _check_size(width, height)
    if name == _YUYV and width % 2:
        raise ImageError(f"width {width} is odd; {encoding} holds pixels in pairs and needs an even width")
    pixel_bytes = 2 if name == _YUYV else _PACKED[name][0]
    row_bytes = width * pixel_bytes
    if step < row_bytes:
        raise ImageError(f"step {step} is too small; {width} pixels of {encoding} need at least {row_bytes} bytes")
    buffer = _bytes_of(data)
    if buffer.size != step * height:
        found = "no data" if not buffer.size else f"{buffer.size} bytes of data"
        raise ImageError(f"{found}; expected step {step} x height {height} = {step * height} bytes")
    if name == _YUYV:
        return _yuyv_to_rgb(np.ndarray((height, width // 2, 4), np.uint8, buffer, strides=(step, 4, 1)))
    _, channels = _PACKED[name]
    pixels = np.ndarray((height, width, pixel_bytes), np.uint8, buffer, strides=(step, pixel_bytes, 1))
    if name == "rgb8":
        return pixels.copy() if pixels.flags.writeable or not pixels.flags.c_contiguous else pixels
    rgb = np.empty((height, width, 3), np.uint8)
    for target, source in enumerate(channels):
        rgb[..., target] = pixels[..., source]
    return rgb


def decode_compressed(format: str, data) -> np.ndarray:
    """Decode the fields of a sensor_msgs/CompressedImage: JPEG or PNG with 8 bits a channel.

    Args:
        format: names jpeg or png, as "jpeg" or as image_transport's "bgr8; jpeg compressed bgr8". Which of the two it
            is, the data say.
        data: the file's bytes.

    Returns:
        (height, width, 3) uint8, RGB, C-contiguous.

    Raises:
        ImageError: another format, no data, broken or truncated data, or more than :data:`MAX_PIXELS` pixels.
    """
    words = set(re.findall(r"\w+", format.lower()))
    if not words & _COMPRESSED.keys() or "compresseddepth" in words:
        raise ImageError(f"compressed format '{format}' is not known; expected one that names jpeg or png")
    buffer = _bytes_of(data)
    if not buffer.size:
        raise ImageError(f"no data in a compressed image of format '{format}'; expected a JPEG or PNG file")
    try:
        with Image.open(io.BytesIO(buffer), formats=sorted(set(_COMPRESSED.values()))) as picture:
            _check_size(*picture.size)
            if picture.mode not in _EIGHT_BIT_MODES:
                raise ImageError(f"compressed image of mode {picture.mode}; expected 8 bits a channel")
            # convert() copies a picture that is RGB already.
            return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(f"compressed image too large: {error}; expected at most {MAX_PIXELS} pixels") from error
    except _DECODER_ERRORS as error:
        raise ImageError(
            f"{buffer.size} bytes that are no whole JPEG or PNG file (format '{format}'): {_without_address(error)}"
        ) from error


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise ImageError(f"image of {width} x {height} pixels; expected at least 1 x 1")
    if width * height > MAX_PIXELS:
        raise ImageError(f"image of {width} x {height} pixels; expected at most {MAX_PIXELS} pixels")


def _bytes_of(data) -> np.ndarray:
    try:
        return np.frombuffer(data, np.uint8) if len(data) else np.empty(0, np.uint8)
    except (TypeError, ValueError, BufferError) as error:
        raise ImageError(f"image data of type {type(data).__name__}; expected bytes or an array of bytes") from error


def _without_address(error: Exception) -> str:
    return re.sub(r" ?<_io\.BytesIO object at \w+>", "", str(error))


# BT.601 with luma 16 to 235 and chroma 16 to 240, in units of 1/32 grey level: the sums of the three fit int16.
# https://www.itu.int/rec/R-REC-BT.601
_UNITS = 32
_LEVELS = np.arange(256, dtype=np.float64)
_LUMA = np.rint((_LEVELS - 16) * 255 / 219 * _UNITS + _UNITS / 2).astype(np.int16)
_RED_OF_V, _GREEN_OF_U, _GREEN_OF_V, _BLUE_OF_U = (
    np.rint((_LEVELS - 128) * 255 / 224 * gain * _UNITS).astype(np.int16)
    for gain in (1.402, -0.114 / 0.587 * 1.772, -0.299 / 0.587 * 1.402, 1.772)
)


def _yuyv_to_rgb(pairs: np.ndarray) -> np.ndarray:
    """(H, W / 2, 4) bytes Y0 U Y1 V to (H, W, 3) RGB; both pixels of a pair have its chroma."""
    height, half = pairs.shape[:2]
    u, v = pairs[..., 1], pairs[..., 3]
    rgb = np.empty((height, half, 2, 3), np.uint8)
    luma = _LUMA[pairs[..., ::2]]
    for channel, chroma in enumerate((_RED_OF_V[v], _GREEN_OF_U[u] + _GREEN_OF_V[v], _BLUE_OF_U[u])):
        value = luma + chroma[..., None]
        value >>= 5
        rgb[..., channel] = np.clip(value, 0, 255, out=value)
    return rgb.reshape(height, half * 2, 3)
