import numpy as np
import pytest

from emotion_recognition.evaluation.framing import measure_framing
from emotion_recognition.faces import Detection


class Always:
    """A detector that finds the same box in every picture, or nothing in a black one."""

    def __init__(self, box):
        self.box = box

    def detect(self, rgb):
        self.seen = rgb
        return [Detection(self.box, np.zeros((5, 2), np.float32), 1.0)] if rgb.any() else []


def test_margin_and_offsets_by_hand():
    # 48 px times 5 is 240, in the middle of a canvas of 480: the picture's centre is at (240, 240).
    detector = Always((150.0, 120.0, 160.0, 200.0))
    pictures = np.stack([np.full((48, 48), 200, np.uint8), np.zeros((48, 48), np.uint8)])
    framing = measure_framing(pictures, detector)
    assert (framing.pictures, framing.found) == (2, 1)
    assert framing.margin == pytest.approx(240 / 200 - 1)
    assert framing.offset_x == pytest.approx((240 - 230) / 200)
    assert framing.offset_y == pytest.approx((240 - 220) / 200)


@pytest.mark.parametrize(("border", "corner"), [("replicate", 200), ("grey", 128)])
def test_borders(border, corner):
    detector = Always((150.0, 120.0, 160.0, 200.0))
    measure_framing(np.full((1, 48, 48), 200, np.uint8), detector, border)
    assert detector.seen.shape == (480, 480, 3)
    assert (detector.seen[0, 0] == corner).all() and (detector.seen[240, 240] == 200).all()


def test_nothing_found_and_bad_input():
    detector = Always((0.0, 0.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="no face found in 2"):
        measure_framing(np.zeros((2, 48, 48), np.uint8), detector)
    with pytest.raises(ValueError, match="border"):
        measure_framing(np.zeros((1, 48, 48), np.uint8), detector, "mirror")
    with pytest.raises(ValueError, match="shape"):
        measure_framing(np.zeros((1, 48, 40), np.uint8), detector)
