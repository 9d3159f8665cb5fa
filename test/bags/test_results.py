"""Results of bags: truth by labels, scores, and their JSON form."""

import json

import pytest

from emotion_recognition import emotions
from emotion_recognition.bags.results import BagResult, Decision, Interval, from_json, scores, to_json, with_truth

TABLE = (emotions.NEUTRAL, emotions.HAPPY)
LABELS = (
    Interval(0.0, 1.0, "", emotions.NEUTRAL),
    Interval(1.0, 2.0, "face_1", emotions.HAPPY),
    Interval(1.0, 2.0, "face_2", emotions.NEUTRAL),
    Interval(2.0, 3.0, "", emotions.SAD),
)


def decision(time_s, class_id, person="face_1", stream="fused", latency_s=None):
    sure = 0.75 if class_id else 0.5
    other = {emotions.NEUTRAL: (sure, 1 - sure), emotions.HAPPY: (1 - sure, sure), 0: (0.5, 0.5)}[class_id]
    return Decision(
        time_s, stream, person, "FACE_ONLY" if class_id else "NEITHER", 0, class_id, sure, TABLE, other,
        (1.0, 2.0, 3.0, 4.0) if class_id else None, time_s - 1, time_s, latency_s,
    )  # fmt: skip


def result(*decisions, **fields):
    known = {"bag": "one", "duration_s": 4.0, "mode": "offline", "labels": LABELS, "coverage": {"face": 0.5}}
    return BagResult(**(known | {"decisions": with_truth(decisions, LABELS)} | fields))


def test_the_truth_of_a_decision_is_the_label_of_its_person_at_its_stamp():
    found = with_truth(
        [
            decision(0.0, 1), decision(1.0, 1), decision(1.5, 1, "face_2"), decision(1.5, 1, "face_3"),
            decision(0.5, 1, "voice"), decision(1.5, 1, "voice"), decision(3.0, 1),
        ],
        LABELS,
    )  # fmt: skip
    assert [one.truth for one in found] == [1, 3, 1, None, 1, None, None]


def test_scores_count_only_named_classes_under_a_label():
    found = scores([result(decision(0.1, 1), decision(0.6, 3), decision(0.9, 0), decision(1.1, 3), decision(3.5, 3))])
    assert (found["stream"], found["decisions"], found["judged"], found["outside"]) == ("fused", 5, 3, 0)
    assert found["accuracy"] == pytest.approx(2 / 3) and found["uar"] == pytest.approx((0.5 + 1) / 2)
    assert found["confusion"]["labels"][0] == "neutral" and found["confusion"]["matrix"][0][:3] == [1, 0, 1]
    assert found["confusion"]["matrix"][2][2] == 1
    assert found["per_class"]["happy"]["precision"] == 0.5 and found["per_class"]["happy"]["recall"] == 1
    assert found["ece"] == pytest.approx(abs(0.75 - 2 / 3))


def test_a_label_that_the_weights_cannot_name_is_wrong_and_counted():
    found = scores([result(decision(2.5, 1))])
    assert (found["accuracy"], found["outside"]) == (0.0, 1)


def test_without_a_judged_decision_there_are_no_scores():
    found = scores([result(decision(3.5, 1))])
    assert found["accuracy"] is None and found["ece"] is None and found["decisions"] == 1
    assert scores([])["decisions"] == 0


def test_each_stream_has_scores_and_coverage_is_weighed_by_time():
    one = result(decision(0.1, 1), decision(0.2, 3, stream="face"), coverage={"face": 1.0})
    two = result(decision(0.1, 3), duration_s=12.0, coverage={"face": 0.5})
    found = scores([one, two])
    assert found["streams"]["fused"]["accuracy"] == 0.5 and found["streams"]["face"]["accuracy"] == 0.0
    assert "speech" not in found["streams"] and found["coverage"]["face"] == pytest.approx((4 + 6) / 16)


def test_a_recording_of_one_stream_is_judged_by_it():
    assert scores([result(decision(0.1, 1, stream="speech"))])["stream"] == "speech"


def test_results_come_back_from_json_as_they_were():
    faces = {0: b"\xff\xd8picture"}
    one = result(
        decision(0.1, 1, latency_s=0.25), decision(0.6, 0), problems=("one, /image, 1.0 s: cut off",), faces=faces,
        models={"face": {"name": "f", "weights": "ab"}}, parameters={"window": 3.0}, timing={"wall_s": 2.0},
    )  # fmt: skip
    data = json.loads(json.dumps(to_json([one, result()])))
    assert from_json(data) == [one, result()]
    assert data["problems"] == ["one, /image, 1.0 s: cut off"] and data["accuracy"] == 1.0
    assert data["timing"]["realtime_factor"] == 2.0 and data["timing"]["latency_s"]["p50"] == 0.25


def test_only_the_timing_of_two_runs_differs():
    runs = [
        to_json([result(decision(0.1, 1, latency_s=late), timing={"wall_s": late})]) for late in (0.25, 0.75)
    ]  # fmt: skip
    timings = [run.pop("timing") for run in runs]
    assert runs[0] == runs[1] and timings[0] != timings[1]


@pytest.mark.parametrize("data", [{}, [], {"format": 1}, {"format": 1, "bags": [{}], "timing": {"bags": [{}]}}])
def test_what_is_no_run_is_refused(data):
    with pytest.raises(ValueError, match="evaluate --json"):
        from_json(data)
