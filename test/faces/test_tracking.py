import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emotion_recognition.faces import Detection, Tracker
from emotion_recognition.faces.tracking import intersection_over_union

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def face(x, y, size=100.0, height=None):
    """A detection by the centre of its box."""
    height = size if height is None else height
    return Detection((x - size / 2, y - height / 2, size, height), np.zeros((5, 2), np.float32), 0.99)


def numbers(found):
    return [number for number, _ in found]


def at(seconds):
    return START + round(seconds * SECOND)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [((0, 0, 2, 2), (0, 0, 2, 2), 1), ((0, 0, 2, 2), (1, 0, 2, 2), 1 / 3), ((0, 0, 2, 2), (2, 0, 2, 2), 0),
     ((0, 0, 4, 4), (1, 1, 2, 2), 0.25), ((0, 0, 1, 1), (5, 5, 1, 1), 0)],
)  # fmt: skip
def test_intersection_over_union(a, b, expected):
    assert intersection_over_union(a, b) == pytest.approx(expected)
    assert intersection_over_union(b, a) == pytest.approx(expected)


def test_numbers_start_at_1_and_follow_the_detections_order():
    tracker = Tracker()
    left, right = face(100, 100), face(400, 100)
    first = tracker.update([right, left], at(0))
    assert first == [(1, right), (2, left)]
    assert numbers(tracker.update([left, right], at(0.2))) == [2, 1]


def test_no_detection_gives_no_track():
    assert Tracker().update([], START) == []


def test_a_moving_face_keeps_its_number_even_when_its_boxes_do_not_overlap():
    tracker = Tracker()
    for step in range(20):
        assert numbers(tracker.update([face(100 + 75 * step, 200)], at(0.2 * step))) == [1]


def test_a_track_survives_missed_detections_up_to_max_gap():
    tracker = Tracker(max_gap_s=1.0)
    tracker.update([face(100, 100)], at(0))
    for missed in (0.2, 0.4, 0.6, 0.8):
        assert tracker.update([], at(missed)) == []
    assert numbers(tracker.update([face(105, 100)], at(1.0))) == [1]
    assert numbers(tracker.update([face(105, 100)], at(2.0) + 1)) == [2]


def test_a_moving_face_is_found_again_where_it_went():
    tracker = Tracker()
    for step in range(6):
        tracker.update([face(100 + 40 * step, 100)], at(0.2 * step))
    # Four frames later it is 160 px further: beyond reach of its last box, at its predicted place.
    assert numbers(tracker.update([face(100 + 40 * 9, 100)], at(1.8))) == [1]


def test_two_faces_that_cross_do_not_swap():
    tracker = Tracker()
    for step in range(31):
        left_to_right, right_to_left = face(100 + 20 * step, 200), face(700 - 20 * step, 230)
        order = [left_to_right, right_to_left] if step % 2 else [right_to_left, left_to_right]
        found = {id(detection): number for number, detection in tracker.update(order, at(0.2 * step))}
        if step == 0:
            expected = found[id(left_to_right)], found[id(right_to_left)]
        assert (found[id(left_to_right)], found[id(right_to_left)]) == expected


def test_neighbours_that_move_together_do_not_swap_though_one_takes_the_others_place():
    tracker = Tracker()
    for step in range(12):
        found = tracker.update([face(100 + 30 * step, 100), face(220 + 30 * step, 100)], at(0.2 * step))
        assert numbers(found) == [1, 2]


def test_a_much_larger_face_at_the_same_place_is_another():
    tracker = Tracker()
    tracker.update([face(200, 200, 60)], at(0))
    assert numbers(tracker.update([face(200, 200, 200)], at(0.2))) == [2]


def test_numbers_are_not_used_again_after_reset_or_a_jump_back():
    tracker = Tracker()
    assert numbers(tracker.update([face(100, 100)], at(5))) == [1]
    tracker.reset()
    assert numbers(tracker.update([face(100, 100)], at(5.2))) == [2]
    assert numbers(tracker.update([face(100, 100)], at(1))) == [3]
    assert numbers(tracker.update([face(101, 100)], at(1.2))) == [3]


def test_the_same_stamp_twice_is_no_movement():
    tracker = Tracker()
    tracker.update([face(100, 100)], at(0))
    assert numbers(tracker.update([face(110, 100)], at(0))) == [1]
    assert numbers(tracker.update([face(110, 100)], at(0.2))) == [1]


FRAMES = st.lists(
    st.lists(st.tuples(st.floats(-500, 2000), st.floats(-500, 2000), st.floats(1, 400)), max_size=5), max_size=12
)


@settings(deadline=None, max_examples=80)
@given(frames=FRAMES, steps=st.lists(st.integers(0, 2 * SECOND), min_size=12, max_size=12))
def test_every_detection_gets_one_number_and_new_numbers_rise(frames, steps):
    tracker = Tracker()
    highest, stamp, alive = 0, START, {}
    for detections, step in zip(frames, steps, strict=False):
        stamp += step
        given_faces = [face(*values) for values in detections]
        found = tracker.update(given_faces, stamp)
        assert [detection for _, detection in found] == given_faces
        assert len(set(numbers(found))) == len(found)
        for number in numbers(found):
            if number > highest:
                assert number == highest + 1
                highest = number
            else:
                assert stamp - alive[number] <= SECOND
            alive[number] = stamp


@pytest.mark.parametrize(
    "setting", [{"max_gap_s": 0}, {"min_iou": 0}, {"min_iou": 2}, {"max_distance": -1}, {"max_ratio": 0.5}]
)
def test_settings_out_of_range(setting):
    with pytest.raises(ValueError, match="expected"):
        Tracker(**setting)
