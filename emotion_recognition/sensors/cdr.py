"""Camera messages in their serialized form, read without a copy of the pixels.

A subscription that asks for serialized messages gets the bytes of the wire: four bytes that name the encoding, then the
fields in order, each aligned to its own size (Common Data Representation; OMG, DDS-XTypes 1.3, 7.4 and 7.6.3.1.2,
https://www.omg.org/spec/DDS-XTypes/1.3).
"""

import struct
from dataclasses import dataclass

from emotion_recognition.sensors.images import ImageError
from emotion_recognition.stamps import SECOND_NS

# Plain CDR of both versions, which differ only in types of 8 bytes: big, then little endian.
_BYTE_ORDER = {0x0000: ">", 0x0001: "<", 0x0006: ">", 0x0007: "<"}
_PREFIX = 4


@dataclass(frozen=True)
class FrameHeader:
    """A std_msgs/Header: the stamp's seconds and nanoseconds as they were sent, and the frame_id."""

    sec: int
    nanosec: int
    frame_id: str

    @property
    def stamp_ns(self) -> int:
        """The stamp in nanoseconds."""
        return self.sec * SECOND_NS + self.nanosec


@dataclass(frozen=True)
class RawImage:
    """The fields of a sensor_msgs/Image after its header; ``data`` is a view of the message's bytes."""

    height: int
    width: int
    encoding: str
    is_bigendian: bool
    step: int
    data: memoryview


@dataclass(frozen=True)
class CompressedFile:
    """The fields of a sensor_msgs/CompressedImage after its header; ``data`` is a view of the message's bytes."""

    format: str
    data: memoryview


def read_header(message: bytes) -> FrameHeader:
    """Return the header of a serialized message that begins with a std_msgs/Header, whatever follows it.

    Raises:
        ImageError: the bytes end within it, or are of another encoding than plain CDR.
    """
    return _Reader(message).header()


def read_image(message: bytes) -> RawImage:
    """Return a serialized sensor_msgs/Image.

    Raises:
        ImageError: the bytes end before the message does, or are of another encoding than plain CDR.
    """
    reader = _Reader(message)
    reader.header()
    height, width = reader.number("I"), reader.number("I")
    encoding, is_bigendian = reader.text("encoding"), bool(reader.number("B"))
    return RawImage(height, width, encoding, is_bigendian, reader.number("I"), reader.octets("data"))


def read_compressed_image(message: bytes) -> CompressedFile:
    """Return a serialized sensor_msgs/CompressedImage.

    Raises:
        ImageError: the bytes end before the message does, or are of another encoding than plain CDR.
    """
    reader = _Reader(message)
    reader.header()
    return CompressedFile(reader.text("format"), reader.octets("data"))


class _Reader:
    """Reads the fields of a serialized message one after another."""

    def __init__(self, message: bytes):
        self._message = message
        self._at = _PREFIX
        kind = int.from_bytes(message[:2], "big") if len(message) >= _PREFIX else None
        if kind not in _BYTE_ORDER:
            found = f"{len(message)} bytes" if kind is None else f"encoding {kind:#06x}"
            raise ImageError(f"serialized message of {found}; expected plain CDR, {_PREFIX} bytes of prefix and more")
        self._order = _BYTE_ORDER[kind]

    def header(self) -> FrameHeader:
        sec, nanosec = self.number("i"), self.number("I")
        return FrameHeader(sec, nanosec, self.text("frame_id"))

    def number(self, kind: str) -> int:
        size = struct.calcsize(kind)
        # Aligned from the end of the prefix, which is aligned itself.
        self._at += -self._at % size
        self._need(size)
        (value,) = struct.unpack_from(self._order + kind, self._message, self._at)
        self._at += size
        return value

    def octets(self, name: str) -> memoryview:
        return self._take(self.number("I"), name)

    def text(self, name: str) -> str:
        """Return a string; its length counts a zero byte at its end, which some writers leave out when it is empty."""
        octets = bytes(self._take(self.number("I"), name)).removesuffix(b"\0")
        try:
            return octets.decode()
        except UnicodeDecodeError as error:
            raise ImageError(f"{name} {octets[:40]!r}; expected UTF-8") from error

    def _take(self, count: int, name: str) -> memoryview:
        self._need(count, name)
        self._at += count
        return memoryview(self._message)[self._at - count : self._at]

    def _need(self, count: int, name: str = "its fields") -> None:
        left = len(self._message) - self._at
        if count > left:
            raise ImageError(
                f"serialized message of {len(self._message)} bytes ends within {name}: {count} bytes expected, "
                f"{max(left, 0)} left"
            )
