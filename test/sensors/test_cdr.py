import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

import serialized  # noqa: E402

from emotion_recognition.sensors import (  # noqa: E402
    ImageError,
    decode_image,
    read_compressed_image,
    read_header,
    read_image,
)

STAMPS = st.integers(-(2**31) * 10**9, (2**31) * 10**9 - 1)
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
HOW = st.fixed_dictionaries({"big": st.booleans(), "version": st.sampled_from([1, 2])})
UINT32 = st.integers(0, 2**32 - 1)
EXAMPLE = serialized.image(1_500_000_000, "eye", 2, 3, "rgb8", 0, 9, bytes(range(18)))


@settings(deadline=None, max_examples=80)
@given(STAMPS, NAMES, UINT32, UINT32, NAMES, st.integers(0, 1), UINT32, st.binary(max_size=60), HOW)
def test_images_of_either_byte_order_are_read(stamp, frame_id, height, width, encoding, bigendian, step, data, how):
    message = serialized.image(stamp, frame_id, height, width, encoding, bigendian, step, data, **how)
    header, found = read_header(message), read_image(message)
    assert (header.stamp_ns, header.frame_id) == (stamp, frame_id)
    assert (header.sec, header.nanosec) == (stamp // 10**9, stamp % 10**9)
    assert (found.height, found.width, found.encoding) == (height, width, encoding)
    assert (found.is_bigendian, found.step, found.data) == (bool(bigendian), step, data)


@settings(deadline=None, max_examples=40)
@given(STAMPS, NAMES, NAMES, st.binary(max_size=60), HOW)
def test_compressed_images_are_read(stamp, frame_id, format, data, how):
    message = serialized.compressed_image(stamp, frame_id, format, data, **how)
    header, found = read_header(message), read_compressed_image(message)
    assert (header.stamp_ns, header.frame_id, found.format, found.data) == (stamp, frame_id, format, data)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("frame_id", ["", "a", "ab", "abc", "abcd"])
def test_a_message_cut_off_anywhere_is_refused(big, frame_id):
    image = serialized.image(1_500_000_000, frame_id, 2, 3, "rgb8", 0, 9, bytes(18), big=big)
    packed = serialized.compressed_image(1_500_000_000, frame_id, "png", bytes(18), big=big)
    for message, read in ((image, read_image), (packed, read_compressed_image)):
        for end in range(len(message)):
            with pytest.raises(ImageError, match="serialized message of .* expected"):
                read(message[:end])
        read(message + b"\0\0\0")  # a writer may fill up to a multiple of four
    for end in range(len(serialized.header(serialized.Writer(big), 1, frame_id).octets)):
        with pytest.raises(ImageError):
            read_header(image[:end])


def test_a_length_beyond_the_end_is_named():
    message = bytearray(EXAMPLE)
    message[12:16] = (2**31).to_bytes(4, "little")
    with pytest.raises(ImageError, match=f"{len(EXAMPLE)} bytes ends within frame_id: 2147483648 bytes expected"):
        read_header(bytes(message))


@pytest.mark.parametrize("prefix", [b"\x00\x02", b"\x00\x0a", b"\xff\xff"])
def test_other_encodings_are_refused(prefix):
    with pytest.raises(ImageError, match=f"0x{prefix.hex()}; expected plain CDR"):
        read_header(prefix + EXAMPLE[2:])


def test_a_name_that_is_no_text_is_refused():
    message = EXAMPLE.replace(b"eye", b"\xff\xfe\xfd")
    with pytest.raises(ImageError, match="frame_id .*expected UTF-8"):
        read_header(message)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(garbage):
    for octets in (garbage, EXAMPLE[:4] + garbage, EXAMPLE[:30] + garbage):
        for read in (read_header, read_image, read_compressed_image):
            try:
                read(octets)
            except ImageError as error:
                assert "expected" in str(error)


def test_pixels_are_decoded_where_they_lie():
    found = read_image(EXAMPLE)
    pixels = decode_image(found.encoding, found.width, found.height, found.step, found.data)
    assert np.array_equal(pixels, np.arange(18).reshape(2, 3, 3))
    assert np.shares_memory(pixels, np.frombuffer(EXAMPLE, np.uint8)) and not pixels.flags.writeable
