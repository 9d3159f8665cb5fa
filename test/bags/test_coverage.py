import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_results import made_decision

from emotion_recognition import emotions
from emotion_recognition.bags.coverage import HOLD_S, coverage, covered, standing, union


def test_a_decision_stands_until_the_next_stamp_but_no_longer_than_the_hold_and_the_bag():
    found = [made_decision(time_s, emotions.HAPPY) for time_s in (0.0, 0.5, 0.5, 4.0, 9.75)]
    assert standing(found, 10.0) == [(0.0, 0.5), (0.5, 1.5), (0.5, 1.5), (4.0, 5.0), (9.75, 10.0)]


def test_a_stamp_past_the_end_covers_nothing():
    assert standing([made_decision(11.0, emotions.HAPPY)], 10.0) == [(11.0, 11.0)]
    assert coverage([made_decision(11.0, emotions.HAPPY)], 10.0) == {"face": 0.0, "voice": 0.0, "decision": 0.0}


def test_coverage_by_kind():
    found = [
        made_decision(0.0, emotions.HAPPY, stream="face", status="FACE_ONLY"),
        made_decision(0.5, emotions.UNKNOWN, stream="face", status="NEITHER", person=""),
        made_decision(2.0, emotions.SAD, stream="speech", status="SPEECH_ONLY", person="voice"),
        made_decision(0.0, emotions.HAPPY, status="FACE_ONLY"),
        made_decision(0.5, emotions.UNKNOWN, status="NEITHER", person=""),
        made_decision(2.5, emotions.UNKNOWN, status="SPEECH_ONLY", person="voice", reasons=128),
    ]
    # Face 0-0.5; voice 2-3 by the speech stream and 2.5-3.5 by the fused one; a class is named at 0-0.5 only.
    assert coverage(found, 5.0) == pytest.approx({"face": 0.1, "voice": 0.3, "decision": 0.1})
    assert covered(found, "voice") == [(2.0, 3.5)]


def test_without_a_fused_stream_any_stream_decides():
    found = [
        made_decision(0.0, emotions.HAPPY, stream="face", status="FACE_ONLY"),
        made_decision(0.5, emotions.SAD, stream="speech", status="SPEECH_ONLY", person="voice"),
    ]
    assert covered(found, "decision") == [(0.0, 1.5)]


def test_a_bag_without_duration_is_not_covered():
    assert set(coverage([], 0.0).values()) == {0.0}


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=12))
def test_the_union_covers_the_same_points_once(pairs):
    spans = [(start, start + length) for start, length in pairs]
    found = union(spans)
    for point in range(36):
        assert any(a <= point + 0.5 < b for a, b in spans) == (sum(a <= point + 0.5 < b for a, b in found) == 1)
    assert all(one[1] < other[0] for one, other in zip(found, found[1:], strict=False))


def test_the_hold_is_longer_than_the_time_between_decisions_of_the_defaults():
    from emotion_recognition.parameters import defaults

    assert defaults("mfcc_extractor")["hop"] < HOLD_S
    face = defaults("face_detector")
    assert face["window"] / face["frames"] < HOLD_S
    assert defaults("fusion")["idle_period"] <= HOLD_S
