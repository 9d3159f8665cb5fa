"""Agreement of two runs over one bag."""

from dataclasses import replace

import pytest

from emotion_recognition.bags.agreement import agreement
from emotion_recognition.bags.results import BagResult, Decision


def run(*decisions):
    return BagResult("bag", 10.0, "offline", tuple(decisions), (), {})


def decision(time_s, class_id=3, person="face_1", stream="fused"):
    status = "FACE_ONLY" if person else "NEITHER"
    return Decision(time_s, stream, person, status, 0, class_id, 1.0, (class_id or 1,), (1.0,), None, time_s, time_s)


def test_the_same_decisions_agree_wholly_and_none_is_no_agreement():
    one = run(decision(1.0), decision(2.0, 4), decision(2.0, person="face_2"))
    assert agreement(one, one) == 1.0
    assert agreement(run(), run()) is None


def test_another_class_counts_in_both_runs():
    one, two = run(decision(1.0), decision(2.0)), run(decision(1.0), decision(2.0, 4))
    assert agreement(one, two) == 0.5


def test_a_decision_that_only_one_run_has_is_compared_with_what_stands():
    one, two = run(decision(1.0), decision(1.2)), run(decision(1.0))
    assert agreement(one, two) == 1.0
    assert agreement(run(decision(1.0), decision(1.2, 4)), two) == pytest.approx(2 / 3)
    assert agreement(run(decision(1.0), decision(2.5)), two) == pytest.approx(2 / 3)


@pytest.mark.parametrize("change", [{"person": "face_2"}, {"stream": "face"}, {"time_s": 3.0}])
def test_persons_streams_and_times_are_not_mixed_up(change):
    assert agreement(run(decision(1.0)), run(replace(decision(1.0), **change))) == 0.0


def test_that_there_is_nobody_is_not_compared():
    assert agreement(run(decision(1.0), decision(2.0, 0, "")), run(decision(1.0))) == 1.0
