"""What a label does, by hand and for any input; and what the shipped defaults do to a flicker and to a change."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_estimates import SPEECH_TABLE, face, speech

from emotion_recognition import emotions
from emotion_recognition.chain import FusionStep
from emotion_recognition.estimates import Modality, Reason
from emotion_recognition.fusion import Smoother, Steadiness, decide
from emotion_recognition.parameters import defaults

HAPPY, SAD, CALM, NEUTRAL, UNKNOWN = (
    emotions.HAPPY, emotions.SAD, emotions.CALM, emotions.NEUTRAL, emotions.UNKNOWN,
)  # fmt: skip
FRAME_MS = 200
# Time in which the shipped defaults must name a new emotion that is as clear as 0.6 to 0.2.
CHANGE_WITHIN_MS = 1400


def of(**wanted):
    """Return probabilities over SPEECH_TABLE; classes not named share the rest."""
    rest = (1 - sum(wanted.values())) / (len(SPEECH_TABLE) - len(wanted))
    return np.array([wanted.get(emotions.LABELS[number], rest) for number in SPEECH_TABLE])


def named(steadiness, rows, table=SPEECH_TABLE):
    held, out = None, []
    for row in rows:
        held = steadiness.name(row, table, held)
        out.append(held)
    return out


def test_another_class_must_lead_by_the_margin():
    rows = [of(happy=0.4, sad=0.3), of(happy=0.3, sad=0.39), of(happy=0.3, sad=0.41), of(happy=0.39, sad=0.3)]
    assert named(Steadiness(0.1), rows) == [HAPPY, HAPPY, SAD, SAD]
    assert named(Steadiness(0.0), rows) == [HAPPY, SAD, SAD, HAPPY]


def test_without_confidence_it_is_unknown_until_the_margin_above():
    rows = [of(happy=value) for value in (0.41, 0.39, 0.45, 0.49, 0.51, 0.41)]
    assert named(Steadiness(0.1, 0.4), rows) == [HAPPY, UNKNOWN, UNKNOWN, UNKNOWN, HAPPY, HAPPY]
    assert named(Steadiness(0.0, 0.4), rows) == [HAPPY, UNKNOWN, HAPPY, HAPPY, HAPPY, HAPPY]


def test_the_named_class_alone_counts_for_its_confidence():
    """Sad would be sure enough, but does not lead; so neither is named, until one is surer."""
    rows = [of(happy=0.4, sad=0.3), of(happy=0.34, sad=0.42), of(happy=0.30, sad=0.44), of(happy=0.2, sad=0.46)]
    assert named(Steadiness(0.1, 0.35), rows) == [HAPPY, UNKNOWN, UNKNOWN, SAD]


def test_after_unknown_any_class_may_come():
    assert named(Steadiness(0.1, 0.5), [of(happy=0.6), of(happy=0.4), of(sad=0.65)]) == [HAPPY, UNKNOWN, SAD]


def test_a_person_of_whom_nothing_is_known_needs_no_margin():
    assert named(Steadiness(0.3, 0.5), [of(happy=0.51)]) == [HAPPY]
    assert named(Steadiness(0.3, 0.5), [of(happy=0.49)]) == [UNKNOWN]


@pytest.mark.parametrize(("least", "again"), [(0.0, 0.3), (0.4, 0.7), (0.6, 0.8), (1.0, 1.0)])
def test_a_class_can_always_be_named_again(least, again):
    steadiness = Steadiness(0.3, least)
    assert steadiness.named_again_from == pytest.approx(again)
    assert steadiness.name(np.array([1.0, 0.0]), (HAPPY, SAD), UNKNOWN) == HAPPY


def test_a_class_that_the_table_lacks_is_the_nearest():
    assert named(Steadiness(0.2), [of(calm=0.9)]) == [CALM]
    table = (NEUTRAL, HAPPY, SAD)
    assert Steadiness(0.2).name(np.array([0.4, 0.55, 0.05]), table, CALM) == NEUTRAL
    assert Steadiness(0.2).name(np.array([0.35, 0.6, 0.05]), table, CALM) == HAPPY


@pytest.mark.parametrize("wrong", [{"hysteresis": -0.1}, {"min_confidence": 1.1}, {"hysteresis": float("nan")}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="expected both from 0 to 1"):
        Steadiness(**wrong)


weights = st.lists(st.integers(0, 20), min_size=8, max_size=8).filter(any)
distributions = weights.map(lambda row: np.array(row) / sum(row))


@given(st.lists(distributions, min_size=1, max_size=40), st.floats(0, 1), st.floats(0, 1))
def test_what_is_named_is_sure_and_led_by_less_than_the_margin(rows, hysteresis, least):
    steadiness = Steadiness(hysteresis, least)
    held = None
    for row in rows:
        was, held = held, steadiness.name(row, SPEECH_TABLE, held)
        if held == UNKNOWN:
            own = row.max() if was in (None, UNKNOWN) else row[SPEECH_TABLE.index(was)]
            assert own < steadiness.named_again_from
        else:
            own = row[SPEECH_TABLE.index(held)]
            assert own >= least
            assert own == row.max() or (held == was and row.max() - own < hysteresis)


@given(st.lists(distributions, min_size=1, max_size=40), st.floats(0, 1))
def test_without_a_margin_it_is_the_most_probable_class_where_sure(rows, least):
    expected = [SPEECH_TABLE[int(row.argmax())] if row.max() >= least else UNKNOWN for row in rows]
    assert named(Steadiness(0.0, least), rows) == expected


def test_the_smoothed_decision_has_the_named_class_and_its_probability():
    smoother = Smoother(0.0, steadiness=Steadiness(0.2, 0.3))
    smoother.update(speech(1000, tuple(of(happy=0.6))))
    found = smoother.update(speech(1200, tuple(of(happy=0.35, sad=0.45))))
    assert (found.class_id, found.confidence, found.reasons) == (HAPPY, pytest.approx(0.35), Reason.NONE)
    found = smoother.update(speech(1400, tuple(of(happy=0.1, sad=0.28))))
    assert (found.class_id, found.confidence, found.reasons) == (UNKNOWN, pytest.approx(0.28), Reason.ABSTAINED)


def test_who_begins_anew_holds_no_label():
    """After a gap, after a stamp that went back, and as another person."""
    first, other = tuple(of(happy=0.6)), tuple(of(happy=0.45, sad=0.5))
    for at_ms, track in ((5000, 1), (500, 1), (1200, 2)):
        smoother = Smoother(0.0, max_gap_s=3.0, steadiness=Steadiness(0.2))
        smoother.update(dataclasses.replace(speech(1000, first), person_id="face_1"))
        found = smoother.update(dataclasses.replace(speech(at_ms, other), person_id=f"face_{track}"))
        assert found.class_id == SAD
    kept = Smoother(0.0, max_gap_s=3.0, steadiness=Steadiness(0.2))
    kept.update(speech(1000, first))
    assert kept.update(speech(1200, other)).class_id == HAPPY


def test_a_class_out_of_the_table_cannot_be_named():
    with pytest.raises(ValueError, match="class_id 2 is not in the label table"):
        decide((1.0,), (HAPPY,), class_id=CALM, modality=Modality.FACE, status=1)


def labels_of(probabilities):
    """Return the labels of raw and smoothed decisions on a face at 5 frames a second, by the shipped defaults."""
    step = FusionStep(defaults("fusion"))
    pairs = []
    for number, row in enumerate(probabilities):
        one = face(10_000 + FRAME_MS * number, probabilities=row)
        pairs += step.take(one, Modality.FACE, one.stamp_ns)
    assert len(pairs) == len(probabilities)
    return tuple([one.class_id for one in side] for side in zip(*pairs, strict=True))


def changes(labels):
    return sum(one != other for one, other in zip(labels, labels[1:], strict=False))


MIXED = (0.05, 0.42, 0.38, 0.05, 0.04, 0.03, 0.03)  # neutral, happy, sad, ...
OTHER = (0.05, 0.38, 0.42, 0.05, 0.04, 0.03, 0.03)


def test_by_default_a_flicker_gives_one_label():
    """Two classes that lead in turn, for a minute: the raw label changes 299 times, the smoothed one never."""
    raw, smoothed = labels_of([MIXED, OTHER] * 150)
    assert changes(raw) == 299 and set(smoothed) == {HAPPY}


def test_by_default_noise_gives_few_labels():
    rng = np.random.default_rng(0)
    rows = [tuple(row) for row in rng.dirichlet(np.array(MIXED) * 12, 300)]
    raw, smoothed = labels_of(rows)
    assert changes(raw) > 100
    assert changes(smoothed) < changes(raw) / 20


def test_by_default_a_change_passes_soon():
    before = (0.05, 0.6, 0.2, 0.05, 0.05, 0.03, 0.02)
    after = (0.05, 0.2, 0.6, 0.05, 0.05, 0.03, 0.02)
    _, smoothed = labels_of([before] * 50 + [after] * 50)
    assert set(smoothed[:50]) == {HAPPY}
    first = smoothed.index(SAD)
    assert 0 < (first - 50) * FRAME_MS <= CHANGE_WITHIN_MS
    assert set(smoothed[first:]) == {SAD}


def test_raw_decisions_have_no_hysteresis():
    raw, _ = labels_of([MIXED, OTHER, MIXED])
    assert raw == [HAPPY, SAD, HAPPY]
