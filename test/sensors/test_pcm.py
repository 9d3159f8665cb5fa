import struct
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.sensors.pcm import SAMPLE_FORMATS, AudioError, check_samples, decode_pcm

# format: (bytes of one sample, its value): negative full scale, zero, half, and one step
KNOWN = [
    ("S8", b"\x80", -1.0), ("S8", b"\x40", 0.5), ("S8", b"\x01", 2**-7),
    ("U8", b"\x00", -1.0), ("U8", b"\x80", 0.0), ("U8", b"\xc0", 0.5),
    ("S16LE", b"\x00\x80", -1.0), ("S16LE", b"\x00\x40", 0.5), ("S16LE", b"\x01\x00", 2**-15),
    ("S16BE", b"\x80\x00", -1.0), ("S16BE", b"\x40\x00", 0.5), ("S16BE", b"\x00\x01", 2**-15),
    ("U16LE", b"\x00\x00", -1.0), ("U16LE", b"\x00\xc0", 0.5), ("U16BE", b"\x80\x00", 0.0),
    ("S24LE", b"\x00\x00\x80", -1.0), ("S24LE", b"\x00\x00\x40", 0.5), ("S24LE", b"\x01\x00\x00", 2**-23),
    ("S24LE", b"\xff\xff\xff", -(2**-23)), ("S24BE", b"\x40\x00\x00", 0.5), ("S24BE", b"\x00\x00\x01", 2**-23),
    ("S24_32LE", b"\x00\x00\x80\x00", -1.0), ("S24_32LE", b"\x00\x00\x40\xab", 0.5),
    ("S24_32BE", b"\xab\x40\x00\x00", 0.5),
    ("S32LE", b"\x00\x00\x00\x80", -1.0), ("S32BE", b"\x40\x00\x00\x00", 0.5),
    ("F32LE", struct.pack("<f", -0.25), -0.25), ("F32BE", struct.pack(">f", 0.75), 0.75),
    ("F64LE", struct.pack("<d", -0.125), -0.125), ("F64BE", struct.pack(">d", 0.625), 0.625),
]  # fmt: skip


@pytest.mark.parametrize(("name", "octets", "value"), KNOWN)
def test_known_bytes_give_known_values(name, octets, value):
    for written in (name, name.lower(), f" {name} "):
        decoded = decode_pcm(octets * 3, written, 1)
        assert decoded.dtype == np.float32
        assert decoded.tolist() == [[value]] * 3


def test_every_format_is_covered():
    assert {name for name, _, _ in KNOWN} == set(SAMPLE_FORMATS)


def test_channels_are_interleaved():
    data = np.array([[1, -2], [3, -4], [5, -6]], "<i2").tobytes()
    assert (decode_pcm(data, "S16LE", 2) * 32768).tolist() == [[1, -2], [3, -4], [5, -6]]


@pytest.mark.parametrize(
    "kind", [bytes, bytearray, memoryview, list, lambda d: array("B", d), lambda d: np.frombuffer(d, np.uint8)]
)
def test_any_kind_of_bytes(kind):
    assert decode_pcm(kind(b"\x00\x40\x00\xc0"), "S16LE", 1).tolist() == [[0.5], [-0.5]]


@pytest.mark.parametrize(("data", "name", "channels", "coding", "text"), [
    (b"", "S16LE", 1, "wave", "without bytes"),
    ([], "S16LE", 1, "wave", "without bytes"),
    (b"\0\0\0", "S16LE", 1, "wave", "3 bytes"),
    (b"\0\0", "S16LE", 2, "wave", "2-channel S16LE frames of 4 bytes"),
    (b"\0\0", "S17", 1, "wave", "'S17'.*S16LE"),
    (b"\0\0", "", 1, "wave", "expected one of"),
    (b"\0\0", "S16LE", 0, "wave", "0 channels"),
    (b"\0\0", "S16LE", 65, "wave", "65 channels"),
    (b"ID3", "S16LE", 1, "mp3", "'mp3' is compressed"),
    (struct.pack("<f", np.nan), "F32LE", 1, "wave", "NaN"),
    (struct.pack("<d", -np.inf), "F64LE", 1, "wave", "NaN or infinity"),
    (struct.pack("<f", 20000.0), "F32LE", 1, "wave", "divide integers"),
    ("text", "S16LE", 1, "wave", "type str"),
])  # fmt: skip
def test_bad_input_is_named(data, name, channels, coding, text):
    with pytest.raises(AudioError, match=text):
        decode_pcm(data, name, channels, coding)


def test_floats_over_full_scale_are_clipped():
    assert decode_pcm(struct.pack("<2f", 1.5, -3.0), "F32LE", 1).tolist() == [[1.0], [-1.0]]


def test_check_samples_takes_mono_and_refuses_the_rest():
    assert check_samples(np.array([0.25, -0.5])).tolist() == [[0.25], [-0.5]]
    for bad in (np.zeros((2, 2, 2)), np.zeros((0, 1)), np.zeros(4, np.int16), np.array([[np.inf]])):
        with pytest.raises(AudioError):
            check_samples(bad)


@given(st.binary(max_size=64), st.sampled_from(SAMPLE_FORMATS), st.integers(-1, 5))
def test_any_bytes_give_samples_in_range_or_a_clear_error(data, name, channels):
    try:
        decoded = decode_pcm(data, name, channels)
    except AudioError as error:
        assert str(error)
    else:
        assert decoded.shape[1] == channels
        assert decoded.size and np.isfinite(decoded).all() and np.abs(decoded).max() <= 1.0


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=50))
def test_16_bit_sound_survives_exactly(values):
    decoded = decode_pcm(np.array(values, "<i2").tobytes(), "S16LE", 1)
    assert (decoded[:, 0] * 32768).tolist() == values
