import array
import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from emotion_recognition.sensors import images
from emotion_recognition.sensors.images import ImageError, decode_compressed, decode_image

CHANNELS = {"rgb8": (0, 1, 2), "bgr8": (2, 1, 0), "rgba8": (0, 1, 2, None), "bgra8": (2, 1, 0, None)}
PICTURES = hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


def packed(rgb, encoding, padding):
    """The bytes a driver would send: channels in the encoding's order, each row followed by padding of value 7."""
    planes = [np.full(rgb.shape[:2], 99, np.uint8) if c is None else rgb[..., c] for c in CHANNELS[encoding]]
    rows = np.stack(planes, -1).reshape(len(rgb), -1)
    return np.pad(rows, ((0, 0), (0, padding)), constant_values=7)


def file_bytes(rgb, kind, **options):
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, kind, **options)
    return stream.getvalue()


@settings(deadline=None, max_examples=60)
@given(rgb=PICTURES, padding=st.integers(0, 5), encoding=st.sampled_from(sorted(CHANNELS)))
def test_colour_encodings_round_trip_with_any_padding(rgb, padding, encoding):
    rows = packed(rgb, encoding, padding)
    decoded = decode_image(encoding, rgb.shape[1], rgb.shape[0], rows.shape[1], rows.tobytes())
    assert np.array_equal(decoded, rgb)
    assert decoded.dtype == np.uint8 and decoded.flags.c_contiguous


@settings(deadline=None, max_examples=30)
@given(grey=hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9))), padding=st.integers(0, 5))
def test_mono_gives_three_equal_channels(grey, padding):
    rows = np.pad(grey, ((0, 0), (0, padding)), constant_values=7)
    decoded = decode_image("mono8", grey.shape[1], grey.shape[0], rows.shape[1], rows.tobytes(), is_bigendian=True)
    assert np.array_equal(decoded, np.stack([grey] * 3, -1))


def bt601(y, u, v):
    """BT.601 from its luma weights, luma 16 to 235, chroma 16 to 240, in floating point."""
    luma, blue_difference, red_difference = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
    red = luma + 2 * (1 - 0.299) * red_difference
    blue = luma + 2 * (1 - 0.114) * blue_difference
    green = (luma - 0.299 * red - 0.114 * blue) / 0.587
    return np.clip(np.array([red, green, blue]) * 255, 0, 255)


@pytest.mark.parametrize("encoding", ["yuv422_yuy2", "yuyv"])
@settings(deadline=None, max_examples=60)
@given(
    pairs=hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(4))), padding=st.integers(0, 5)
)
def test_yuv_follows_bt601(encoding, pairs, padding):
    height, half = pairs.shape[:2]
    rows = np.pad(pairs.reshape(height, -1), ((0, 0), (0, padding)))
    decoded = decode_image(encoding, half * 2, height, rows.shape[1], rows.tobytes())
    for row in range(height):
        for column in range(half * 2):
            first, u, second, v = (float(value) for value in pairs[row, column // 2])
            expected = bt601(second if column % 2 else first, u, v)
            assert np.abs(decoded[row, column] - expected).max() <= 0.6


@pytest.mark.parametrize(
    ("yuv", "rgb"),
    [((16, 128, 128), (0, 0, 0)), ((235, 128, 128), (255, 255, 255)), ((81, 90, 240), (254, 0, 0)),
     ((145, 54, 34), (0, 255, 1)), ((41, 240, 110), (0, 0, 255))],
)  # fmt: skip
def test_yuv_of_the_standard_colour_bars(yuv, rgb):
    y, u, v = yuv
    decoded = decode_image("yuv422_yuy2", 2, 1, 4, bytes([y, u, y, v]))
    assert np.abs(decoded[0].astype(int) - rgb).max() <= 1


@pytest.mark.parametrize(
    "kind", [bytes, bytearray, memoryview, lambda b: array.array("B", b), lambda b: np.frombuffer(b, np.uint8)]
)
def test_any_buffer_of_bytes_is_read_and_what_may_change_is_copied(kind):
    source = bytearray(range(6))
    data = kind(source)
    decoded = decode_image("rgb8", 2, 1, 6, data)
    source[:] = bytes(6)
    assert decoded.tolist() == [[[0, 1, 2], [3, 4, 5]]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rgb9", 2, 2, 6, bytes(12)), ("rgb9", "rgb8", "yuv422_yuy2")),
        (("", 2, 2, 6, bytes(12)), ("encoding ''", "mono8")),
        (("rgb8", 0, 2, 0, b""), ("0 x 2", "at least 1 x 1")),
        (("rgb8", 2, 0, 6, b""), ("2 x 0",)),
        (("rgb8", 2, 2, 5, bytes(10)), ("step 5", "at least 6")),
        (("rgb8", 2, 2, 6, b""), ("no data", "12 bytes")),
        (("rgb8", 2, 2, 6, bytes(11)), ("11 bytes", "12 bytes")),
        (("rgb8", 2, 2, 6, bytes(13)), ("13 bytes", "12 bytes")),
        (("yuv422_yuy2", 3, 2, 6, bytes(12)), ("width 3", "even")),
        (("mono8", 100_000, 100_000, 100_000, b""), ("100000 x 100000", "64000000")),
        (("mono8", 2, 1, 2, [1, 2]), ("type list",)),
    ],
)
def test_bad_images_are_refused_with_what_was_found_and_expected(arguments, words):
    with pytest.raises(ImageError) as error:
        decode_image(*arguments)
    for word in words:
        assert word in str(error.value)


def test_the_error_is_a_value_error():
    assert issubclass(ImageError, ValueError)


@settings(deadline=None, max_examples=30)
@given(rgb=PICTURES)
def test_png_round_trip(rgb):
    assert np.array_equal(decode_compressed("png", file_bytes(rgb, "PNG")), rgb)


@pytest.mark.parametrize("format", ["jpeg", "jpg", "JPEG", "bgr8; jpeg compressed bgr8", "rgb8; jpeg compressed bgr8"])
def test_jpeg_gives_its_colours(format):
    rgb = np.zeros((16, 32, 3), np.uint8)
    rgb[:, :16], rgb[:, 16:] = (200, 30, 60), (20, 90, 220)
    decoded = decode_compressed(format, array.array("B", file_bytes(rgb, "JPEG", quality=95, subsampling=0)))
    assert decoded.shape == rgb.shape and decoded.flags.c_contiguous
    assert np.abs(decoded.astype(int) - rgb).max() < 8


def test_grey_and_transparent_files_become_rgb():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(decode_compressed("mono8; png compressed", file_bytes(grey, "PNG")), np.stack([grey] * 3, -1))
    rgba = np.dstack([np.stack([grey] * 3, -1), np.full_like(grey, 5)])
    assert np.array_equal(decode_compressed("png", file_bytes(rgba, "PNG")), rgba[..., :3])


@pytest.mark.parametrize("format", ["", "tiff", "rgb8", "16UC1; compressedDepth png"])
def test_other_compressed_formats_are_refused(format):
    with pytest.raises(ImageError, match="jpeg or png"):
        decode_compressed(format, file_bytes(np.zeros((2, 2, 3), np.uint8), "PNG"))


def test_sixteen_bits_and_other_files_are_refused():
    deep = io.BytesIO()
    Image.fromarray(np.full((2, 2), 40_000, np.uint16)).save(deep, "PNG")
    with pytest.raises(ImageError, match="8 bits"):
        decode_compressed("png", deep.getvalue())
    with pytest.raises(ImageError, match="no whole JPEG or PNG"):
        decode_compressed("png", file_bytes(np.zeros((2, 2, 3), np.uint8), "BMP"))
    with pytest.raises(ImageError, match="no data"):
        decode_compressed("jpeg", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_truncated_files_are_refused_not_filled_up(kind, share):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = file_bytes(noise, kind)
    with pytest.raises(ImageError, match=f"{int(len(data) * share)} bytes"):
        decode_compressed(kind.lower(), data[: int(len(data) * share)])


@settings(deadline=None, max_examples=150)
@given(
    garbage=st.binary(min_size=1, max_size=80), head=st.sampled_from([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"])
)
def test_garbage_is_refused(garbage, head):
    with pytest.raises(ImageError):
        decode_compressed("jpeg", head + garbage)


@settings(deadline=None, max_examples=150)
@given(position=st.integers(0, 10_000), value=st.integers(0, 255), kind=st.sampled_from(["JPEG", "PNG"]))
def test_a_changed_byte_gives_an_image_or_the_error(position, value, kind):
    rgb = np.random.default_rng(2).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    data = bytearray(file_bytes(rgb, kind))
    data[position % len(data)] = value
    try:
        decoded = decode_compressed(kind.lower(), bytes(data))
    except ImageError:
        return
    assert decoded.dtype == np.uint8 and decoded.ndim == 3 and decoded.shape[2] == 3


def chunk(kind, body):
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [9_000, 11_000, 200_000])
def test_a_small_file_of_a_huge_picture_is_refused_before_it_is_unpacked(side):
    header = side.to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    data = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
    with pytest.raises(ImageError, match=str(images.MAX_PIXELS)):
        decode_compressed("png", data)
