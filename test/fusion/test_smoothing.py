import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_estimates import MS, face, speech

from emotion_recognition import emotions
from emotion_recognition.estimates import Estimate, Modality, Reason, Status
from emotion_recognition.fusion import Smoother, Steadiness, valence_arousal

HAPPY = (0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
SAD = (0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0)


def test_the_first_decision_is_unchanged():
    assert Smoother(0.5).update(face(1000)) == face(1000)


def test_what_was_decays_with_stamp_time():
    smoother = Smoother(time_constant_s=0.5)
    smoother.update(face(1000, probabilities=HAPPY))
    found = smoother.update(face(1200, probabilities=SAD))
    weight = math.exp(-0.4)
    np.testing.assert_allclose(found.probabilities[1:3], [weight, 1 - weight])
    assert (found.class_id, found.confidence) == (emotions.HAPPY, pytest.approx(weight))
    assert (found.valence, found.arousal) == pytest.approx(valence_arousal(found.probabilities, found.class_ids))
    found = smoother.update(face(1400, probabilities=SAD))
    np.testing.assert_allclose(found.probabilities[1:3], [weight**2, 1 - weight**2])
    assert found.class_id == emotions.SAD


def test_everything_else_is_of_the_newest():
    smoother = Smoother(0.5)
    smoother.update(face(1000, probabilities=HAPPY))
    changes = {"reasons": Reason.NO_VOICE, "face_rank": 2, "extra": (("a", "b"),)}
    newest = dataclasses.replace(face(1200, probabilities=SAD), **changes)
    found = smoother.update(newest)
    decided = {"class_id", "confidence", "class_ids", "probabilities", "valence", "arousal"}
    for field in dataclasses.fields(Estimate):
        if field.name not in decided:
            assert getattr(found, field.name) == getattr(newest, field.name), field.name


def test_a_gap_begins_anew():
    smoother = Smoother(0.5, max_gap_s=3.0)
    smoother.update(face(1000, probabilities=HAPPY))
    assert smoother.update(face(4000, probabilities=SAD)).probabilities[1] == pytest.approx(math.exp(-6))
    assert smoother.update(face(7001, probabilities=HAPPY)).probabilities == HAPPY


@pytest.mark.parametrize("between", [False, True], ids=["at once", "after the voice alone"])
def test_a_face_that_begins_anew_under_an_old_name_is_another_face(between):
    smoother = Smoother(0.5)
    for ms, frames in ((1000, 1), (1200, 2)):
        smoother.update(dataclasses.replace(face(ms, probabilities=HAPPY), face_frames=frames))
    if between:
        person = face(1200).person_id
        smoother.update(dataclasses.replace(speech(2200), person_id=person))
    found = smoother.update(dataclasses.replace(face(2400, probabilities=SAD), face_frames=1))
    assert (found.probabilities, found.class_id) == (SAD, emotions.SAD)


def test_a_face_whose_decisions_always_have_one_frame_is_smoothed():
    smoother = Smoother(0.5)
    smoother.update(dataclasses.replace(face(1000, probabilities=HAPPY), face_frames=1))
    found = smoother.update(dataclasses.replace(face(1200, probabilities=SAD), face_frames=1))
    assert found.probabilities[1] == pytest.approx(math.exp(-0.4))


def test_a_stamp_that_goes_back_begins_anew():
    smoother = Smoother(0.5)
    smoother.update(face(2000, probabilities=HAPPY))
    assert smoother.update(face(1000, probabilities=SAD)).probabilities == SAD


def test_persons_do_not_mix():
    smoother = Smoother(0.5)
    smoother.update(face(1000, track=1, probabilities=HAPPY))
    assert smoother.update(face(1001, track=2, probabilities=SAD)).probabilities == SAD


def test_when_the_table_grows_what_was_is_shared_as_the_newest_says():
    """All neutral before; the new table has calm, which the newest gives three times as much."""
    smoother = Smoother(0.5)
    smoother.update(face(1000, track=1, probabilities=(1.0, 0, 0, 0, 0, 0, 0)))
    newest = dataclasses.replace(speech(1200), person_id="face_1")
    found = smoother.update(newest)
    weight = math.exp(-0.4)
    assert found.class_ids == (1, 2, 3, 4, 5, 6, 7, 8)
    expected = [weight * 0.25 + (1 - weight) * 0.1, weight * 0.75 + (1 - weight) * 0.3]
    np.testing.assert_allclose(found.probabilities[:2], expected)


def test_when_the_table_shrinks_calm_becomes_neutral():
    smoother = Smoother(0.5)
    smoother.update(dataclasses.replace(speech(1000, (0, 1.0, 0, 0, 0, 0, 0, 0)), person_id="face_1"))
    found = smoother.update(face(1200, probabilities=HAPPY))
    weight = math.exp(-0.4)
    assert found.class_ids == (1, 3, 4, 5, 6, 7, 8)
    np.testing.assert_allclose(found.probabilities[:2], [weight, 1 - weight])


def test_neither_is_passed_on_and_forgets_everyone():
    smoother = Smoother(0.5)
    smoother.update(face(1000, probabilities=HAPPY))
    nothing = Estimate.nothing(Modality.FUSED, Reason.NO_FACE, 1100 * MS)
    assert smoother.update(nothing) is nothing
    assert smoother.update(face(1200, probabilities=SAD)).probabilities == SAD


def test_abstaining_is_decided_anew():
    smoother = Smoother(0.5, steadiness=Steadiness(min_confidence=0.6))
    smoother.update(face(1000, probabilities=HAPPY))
    found = smoother.update(face(1300, probabilities=SAD))
    assert found.confidence == pytest.approx(max(math.exp(-0.6), 1 - math.exp(-0.6)))
    assert (found.class_id, found.reasons) == (emotions.UNKNOWN, Reason.ABSTAINED)
    found = smoother.update(face(2300, probabilities=SAD))
    assert (found.class_id, found.reasons) == (emotions.SAD, Reason.NONE)


def test_persons_who_left_are_forgotten():
    smoother = Smoother(0.5, max_gap_s=1.0)
    for track in range(200):
        smoother.update(face(1000 + 100 * track, track=track))
    assert len(smoother._persons) <= 11


def test_without_a_time_constant_nothing_is_smoothed():
    smoother = Smoother(0.0)
    smoother.update(face(1000, probabilities=HAPPY))
    assert smoother.update(face(1001, probabilities=SAD)).probabilities == SAD


@pytest.mark.parametrize("wrong", [{"time_constant_s": -1}, {"max_gap_s": 0}, {"time_constant_s": math.nan}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="expected 0 or more, above 0"):
        Smoother(**wrong)


@given(st.lists(st.tuples(st.integers(1, 4000), st.integers(0, 6)), min_size=1, max_size=30))
def test_a_smoothed_decision_is_a_distribution_between_what_was_and_what_is(steps):
    smoother = Smoother(0.5)
    now, before = 0, None
    for step, hot in steps:
        now += step
        one = face(now, probabilities=tuple(np.eye(7)[hot].tolist()))
        found = smoother.update(one)
        assert sum(found.probabilities) == pytest.approx(1, abs=1e-6)
        assert found.stamp_ns == one.stamp_ns and found.status is Status.FACE_ONLY
        if before is not None:
            assert found.probabilities[hot] >= before[hot] - 1e-12
        before = found.probabilities
