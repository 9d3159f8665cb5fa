"""Faces looked for only where they are expected."""

import numpy as np
import pytest
from composed_faces import compose

from emotion_recognition.faces import create_detector, mtcnn
from emotion_recognition.faces.tracking import intersection_over_union

# Greatest difference of a refined box's sides and centre from those of a full detection, in sides of the face.
DRIFT = 0.15


@pytest.fixture(scope="module")
def detector():
    return create_detector()


@pytest.fixture(scope="module")
def frames(heads, face_frame):
    """Pictures with one to three faces of several sizes."""
    pairs = [heads[number : number + 2] for number in range(0, len(heads), 2)]
    sizes = (110, 150, 190, 240, 300)
    composed = [compose(pair, [(170, 180, size), (470, 180, size * 0.9)]) for pair in pairs for size in sizes]
    return [*composed, face_frame]


def differences(found, expected) -> np.ndarray:
    """Return differences of the centre (x, y) and the sides, in sides of the expected face."""
    x, y, width, height = np.subtract(found, expected)
    return np.array([x + width / 2, y + height / 2, width, height]) / np.sqrt(expected[2] * expected[3])


def test_a_found_face_is_found_again_at_its_place_however_often(detector, frames):
    count = 0
    for frame in frames:
        faces = detector.detect(frame)
        boxes = [face.box for face in faces]
        for _ in range(12):
            refined = detector.refine(frame, boxes)
            assert all(one is not None and one.score > 0.9 for one in refined)
            for one, face in zip(refined, faces, strict=True):
                assert np.abs(differences(one.box, face.box)).max() < DRIFT
                assert np.abs(one.landmarks - face.landmarks).max() < DRIFT * np.sqrt(face.area)
            boxes = [one.box for one in refined]
        count += len(faces)
    assert count >= 11


@pytest.mark.parametrize("shift", [(-0.12, 0.0), (0.12, 0.0), (0.0, 0.12), (0.08, -0.08)])
@pytest.mark.parametrize("scale", [0.9, 1.1])
def test_a_face_that_moved_is_found_where_it_is(detector, frames, shift, scale):
    for frame in frames:
        for face in detector.detect(frame):
            x, y, width, height = face.box
            side = np.sqrt(face.area)
            expected = (x + shift[0] * side, y + shift[1] * side, width * scale, height * scale)
            (found,) = detector.refine(frame, [expected])
            assert intersection_over_union(found.box, face.box) > 0.75


def test_where_there_is_no_face_there_is_none(detector, frames):
    frame = frames[0]
    face = detector.detect(frame)[0]
    grey, outside, empty = (300.0, 10.0, 60.0, 60.0), (700.0, 10.0, 80.0, 80.0), (10.0, 10.0, 0.0, 0.0)
    found = detector.refine(frame, [grey, face.box, outside, empty])
    assert [one is not None for one in found] == [False, True, False, False]
    assert detector.refine(frame, []) == []
    assert detector.refine(frame, [outside]) == [None]


def test_the_least_score_is_that_of_the_last_network(frames):
    frame = frames[0]
    box = create_detector().detect(frame)[0].box
    (found,) = create_detector().refine(frame, [box])
    above, below = (create_detector(thresholds=(0.6, 0.7, found.score + step)) for step in (1e-6, -1e-6))
    assert below.refine(frame, [box])[0].score == found.score
    assert above.refine(frame, [box]) == [None]


def test_no_table_of_the_frame_is_made(detector, frames, monkeypatch):
    box = detector.detect(frames[0])[0].box
    monkeypatch.setattr(mtcnn, "SummedImage", lambda rgb: pytest.fail("the whole frame is summed"))
    assert detector.refine(frames[0], [box])[0] is not None


@pytest.mark.parametrize("box", [(float("nan"), 0, 5, 5), (0, 0, float("inf"), 5)])
def test_boxes_that_are_not_finite_are_refused(detector, box):
    with pytest.raises(ValueError, match="expected finite"):
        detector.refine(np.zeros((90, 90, 3), np.uint8), [box])


def test_no_images_are_refused(detector):
    with pytest.raises(ValueError, match="expected"):
        detector.refine(np.zeros((90, 90), np.uint8), [(0, 0, 50, 50)])


def test_both_engines_refine_alike(detector, frames):
    pytest.importorskip("torch")
    try:
        reference = create_detector("facenet_pytorch")
    except ImportError as error:
        pytest.skip(str(error))
    count = 0
    for frame in frames[::2]:
        boxes = [tuple(np.add(face.box, (4, -3, 5, 2))) for face in detector.detect(frame)]
        for one, other in zip(detector.refine(frame, boxes), reference.refine(frame, boxes), strict=True):
            assert np.abs(np.subtract(one.box, other.box)).max() < 0.01
            assert np.abs(one.landmarks - other.landmarks).max() < 0.01
            assert one.score == pytest.approx(other.score, abs=1e-4)
            count += 1
        assert reference.refine(frame, [(700.0, 10.0, 80.0, 80.0)]) == [None]
    assert count >= 5
