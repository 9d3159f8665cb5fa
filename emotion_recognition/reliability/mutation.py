"""Ways to break a message: its fields, or the bytes it travels as.

Every choice comes from a ``random.Random``: one with a seed makes a run that can be repeated, and hypothesis's
``randoms(use_true_random=False)`` makes cases that it can shrink. Messages are those of rosidl's Python generator.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np

from emotion_recognition.stamps import SECOND_NS

# Words that mean something to one node or another, and strings that mean nothing to any.
WORDS = (
    "", "\0", "\ufffd\u0000\u202e", "é" * 300, "x" * 5000, "/", "nan",
    "rgb8", "bgr8", "rgba8", "bgra8", "mono8", "mono16", "16UC1", "32FC1", "bayer_rggb8", "yuv422_yuy2", "nv21",
    "jpeg", "png", "rgb8; jpeg compressed bgr8", "h264",
    "wave", "mp3", "S16LE", "S8", "U8", "S24LE", "S24_32BE", "F32LE", "F64BE",
    "face_1", "voice", "happy", "unknown", "camera",
)  # fmt: skip
FLOATS = (
    math.nan, math.inf, -math.inf, 0.0, -0.0, 1.4e-45, 3.4028234e38, -3.4028234e38, 1.0, -1.0, 0.5, 2.0, -120.0, 1e9,
)  # fmt: skip
LENGTHS = (0, 1, 2, 3, 7, 8, 63, 1000, 150_528, 1 << 20)
LONGEST_LIST = 40
# What four bytes that are a length, a size or a time may be told to be.
WORDS_OF_4_BYTES = (0, 1, 2, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
# The structure of a message lies at its beginning; the rest is pixels and samples.
STRUCTURE = 256

_BITS = {
    "boolean": (0, 1), "octet": (0, 255), "char": (0, 255), "uint8": (0, 255), "int8": (-128, 127),
    "uint16": (0, 2**16 - 1), "int16": (-(2**15), 2**15 - 1), "uint32": (0, 2**32 - 1), "int32": (-(2**31), 2**31 - 1),
    "uint64": (0, 2**64 - 1), "int64": (-(2**63), 2**63 - 1),
}  # fmt: skip
_FLOATING = ("float", "double")
_MANY = re.compile(r"sequence<(?P<sequence>[^,>]+)(?:, *\d+)?>|(?P<array>[^\[]+)\[(?P<count>\d+)\]")


def leaves(message: Any) -> Iterator[tuple[Any, str, str]]:
    """Yield every field of a message and of the messages in it that is not a message itself: holder, name, type."""
    for name, kind in message.get_fields_and_field_types().items():
        value = getattr(message, name)
        many = _MANY.fullmatch(kind)
        inner = (many["sequence"] or many["array"]) if many else kind
        if "/" not in inner:
            yield message, name, kind
        elif many is None:
            yield from leaves(value)
        else:
            if many["sequence"]:
                yield message, name, kind
            for one in value:
                yield from leaves(one)


def change_fields(message: Any, random: Random, count: int) -> None:
    """Give up to ``count`` fields of a message, chosen at random, values that nobody expects."""
    for _ in range(count):
        # Looked up again each time: a list of messages may have changed.
        holder, name, kind = random.choice(list(leaves(message)))
        setattr(holder, name, _another(getattr(holder, name), kind, random))


def _another(value: Any, kind: str, random: Random) -> Any:
    many = _MANY.fullmatch(kind)
    if many is None:
        return _another_one(value, kind, random)
    if many["array"]:
        return _with_some_changed(list(value), many["array"], random)
    inner = many["sequence"]
    if "/" in inner:
        return _relisted(list(value), random)
    if inner == "string":
        return _with_some_changed(_relisted(list(value), random), inner, random)
    return _another_sequence(value, inner, random)


def _another_one(value: Any, kind: str, random: Random) -> Any:
    if kind == "string":
        return random.choice(WORDS)
    if kind in _FLOATING:
        return random.choice((*FLOATS, -float(value), float(np.float32(value)) / 2))
    if kind == "boolean":
        return not value
    low, high = _BITS[kind]
    around = int(value) + random.choice((-1, 1, 16))
    return min(high, max(low, random.choice((low, high, 0, 1, 2, high // 2 + 1, around, random.randint(low, high)))))


def _with_some_changed(values: list, kind: str, random: Random) -> list:
    for _ in range(random.randint(1, 3) if values else 0):
        place = random.randrange(len(values))
        values[place] = _another_one(values[place], kind, random)
    return values


def _relisted(values: list, random: Random) -> list:
    """Return a list with members dropped, repeated or in another order."""
    how = random.randrange(4)
    if how == 0 or not values:
        return []
    if how == 1:
        return values[: random.randrange(len(values))]
    if how == 2:
        return (values * random.randint(2, 9))[:LONGEST_LIST]
    return values[::-1]


def _another_sequence(value: Any, kind: str, random: Random) -> array:
    """Return numbers of another count, or with some changed, or all of one value."""
    out = array(array_code(kind), value)
    how = random.randrange(4)
    if how == 0:
        length = random.choice((*LENGTHS, len(out) - 1, len(out) + 1, 2 * len(out)))
        whole = out or array(out.typecode, [0])
        return (whole * (max(0, length) // len(whole) + 1))[: max(0, length)]
    if how == 1:
        return array(out.typecode, [_another_one(out[0] if out else 0, kind, random)]) * len(out)
    for _ in range(random.randint(1, 8) if out else 0):
        place = random.randrange(len(out))
        out[place] = _another_one(out[place], kind, random)
    return out


def array_code(kind: str) -> str:
    """Return the type code of the array in which rosidl keeps a sequence of a basic type."""
    return {
        "float": "f", "double": "d", "uint8": "B", "octet": "B", "int8": "b", "uint16": "H", "int16": "h",
        "uint32": "I", "int32": "i", "uint64": "Q", "int64": "q",
    }[kind]  # fmt: skip


def change_bytes(data: bytes, random: Random) -> bytes:
    """Return the bytes of a serialized message with something done to them, mostly near their beginning."""
    out = bytearray(data)
    for _ in range(random.randint(1, 4)):
        if not out:
            break
        near = random.random() < 0.8
        place = random.randrange(min(len(out), STRUCTURE) if near else len(out))
        how = random.randrange(8)
        if how == 0:
            out[place] ^= 1 << random.randrange(8)
        elif how == 1:
            out[place] = random.randrange(256)
        elif how <= 3:
            start = place // 4 * 4
            out[start : start + 4] = random.choice(WORDS_OF_4_BYTES).to_bytes(4, "little")
        elif how == 4:
            del out[place:]
        elif how == 5:
            del out[place : place + random.choice((1, 4, 16, 1000))]
        elif how == 6:
            out[place:place] = random.randbytes(random.choice((1, 4, 16, 1000)))
        else:
            out[place : place + 16] = random.randbytes(16)
    return bytes(out)


def shift_times(message: Any, by_ns: int) -> None:
    """Move every time in a message; none goes below 0 or beyond what a message can hold."""
    for name, kind in message.get_fields_and_field_types().items():
        value = getattr(message, name)
        if kind == "builtin_interfaces/Time":
            time_ns = value.sec * SECOND_NS + value.nanosec + by_ns
            value.sec, value.nanosec = divmod(min(max(time_ns, 0), (2**31 - 1) * SECOND_NS), SECOND_NS)
        elif "/" in kind and not _MANY.fullmatch(kind):
            shift_times(value, by_ns)
