"""Camera messages serialized by hand, in either byte order."""

import struct


class Writer:
    """Plain CDR: a prefix that names the encoding, then fields aligned to their size."""

    def __init__(self, big: bool = False, version: int = 1):
        self.order = ">" if big else "<"
        self.octets = bytes([0, (0 if version == 1 else 6) + (not big), 0, 0])

    def number(self, kind: str, value: int) -> "Writer":
        size = struct.calcsize(kind)
        body = len(self.octets) - 4
        self.octets += bytes(-body % size) + struct.pack(self.order + kind, value)
        return self

    def block(self, octets: bytes) -> "Writer":
        self.number("I", len(octets))
        self.octets += octets
        return self

    def text(self, text: str) -> "Writer":
        return self.block(text.encode() + b"\0")


def header(writer: Writer, stamp_ns: int, frame_id: str) -> Writer:
    return writer.number("i", stamp_ns // 10**9).number("I", stamp_ns % 10**9).text(frame_id)


def image(stamp_ns, frame_id, height, width, encoding, bigendian, step, data, **how) -> bytes:
    """Return a sensor_msgs/Image."""
    writer = header(Writer(**how), stamp_ns, frame_id).number("I", height).number("I", width).text(encoding)
    return writer.number("B", bigendian).number("I", step).block(data).octets


def compressed_image(stamp_ns, frame_id, format, data, **how) -> bytes:
    """Return a sensor_msgs/CompressedImage."""
    return header(Writer(**how), stamp_ns, frame_id).text(format).block(data).octets
