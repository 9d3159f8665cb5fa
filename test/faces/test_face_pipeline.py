import numpy as np
import pytest

from emotion_recognition.faces import Detection, FacePipeline, Tracker, crop_face

IMAGE = np.random.default_rng(5).integers(0, 256, (120, 200, 3), dtype=np.uint8)
POINTS = np.arange(10, dtype=np.float32).reshape(5, 2)


class Scripted:
    """A detector that gives one prepared list a call."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def detect(self, rgb):
        return self.answers.pop(0)


def face(x, y, width, height, score=0.9):
    return Detection((x, y, width, height), POINTS + x, score)


def test_a_sample_holds_what_was_detected_and_its_crop():
    found = face(30, 20, 40.0, 50.0, 0.97)
    (sample,) = FacePipeline(Scripted([found]), Tracker(), margin=0.1).process(IMAGE, 7)
    assert sample.track_id == 1 and sample.box == (30, 20, 40, 50) and sample.score == 0.97
    assert np.array_equal(sample.landmarks, POINTS + 30)
    assert sample.crop_margin == 0.1 and sample.image_size == (200, 120)
    assert np.array_equal(sample.crop, crop_face(IMAGE, found.box, 0.1))
    assert sample.crop.shape == (224, 224, 3)


def test_the_largest_comes_first_whatever_the_detectors_order():
    small, large = face(10, 10, 20, 20), face(100, 10, 50, 60)
    pipeline = FacePipeline(Scripted([small, large], [large, small], [small]), Tracker(), margin=0.0, size=32)
    first = pipeline.process(IMAGE, 0)
    assert [sample.box for sample in first] == [large.box, small.box]
    second = pipeline.process(IMAGE, 200_000_000)
    assert [sample.track_id for sample in second] == [sample.track_id for sample in first]
    (left,) = pipeline.process(IMAGE, 400_000_000)
    assert left.track_id == first[1].track_id


def test_max_faces_keeps_the_largest_but_all_are_tracked():
    small, large = face(10, 10, 20, 20), face(100, 10, 50, 60)
    pipeline = FacePipeline(Scripted([large, small], [small]), Tracker(), margin=0.0, max_faces=1)
    assert [sample.box for sample in pipeline.process(IMAGE, 0)] == [large.box]
    assert [sample.track_id for sample in pipeline.process(IMAGE, 1)] == [2]


def test_no_face_gives_no_sample_and_reset_gives_new_numbers():
    pipeline = FacePipeline(Scripted([], [face(10, 10, 20, 20)], [face(10, 10, 20, 20)]), Tracker(), margin=0.0)
    assert pipeline.process(IMAGE, 0) == []
    assert pipeline.process(IMAGE, 1)[0].track_id == 1
    pipeline.reset()
    assert pipeline.process(IMAGE, 2)[0].track_id == 2


@pytest.mark.parametrize(
    "setting", [{"margin": -1}, {"margin": float("nan")}, {"margin": 0, "size": 0}, {"margin": 0, "max_faces": 0}]
)
def test_settings_out_of_range(setting):
    with pytest.raises(ValueError, match="expected"):
        FacePipeline(Scripted(), Tracker(), **setting)
