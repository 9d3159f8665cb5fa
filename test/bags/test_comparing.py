import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_results import made_decision, made_result

pytest.importorskip("sklearn")
pytest.importorskip("scipy")

from emotion_recognition import emotions  # noqa: E402
from emotion_recognition.bags.comparing import MEASURES, compare, paired  # noqa: E402
from emotion_recognition.bags.coverage import coverage  # noqa: E402
from emotion_recognition.bags.results import BagResult, Interval, scores, with_truth  # noqa: E402

FAST = {"resamples": 1000}


def by_measure(found):
    return {one.measure: one for one in found.differences}


def full(result):
    return replace(result, coverage=coverage(result.decisions, result.duration_s))


def test_values_are_those_of_the_scores():
    a, b = full(made_result(seed=1)), full(made_result(seed=2, wrong=0.5))
    found = by_measure(compare([a], [b], **FAST))
    for name in ("accuracy", "uar", "macro_f1", "ece"):
        assert found[name].a == pytest.approx(scores([a])[name]) and found[name].b == pytest.approx(scores([b])[name])
        assert found[name].difference == pytest.approx(scores([b])[name] - scores([a])[name])
    for kind, value in scores([a])["coverage"].items():
        assert found[f"{kind}_coverage"].a == pytest.approx(value)


@pytest.mark.parametrize("stream", ["face", "speech"])
def test_values_of_another_stream(stream):
    a, b = made_result(seed=1), made_result(seed=2)
    found = compare([a], [b], stream=stream, **FAST)
    assert found.stream == stream
    assert by_measure(found)["ece"].b == pytest.approx(scores([b])["streams"][stream]["ece"])


def test_a_run_does_not_differ_from_itself():
    made = made_result()
    found = compare([made], [made], **FAST)
    assert all(one.difference == 0 and one.interval == (0, 0) and not one.is_clear for one in found.differences)
    assert found.same == 1 and found.mcnemar.p == 1 and found.notes[0].startswith("4 units")


def test_a_large_difference_is_clear_and_a_run_of_the_same_kind_is_not():
    bags = [made_result(f"bag{n}", seed=n, wrong=0.5) for n in range(12)]
    better = [made_result(f"bag{n}", seed=100 + n, wrong=0.1) for n in range(12)]
    alike = [made_result(f"bag{n}", seed=200 + n, wrong=0.5) for n in range(12)]
    found = compare(bags, better, **FAST)
    assert (found.resampled, found.units, found.notes) == ("bags", 12, ())
    assert by_measure(found)["accuracy"].is_clear and by_measure(found)["accuracy"].interval[0] > 0.2
    assert not by_measure(compare(bags, alike, **FAST))["accuracy"].is_clear


def test_intervals_are_those_of_drawing_by_hand():
    a = [made_result(f"bag{n}", seed=n) for n in range(10)]
    b = [made_result(f"bag{n}", seed=50 + n, wrong=0.4) for n in range(10)]
    limits = by_measure(compare(a, b, resamples=4000))["accuracy"].interval
    rng = np.random.default_rng(9)
    right = [[[one.class_id == one.truth for one in bag.decisions if one.stream == "fused" and one.is_judged]
              for bag in run] for run in (a, b)]  # fmt: skip
    drawn = []
    for _ in range(1000):
        picks = rng.integers(0, 10, 10)
        one, other = (np.mean([hit for pick in picks for hit in run[pick]]) for run in right)
        drawn.append(other - one)
    assert limits == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=0.02)


def test_draws_that_lack_a_class_are_named():
    # Each class in half of two blocks: a draw has one of them alone in half of the cases.
    found = compare([made_result(duration_s=40.0)], [made_result(duration_s=40.0, seed=1)], block_s=20, **FAST)
    assert found.units == 2 and any("% of the draws lack a class" in note for note in found.notes)
    many = [made_result(f"bag{n}", seed=n) for n in range(10)]
    assert compare(many, many, **FAST).notes == ()


def test_few_bags_are_cut_into_blocks_of_time():
    a, b = made_result(duration_s=125.0), made_result(duration_s=125.0, seed=1)
    found = compare([a], [b], **FAST)
    assert (found.resampled, found.units, found.block_s) == ("blocks", 12, 10.0)
    assert compare([a], [b], block_s=30, **FAST).units == 4
    assert compare([a], [b], resample="bags", **FAST).differences[0].interval is None


def test_the_same_arguments_give_the_same_comparison_whatever_the_order_of_bags():
    a = [made_result("x", seed=1), made_result("y", seed=2)]
    b = [made_result("x", seed=3), made_result("y", seed=4)]
    assert compare(a, b, **FAST) == compare(a, b, **FAST) == compare(a, b[::-1], **FAST)


def test_decisions_at_other_times_are_compared_too():
    a = made_result()
    shifted = tuple(replace(one, time_s=one.time_s + 0.2) for one in a.decisions)
    found = compare([a], [replace(a, decisions=shifted)], **FAST)
    assert found.decisions == (79, 79, 0) and found.same is None
    assert by_measure(found)["accuracy"].difference == pytest.approx(0, abs=0.03)


def test_agreement_counts_decisions_of_one_time_and_person():
    labels = (Interval(0.0, 9.0, "", emotions.HAPPY),)
    a, b = (
        BagResult("a", 9.0, "offline", with_truth(made, labels), labels, {})
        for made in (
            [made_decision(1.0, emotions.HAPPY), made_decision(2.0, emotions.HAPPY), made_decision(3.0, emotions.SAD)],
            [made_decision(1.0, emotions.HAPPY), made_decision(2.0, emotions.SAD), made_decision(3.5, emotions.SAD)],
        )
    )
    found = compare([a], [b], **FAST)
    assert found.decisions == (3, 3, 2) and found.same == 0.5


def test_mcnemar_takes_one_answer_a_stretch():
    labels = tuple(Interval(2.0 * n, 2.0 * n + 2, "", emotions.HAPPY) for n in range(8))

    def run(right):
        decisions = []
        for n in range(8):
            said = emotions.HAPPY if n in right else emotions.SAD
            # Two sure decisions, and a faint one for the other class.
            other = emotions.SAD if n in right else emotions.HAPPY
            decisions += [made_decision(2.0 * n + 0.5, said, 0.9), made_decision(2.0 * n + 1, said, 0.9),
                          made_decision(2.0 * n + 1.5, other, 0.3)]  # fmt: skip
        return BagResult("a", 16.0, "offline", with_truth(decisions, labels), labels, {})

    found = compare([run({0})], [run({1, 2, 3, 4, 5, 6, 7})], **FAST).mcnemar
    # Two-sided binomial: 2 * (1 + 8) / 2**8.
    assert (found.stretches, found.only_a, found.only_b, found.p) == (8, 1, 7, pytest.approx(18 / 256))


def test_without_labels_coverage_is_what_is_left():
    a, b = (replace(made_result(seed=n), labels=()) for n in (1, 2))
    a, b = (replace(one, decisions=with_truth(one.decisions, ())) for one in (a, b))
    found = compare([a], [b], **FAST)
    assert by_measure(found)["accuracy"].difference is None and by_measure(found)["accuracy"].interval is None
    assert by_measure(found)["decision_coverage"].difference == 0
    assert found.mcnemar is None and any("no bag has labels" in note for note in found.notes)


def test_the_json_form_is_json():
    found = compare([made_result()], [made_result(seed=1, problems=("x",), mode="replayed")], **FAST).to_json()
    assert json.loads(json.dumps(found, allow_nan=False))["differences"]["uar"]["interval"]
    assert list(found["differences"]) == list(MEASURES)
    assert found["notes"][:2] == ("B is partial: walk could not be read whole", "A is offline, B replayed")


def test_bags_that_differ_are_named():
    with pytest.raises(ValueError, match="only in A: garden; only in B: hall, hall; expected the same bags"):
        compare([made_result("walk"), made_result("garden")], [made_result(name) for name in ("walk", "hall", "hall")])


def test_other_recordings_of_a_name_are_named():
    short = replace(made_result(), duration_s=39.0, problems=("bag walk, cut off",))
    with pytest.raises(ValueError, match=r"bag walk: 40.000 s long in A, 39.000 s in B \(bag walk, cut off\)"):
        paired([made_result()], [short])


def test_labels_that_differ_are_named():
    made = made_result()
    other = replace(made, labels=(made.labels[0], replace(made.labels[1], class_id=emotions.SAD)))
    with pytest.raises(
        ValueError, match=r"labels differ: only in A: 20.000 to 37.000 s face_1 angry; only in B: .* sad"
    ):
        compare([made], [other])


def test_streams_that_are_not_in_both_are_named():
    made = made_result()
    face = replace(made, decisions=tuple(one for one in made.decisions if one.stream == "face"))
    assert compare([made], [face], **FAST).stream == "face"
    with pytest.raises(ValueError, match="streams of A: face, fused, speech; of B: face; expected fused in both"):
        compare([made], [face], stream="fused")
    with pytest.raises(ValueError, match="streams of A: none; of B: face; expected one in both"):
        compare([replace(made, decisions=())], [face])


@pytest.mark.parametrize("wrong", [
    {"resample": "days"}, {"block_s": 0}, {"block_s": float("nan")}, {"level": 1}, {"resamples": 10},
    {"stream": "nose"},
])  # fmt: skip
def test_arguments_out_of_range(wrong):
    with pytest.raises(ValueError, match="expected"):
        compare([made_result()], [made_result()], **wrong)


def test_no_bag_at_all():
    with pytest.raises(ValueError, match="hold no bag"):
        compare([], [])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 1), st.floats(1, 60))
def test_swapping_the_runs_turns_the_differences_round(seed, wrong, block):
    a, b = made_result(seed=seed, wrong=wrong), made_result(seed=seed + 1)
    there, back = compare([a], [b], block_s=block, **FAST), compare([b], [a], block_s=block, **FAST)
    for one, other in zip(there.differences, back.differences, strict=True):
        assert one.difference == pytest.approx(-other.difference)
        assert one.interval is None or one.interval == pytest.approx((-other.interval[1], -other.interval[0]))
        assert one.interval is None or one.interval[0] <= one.interval[1]
