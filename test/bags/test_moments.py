from made_results import made_decision, made_result

from emotion_recognition import emotions
from emotion_recognition.bags.moments import APART_S, main_stream, worst_moments
from emotion_recognition.bags.results import BagResult, Interval, with_truth

LABELS = (Interval(0.0, 100.0, "", emotions.HAPPY),)


def result(*decisions, name="a"):
    return BagResult(name, 100.0, "offline", with_truth(decisions, LABELS), LABELS, {})


def test_neighbours_are_one_moment_and_the_surest_stands_for_it():
    found = worst_moments([result(
        made_decision(1.0, emotions.SAD, 0.5),
        made_decision(1.5, emotions.SAD, 0.9),
        made_decision(2.0, emotions.HAPPY, 0.99),
        made_decision(2.5, emotions.SAD, 0.7),
        made_decision(2.5 + APART_S + 0.1, emotions.SAD, 0.6),
    )])  # fmt: skip
    assert [(one.decision, one.decisions, one.confidence) for one in found] == [(1, (0, 1, 3), 0.9), (4, (4,), 0.6)]


def test_persons_and_classes_are_apart():
    found = worst_moments([result(
        made_decision(1.0, emotions.SAD, 0.5), made_decision(1.0, emotions.SAD, 0.6, person="face_2"),
        made_decision(1.5, emotions.ANGRY, 0.7),
    )])  # fmt: skip
    assert [one.decisions for one in found] == [(2,), (1,), (0,)]


def test_all_bags_together_up_to_the_limit():
    bags = [result(made_decision(1.0, emotions.SAD, 0.4)), result(made_decision(1.0, emotions.SAD, 0.8), name="b")]
    assert [one.bag for one in worst_moments(bags)] == [1, 0]
    assert [one.bag for one in worst_moments(bags, 1)] == [1]


def test_right_unlabelled_and_abstaining_decisions_are_none():
    outside = made_decision(101.0, emotions.SAD)
    assert worst_moments([result(made_decision(1.0, 0), made_decision(1.0, emotions.HAPPY), outside)]) == ()


def test_only_the_main_stream_is_looked_at():
    made = made_result(wrong=1.0)
    assert all(made.decisions[one.decision].stream == "fused" for one in worst_moments([made]))
    assert main_stream(made.decisions) == "fused" and main_stream(()) == "fused"
    assert main_stream([made_decision(0.0, 1, stream="speech")]) == "speech"
