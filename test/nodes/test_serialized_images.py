"""Images as they come over the wire, also such as no publisher of this machine would make."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS")
sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

import messages as make  # noqa: E402
import serialized  # noqa: E402
from emotion_recognition.msg import FaceSamples  # noqa: E402
from harness import stamps  # noqa: E402
from rclpy.serialization import serialize_message  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from emotion_recognition.nodes.face_detector import FaceDetector  # noqa: E402

SECOND = 1_000_000_000
EVERY_FRAME = {"window": 0.5, "frames": 150, "silence_report": 60.0}
GREY = np.full((90, 100), 128, np.uint8).tobytes()


def test_messages_of_either_byte_order_are_used(bench):
    node = bench.add(FaceDetector, **EVERY_FRAME)
    camera, heard = bench.publisher(Image, "image"), bench.listen(FaceSamples, "face_samples")
    sent = [bench.now_ns() - number * SECOND for number in (2, 1)]
    for stamp, big in zip(sent, (True, False), strict=True):
        camera.publish(serialized.image(stamp, "eye", 90, 100, "mono8", int(big), 100, GREY, big=big))
        bench.until(lambda stamp=stamp: stamp in stamps(heard), "the frame is used")
    assert [(one.header.frame_id, one.image_width, one.image_height) for one in heard] == [("eye", 100, 90)] * 2
    assert not bench.lines(node)


@pytest.mark.parametrize(
    ("kept", "words"),
    [(8, "message of 8 bytes ends within its fields"), (-1, "ends within data: 9000 bytes expected, 8999 left")],
)
def test_a_message_that_is_cut_off_is_left_out(bench, kept, words):
    node = bench.add(FaceDetector, **EVERY_FRAME)
    camera, heard = bench.publisher(Image, "image"), bench.listen(FaceSamples, "face_samples")
    begin = bench.now_ns() - 3 * SECOND
    for number in range(2):
        whole = serialized.image(begin + number * SECOND, "eye", 90, 100, "mono8", 0, 100, GREY)
        camera.publish(whole[:kept])
        bench.settle()
    camera.publish(serialize_message(make.grey_image(begin + 2 * SECOND)))
    bench.until(lambda: heard, "the whole message is used")
    assert stamps(heard) == [begin + 2 * SECOND]
    (line,) = bench.lines(node)
    assert line.startswith(f"image on {bench.namespace}/image left out: ") and words in line


def test_only_sampled_frames_are_decoded(bench, monkeypatch):
    node = bench.add(FaceDetector, silence_report=60.0)
    decode, decoded = node._step._decode, []
    monkeypatch.setattr(node._step, "_decode", lambda message: decoded.append(len(message)) or decode(message))
    camera, heard = bench.publisher(Image, "image", make.best_effort(1)), bench.listen(FaceSamples, "face_samples")
    begin = bench.now_ns() - 2 * SECOND
    for number in range(30):
        camera.publish(make.changing_image(begin + number * SECOND // 30))
        bench.settle()
    bench.until(lambda: len(heard) == 5, "five of thirty frames are used")
    assert len(decoded) == 5
