import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_results import made_decision, made_result

from emotion_recognition import emotions
from emotion_recognition.bags import timeline
from emotion_recognition.bags.results import BagResult, Interval, with_truth

LABELS = (Interval(0.0, 5.0, "", emotions.HAPPY), Interval(5.0, 8.0, "face_1", emotions.SAD))


def result(*decisions, labels=LABELS):
    return BagResult("a", 10.0, "offline", with_truth(decisions, labels), tuple(labels), {})


def named(found, name):
    return [lane for lane in found if lane.name == name]


def test_lanes_in_order():
    assert [lane.name for lane in timeline.lanes(made_result())] == ["truth", "face", "speech", "fused", "status"]
    assert timeline.lanes(result(labels=())) == ()


def test_truth_names_whom_it_is_about():
    (truth,) = named(timeline.lanes(result()), "truth")
    assert [(one.start_s, one.end_s, one.text, one.detail) for one in truth.segments] == [
        (0.0, 5.0, "happy", "anyone"), (5.0, 8.0, "sad", "face_1"),
    ]  # fmt: skip


def test_decisions_that_say_the_same_are_one_segment():
    (lane,) = named(timeline.lanes(result(
        made_decision(1.0, emotions.HAPPY, 0.6), made_decision(1.5, emotions.HAPPY, 0.8),
        made_decision(2.0, emotions.SAD, 0.9), made_decision(4.9, emotions.HAPPY, 0.5),
    )), "fused")  # fmt: skip
    assert [(one.start_s, one.end_s, one.text, one.is_wrong, one.decisions) for one in lane.segments] == [
        (1.0, 2.0, "happy", False, 2), (2.0, 3.0, "sad", True, 1), (4.9, 5.9, "happy", False, 1),
    ]  # fmt: skip
    assert lane.segments[0].confidence == pytest.approx(0.7) and lane.segments[1].detail == "truth happy"


def test_people_at_one_time_have_lanes_of_their_own_and_people_after_each_other_do_not():
    found = named(timeline.lanes(result(
        made_decision(1.0, emotions.HAPPY), made_decision(1.2, emotions.SAD, person="face_2"),
        made_decision(6.0, emotions.SAD, person="face_3"), made_decision(6.5, emotions.SAD, person="face_2"),
    )), "fused")  # fmt: skip
    assert [[one.person for one in lane.segments] for lane in found] == [["face_1", "face_3"], ["face_2", "face_2"]]


def test_too_many_people_are_counted():
    people = [made_decision(1.0, emotions.SAD, person=f"face_{n}") for n in range(timeline.MOST_LANES + 2)]
    found = named(timeline.lanes(result(*people)), "fused")
    assert len(found) == timeline.MOST_LANES and [lane.left_out for lane in found] == [0, 0, 0, 2]


def test_status_says_what_a_decision_was_computed_from_and_nothing_is_no_decision():
    found = timeline.lanes(result(
        made_decision(1.0, emotions.HAPPY, status="FACE_ONLY", reasons=2),
        made_decision(2.0, emotions.UNKNOWN, 0.0, status="NEITHER", person="", reasons=1 | 2),
    ))  # fmt: skip
    (status,) = named(found, "status")
    assert [(one.text, one.detail) for one in status.segments] == [
        ("face", "no voice"),
        ("none", "no face, no voice"),
    ]
    (fused,) = named(found, "fused")
    assert [one.text for one in fused.segments] == ["happy"]


def test_somebody_ends_nobody_and_the_other_way_round():
    nobody = {"class_id": emotions.UNKNOWN, "confidence": 0.0, "status": "NEITHER", "person": ""}
    found = timeline.lanes(result(
        made_decision(0.0, **nobody), made_decision(0.3, **nobody), made_decision(0.3, emotions.HAPPY),
        made_decision(0.8, **nobody),
    ))  # fmt: skip
    (status,) = named(found, "status")
    assert [(one.start_s, one.end_s, one.text) for one in status.segments] == [
        (0.0, 0.3, "none"), (0.3, 0.8, "both"), (0.8, 1.8, "none"),
    ]  # fmt: skip
    (fused,) = named(found, "fused")
    assert [(one.start_s, one.end_s) for one in fused.segments] == [(0.3, 0.8)]


def test_an_abstaining_decision_is_unknown():
    (lane,) = named(timeline.lanes(result(made_decision(1.0, emotions.UNKNOWN, 0.3, reasons=128))), "fused")
    assert (lane.segments[0].text, lane.segments[0].detail, lane.segments[0].is_wrong) == (
        "unknown",
        "abstained",
        False,
    )


def test_curves_are_cut_where_nothing_stands():
    found = timeline.curves(result(
        made_decision(1.0, emotions.SAD, 0.5), made_decision(1.5, emotions.SAD, 0.6),
        made_decision(5.0, emotions.SAD, 0.7), made_decision(5.0, emotions.SAD, 0.9, stream="face"),
    ))  # fmt: skip
    assert found == (((1.0, 0.5), (1.5, 0.6)), ((5.0, 0.7),))


def test_a_stretch_is_cut_at_its_ends():
    made = [timeline.Segment(0.0, 4.0, "", 1, ""), timeline.Segment(4.0, 9.0, "", 2, "")]
    assert [(one.start_s, one.end_s) for one in timeline.between(made, 1.0, 5.0)] == [(1.0, 4.0), (4.0, 5.0)]
    assert timeline.between(made, 9.0, 12.0) == []


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 8), st.integers(1, 3)), max_size=25))
def test_lanes_never_overlap_and_lose_nobody(made):
    people = sorted({(time / 10, person): number for time, number, person in made}.items())
    found = named(timeline.lanes(result(*(
        made_decision(time, number, person=f"face_{person}") for (time, person), number in people
    ))), "fused")  # fmt: skip
    for lane in found:
        ends = [(one.end_s, after.start_s) for one, after in zip(lane.segments, lane.segments[1:], strict=False)]
        assert all(end <= start + 1e-6 for end, start in ends)
    assert sum(one.decisions for lane in found for one in lane.segments) == len(people)
