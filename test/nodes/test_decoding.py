"""Who converts image messages: numpy, or cv_bridge for what it converts exactly."""

import sys
import types

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from rclpy.serialization import serialize_message  # noqa: E402

from emotion_recognition.sensors.cdr import read_compressed_image, read_header, read_image  # noqa: E402
from emotion_recognition.sensors.decoding import create_image_decoder  # noqa: E402
from emotion_recognition.sensors.images import ImageError  # noqa: E402

RGB = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)


def bgr8():
    return make.image(np.ascontiguousarray(RGB[..., ::-1]), 1, encoding="bgr8")


def padded():
    rows = np.zeros((6, 16), np.uint8)
    rows[:, :15] = RGB.reshape(6, 15)
    return make.image(RGB, 1, step=16, data=rows.tobytes())


def mono8():
    return make.image(RGB, 1, encoding="mono8", step=5, data=RGB[..., 0].tobytes())


@pytest.fixture
def stand_in(monkeypatch):
    """A cv_bridge that converts rows without padding, and fails the test when it is asked for others."""
    asked = []

    class CvBridgeError(TypeError):
        pass

    class CvBridge:
        def imgmsg_to_cv2(self, message, desired):
            assert desired == "rgb8"
            asked.append(message.encoding)
            if message.encoding == "mono8":
                raise CvBridgeError("it says no")
            pixels = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
            return pixels if message.encoding == "rgb8" else pixels[..., ::-1]

    module = types.ModuleType("cv_bridge")
    module.CvBridge, module.CvBridgeError = CvBridge, CvBridgeError
    monkeypatch.setitem(sys.modules, "cv_bridge", module)
    return asked


def test_cv_bridge_converts_what_it_converts_exactly(stand_in):
    decode = create_image_decoder("raw", "cv_bridge")
    for message in (make.image(RGB, 1), bgr8()):
        found = decode(serialize_message(message))
        np.testing.assert_array_equal(found, RGB)
        assert found.flags.c_contiguous
    assert stand_in == ["rgb8", "bgr8"]


def test_padded_rows_and_refused_messages_are_left_to_numpy(stand_in):
    decode = create_image_decoder("raw", "cv_bridge")
    np.testing.assert_array_equal(decode(serialize_message(padded())), RGB)
    assert stand_in == []
    np.testing.assert_array_equal(decode(serialize_message(mono8())), np.repeat(RGB[..., :1], 3, axis=2))
    assert stand_in == ["mono8"]


def test_truncated_messages_are_an_image_error_with_either(stand_in):
    for decoder in ("numpy", "cv_bridge"):
        with pytest.raises(ImageError, match="90 bytes"):
            create_image_decoder("raw", decoder)(serialize_message(make.image(RGB, 1, data=RGB.tobytes()[:-1])))
    assert stand_in == []


def test_the_pixels_of_an_rgb8_message_are_not_copied():
    message = serialize_message(make.image(RGB, 1))
    assert np.shares_memory(create_image_decoder("raw", "numpy")(message), np.frombuffer(message, np.uint8))


def test_what_ros_serializes_is_read_field_by_field():
    stamp = 1_700_000_000_123_456_789
    for frame_id in ("", "a", "head/camera", "Kopf-Kamera, größer"):
        image = make.image(RGB, stamp, encoding="rgb8", is_bigendian=1)
        packed = make.compressed(b"jpeg of seven", stamp, "bgr8; jpeg compressed bgr8")
        for message in (image, packed):
            message.header.frame_id = frame_id
            found = read_header(serialize_message(message))
            assert (found.stamp_ns, found.frame_id) == (stamp, frame_id)
        found = read_image(serialize_message(image))
        assert (found.height, found.width, found.encoding, found.is_bigendian, found.step) == (6, 5, "rgb8", True, 15)
        assert found.data == RGB.tobytes()
        found = read_compressed_image(serialize_message(packed))
        assert (found.format, found.data) == ("bgr8; jpeg compressed bgr8", b"jpeg of seven")


def test_a_missing_cv_bridge_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv_bridge", None)
    with pytest.raises(ImportError, match="install cv_bridge or use numpy"):
        create_image_decoder("raw", "cv_bridge")


def test_the_installed_cv_bridge_agrees_with_numpy():
    pytest.importorskip("cv_bridge", reason="cv_bridge is not installed")
    ours, theirs = create_image_decoder("raw", "numpy"), create_image_decoder("raw", "cv_bridge")
    for message in (make.image(RGB, 1), bgr8(), mono8(), padded()):
        np.testing.assert_array_equal(*(decode(serialize_message(message)) for decode in (ours, theirs)))
