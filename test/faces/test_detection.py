import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from emotion_recognition.engines import ModelError
from emotion_recognition.faces import create_detector
from emotion_recognition.faces.mtcnn import (
    SIDECAR,
    OnnxDetector,
    make_square,
    non_maximum_suppression,
    pyramid_scales,
)

# The face in the recording's frame at 2 s, read off an enlarged picture: its right eye, left eye, nose, mouth corners.
POINTS = np.array([(271, 130), (367, 134), (318, 190), (270, 216), (363, 218)])


def test_settings_of_the_factory():
    detector = create_detector(min_face_size=80, thresholds=(0.5, 0.6, 0.7))
    assert isinstance(detector, OnnxDetector)
    assert detector.min_face_size == 80 and detector.thresholds == (0.5, 0.6, 0.7)
    for bad in (
        {"engine": "cascade"},
        {"min_face_size": 11},
        {"thresholds": (0.5, 0.6)},
        {"thresholds": (0, 0, 2)},
        {"threads": 0},
    ):
        with pytest.raises(ValueError, match="expected"):
            create_detector(**bad)


def test_a_changed_network_is_refused_by_name(tmp_path):
    for path in SIDECAR.parent.glob("mtcnn*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    OnnxDetector(sidecar=tmp_path / SIDECAR.name)
    network = tmp_path / "mtcnn_rnet.onnx"
    content = bytearray(network.read_bytes())
    content[5000] ^= 1
    network.write_bytes(content)
    with pytest.raises(ModelError, match="mtcnn_rnet.onnx"):
        OnnxDetector(sidecar=tmp_path / SIDECAR.name)


def test_the_licence_lies_beside_the_networks():
    assert "MIT License" in (SIDECAR.parent / "mtcnn.LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "image", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8), [[1]]]
)
def test_no_images_are_refused(image):
    with pytest.raises(ValueError, match="expected"):
        create_detector().detect(image)


@pytest.mark.parametrize("shape", [(1, 1), (59, 200), (60, 60), (120, 90), (480, 641)])
def test_images_without_a_face_give_none(shape):
    detector = create_detector()
    assert detector.detect(np.full((*shape, 3), 90, np.uint8)) == []
    noise = np.random.default_rng(6).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert detector.detect(noise) == []


def test_a_face_is_found_where_it_is(face_frame):
    (found,) = create_detector().detect(face_frame)
    x, y, width, height = found.box
    assert found.score > 0.99
    assert np.abs(found.landmarks - POINTS).max() < 8
    # From the hairline, 80, to the chin, 298; the cheeks reach from 222 to 412.
    assert x == pytest.approx(222, abs=15) and x + width == pytest.approx(412, abs=15)
    assert y < 80 and y + height == pytest.approx(298, abs=15)


def test_boxes_move_and_shrink_with_the_picture(face_frame):
    detector = create_detector(min_face_size=40)
    small = np.array(Image.fromarray(face_frame).resize((320, 240), Image.Resampling.BOX))
    canvas = np.zeros((400, 500, 3), np.uint8)
    canvas[60:300, 110:430] = small
    (whole,), (moved,) = detector.detect(face_frame), detector.detect(canvas)
    assert np.abs(moved.landmarks - (whole.landmarks / 2 + (110, 60))).max() < 5
    assert np.abs(np.array(moved.box) - (np.array(whole.box) / 2 + (110, 60, 0, 0))).max() < 12


def test_several_faces_come_largest_first(face_frame):
    face = Image.fromarray(face_frame[:, 80:560])
    canvas = np.full((300, 600, 3), 127, np.uint8)
    canvas[60:260, 20:220] = np.array(face.resize((200, 200)))
    canvas[:, 300:] = np.array(face.resize((300, 300)))
    found = create_detector().detect(canvas)
    assert len(found) == 2
    assert found[0].area > found[1].area and found[0].box[0] > 300 > found[1].box[0]


def test_faces_under_the_smallest_size_are_not_looked_for(face_frame):
    small = np.array(Image.fromarray(face_frame).resize((160, 120), Image.Resampling.BOX))
    assert len(create_detector(min_face_size=20).detect(small)) == 1
    assert create_detector(min_face_size=110).detect(small) == []


def test_pyramid_ends_at_the_shorter_side():
    assert pyramid_scales(60, 200, 60) == [0.2]
    scales = pyramid_scales(480, 640, 60)
    assert scales[0] == 0.2 and scales[-1] * 480 >= 12 > scales[-1] * 480 * 0.709
    assert np.allclose(np.divide(scales[1:], scales[:-1]), 0.709)
    assert pyramid_scales(59, 200, 60) == []


def test_suppression_by_union_and_by_the_smaller_area():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 6], [20, 20, 30, 30], [2, 2, 5, 5]], np.float32)
    scores = np.array([0.8, 0.9, 0.7, 0.6], np.float32)
    # Union: 60 / 100 between the first two; the little one inside has 9 / 100 and 9 / 60.
    assert non_maximum_suppression(boxes, scores, 0.5).tolist() == [1, 2, 3]
    assert non_maximum_suppression(boxes, scores, 0.6).tolist() == [1, 0, 2, 3]
    # Smaller area, pixels inclusive: 77 / 77 and 16 / 16.
    assert non_maximum_suppression(boxes, scores, 0.7, minimum=True).tolist() == [1, 2]
    assert non_maximum_suppression(boxes[:0], scores[:0], 0.5).tolist() == []


def test_squares_keep_the_centre_and_the_longer_side():
    assert make_square(np.array([[0, 10, 20, 50], [5, 5, 45, 25]], np.float32)).tolist() == [
        [-10, 10, 30, 50],
        [5, -5, 45, 35],
    ]
    assert make_square(np.empty((0, 4), np.float32)).shape == (0, 4)


def test_the_default_detector_and_the_package_import_no_torch():
    code = (
        "import sys, numpy; from emotion_recognition.faces import *; import emotion_recognition.sensors.images\n"
        "create_detector().detect(numpy.zeros((80, 80, 3), numpy.uint8))\n"
        "print(sorted({'torch', 'torchvision', 'facenet_pytorch', 'av', 'onnx', 'scipy'} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
