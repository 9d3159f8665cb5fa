import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_estimates import (
    FACE_PROBABILITIES,
    FACE_TABLE,
    MS,
    SPEECH_PROBABILITIES,
    SPEECH_TABLE,
    face,
    no_face,
    no_voice,
    speech,
)

from emotion_recognition import emotions
from emotion_recognition.estimates import Modality, Reason, Status
from emotion_recognition.fusion import Fusion, FusionSettings, arithmetic_mean, geometric_mean, valence_arousal

SETTINGS = FusionSettings(pair_within_ns=1000 * MS, stale_after_ns=1500 * MS)
# The face's neutral 0.6 shared between neutral and calm as the voice's 0.1 and 0.3.
FACE_SHARED = np.array([0.15, 0.45, 0.2, 0.1, 0.1, 0.0, 0.0, 0.0])


@pytest.fixture
def fusion():
    return Fusion(SETTINGS)


def says(estimates):
    """Return person, status and reasons of each."""
    return [(one.person_id, one.status, one.reasons) for one in estimates]


def test_face_then_voice_are_paired_with_the_newest_stamp_and_both_windows(fusion):
    assert says(fusion.face([face(1000)])) == [("face_1", Status.FACE_ONLY, Reason.MICROPHONE_STALE)]
    (found,) = fusion.speech(speech(1200))
    assert (found.person_id, found.status, found.reasons) == ("face_1", Status.BOTH, Reason.NONE)
    assert (found.stamp_ns, found.frame_id) == (1200 * MS, "microphone")
    assert (found.window_start_ns, found.window_end_ns) == (-1800 * MS, 1300 * MS)
    (found,) = fusion.face([face(1250)])
    assert (found.status, found.stamp_ns, found.frame_id) == (Status.BOTH, 1250 * MS, "camera")
    assert (found.window_start_ns, found.window_end_ns) == (-1700 * MS, 1300 * MS)


@pytest.mark.parametrize(("method", "mean"), [("geometric", geometric_mean), ("arithmetic", arithmetic_mean)])
def test_both_is_the_mean_over_the_common_table(method, mean):
    fusion = Fusion(FusionSettings(method=method))
    fusion.face([face(1000)])
    (found,) = fusion.speech(speech(1100))
    expected = mean(FACE_SHARED, np.array(SPEECH_PROBABILITIES))
    assert found.class_ids == SPEECH_TABLE
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-12)
    assert found.class_id == emotions.CALM
    assert found.confidence == pytest.approx(expected.max())
    assert (found.valence, found.arousal) == pytest.approx(valence_arousal(expected, SPEECH_TABLE))


def test_both_is_tempered_where_one_stream_alone_is_not():
    plain, sharp = Fusion(FusionSettings()), Fusion(FusionSettings(temperature=0.5))
    for fusion in (plain, sharp):
        (alone,) = fusion.face([face(1000)])
        np.testing.assert_allclose(alone.probabilities, FACE_PROBABILITIES, atol=1e-9)
    (untempered,), (tempered,) = (fusion.speech(speech(1100)) for fusion in (plain, sharp))
    squared = np.square(untempered.probabilities)
    np.testing.assert_allclose(tempered.probabilities, squared / squared.sum(), atol=1e-9)
    assert tempered.class_id == untempered.class_id and tempered.confidence > untempered.confidence


def test_both_carries_what_each_stream_tells(fusion):
    fusion.face([face(1000)])
    (found,) = fusion.speech(speech(1100))
    assert found.modality is Modality.FUSED
    assert (found.face_box, found.image_width, found.image_height) == ((10.0, 20.0, 30.0, 40.0), 640, 480)
    assert (found.face_rank, found.faces_in_view, found.face_frames) == (0, 1, 15)
    assert (found.voice_activity, found.face_weights, found.speech_weights) == (0.75, "f" * 64, "5" * 64)


def test_a_face_alone_keeps_its_own_table_and_nothing_of_the_voice(fusion):
    fusion.speech(no_voice(900))
    (found,) = fusion.face([face(1000)])
    assert (found.status, found.reasons) == (Status.FACE_ONLY, Reason.NO_VOICE)
    assert found.class_ids == FACE_TABLE
    assert found.probabilities == pytest.approx(FACE_PROBABILITIES)
    assert (found.speech_weights, found.voice_activity) == ("", 0.0)
    assert (found.stamp_ns, found.window_start_ns, found.window_end_ns) == (1000 * MS, -1800 * MS, 1000 * MS)


def test_a_voice_alone_is_person_voice_and_keeps_nothing_of_a_face(fusion):
    fusion.face([no_face(900)])
    (found,) = fusion.speech(speech(1000))
    assert (found.person_id, found.status, found.reasons) == ("voice", Status.SPEECH_ONLY, Reason.NO_FACE)
    assert found.class_ids == SPEECH_TABLE
    assert found.probabilities == pytest.approx(SPEECH_PROBABILITIES)
    assert (found.face_weights, found.face_frames, found.face_box) == ("", 0, (0.0, 0.0, 0.0, 0.0))
    assert (found.frame_id, found.window_end_ns) == ("microphone", 1100 * MS)


def test_a_voice_with_a_camera_never_heard_of(fusion):
    assert says(fusion.speech(speech(1000))) == [("voice", Status.SPEECH_ONLY, Reason.CAMERA_STALE)]


def test_a_frame_without_faces_clears_the_face_at_once(fusion):
    fusion.face([face(1000)])
    assert fusion.face([no_face(1010)]) == []
    assert says(fusion.speech(speech(1020))) == [("voice", Status.SPEECH_ONLY, Reason.NO_FACE)]


def test_a_window_without_voice_clears_the_voice_at_once(fusion):
    fusion.speech(speech(1000))
    assert fusion.speech(no_voice(1010)) == []
    assert says(fusion.face([face(1020)])) == [("face_1", Status.FACE_ONLY, Reason.NO_VOICE)]


def test_the_reasons_a_stream_gives_are_passed_on(fusion):
    fusion.speech(no_voice(1000, Reason.MICROPHONE_FROZEN))
    assert says(fusion.face([face(1010)])) == [("face_1", Status.FACE_ONLY, Reason.MICROPHONE_FROZEN)]
    fusion.face([no_face(1020, Reason.MODEL_MISSING)])
    assert says(fusion.speech(speech(1030))) == [("voice", Status.SPEECH_ONLY, Reason.MODEL_MISSING)]


def test_a_stream_behind_by_more_than_the_limit_is_stale(fusion):
    fusion.speech(no_voice(1000))
    assert says(fusion.face([face(2500)])) == [("face_1", Status.FACE_ONLY, Reason.NO_VOICE)]
    assert says(fusion.face([face(2501)])) == [("face_1", Status.FACE_ONLY, Reason.MICROPHONE_STALE)]
    fusion.reset()
    fusion.face([face(1000)])
    assert says(fusion.speech(speech(2501))) == [("voice", Status.SPEECH_ONLY, Reason.CAMERA_STALE)]


def test_stamps_further_apart_than_the_pairing_limit_do_not_pair(fusion):
    fusion.speech(speech(1000))
    assert says(fusion.face([face(2000)])) == [("face_1", Status.BOTH, Reason.NONE)]
    assert says(fusion.face([face(2001)])) == [("face_1", Status.FACE_ONLY, Reason.MICROPHONE_STALE)]


def test_a_stale_voice_is_left_out_though_it_would_pair():
    fusion = Fusion(FusionSettings(pair_within_ns=1000 * MS, stale_after_ns=500 * MS))
    fusion.speech(speech(1000))
    assert says(fusion.face([face(1500)])) == [("face_1", Status.BOTH, Reason.NONE)]
    assert says(fusion.face([face(1501)])) == [("face_1", Status.FACE_ONLY, Reason.MICROPHONE_STALE)]


def test_what_is_too_far_behind_now_is_left_out(fusion):
    assert fusion.speech(speech(1000), 2501 * MS) == []
    assert fusion.face([face(1000)], 2501 * MS) == []
    assert says([fusion.idle(2501 * MS)]) == [("", Status.NEITHER, Reason.CAMERA_STALE | Reason.MICROPHONE_STALE)]
    assert says(fusion.face([face(1400)], 2600 * MS)) == [("face_1", Status.FACE_ONLY, Reason.MICROPHONE_STALE)]
    assert says(fusion.speech(speech(2900), 2950 * MS)) == [("voice", Status.SPEECH_ONLY, Reason.CAMERA_STALE)]


def test_a_face_in_view_that_does_not_pair_still_owns_the_voice(fusion):
    fusion.face([face(1000)])
    (found,) = fusion.speech(speech(2200))
    assert (found.person_id, found.status, found.reasons) == ("face_1", Status.SPEECH_ONLY, Reason.CAMERA_STALE)
    assert found.face_weights == ""


def test_the_newest_voice_that_pairs_is_taken(fusion):
    """The voice at 2400 is too far from the late frame at 1300, the one at 1100 is not."""
    fusion.speech(speech(1000))
    fusion.speech(speech(1100))
    fusion.speech(speech(2400))
    (found,) = fusion.face([face(1300)])
    assert found.status is Status.BOTH
    assert found.window_end_ns == 1300 * MS and found.window_start_ns == (1100 - 2900) * MS


def test_a_frame_far_behind_the_voice_is_left_out(fusion):
    fusion.speech(speech(3000))
    assert fusion.face([face(1400)]) == []
    assert says([fusion.idle(4501 * MS)]) == [("", Status.NEITHER, Reason.CAMERA_STALE | Reason.MICROPHONE_STALE)]


def test_nothing_goes_out_twice_or_back(fusion):
    assert len(fusion.face([face(1000)])) == 1
    assert fusion.face([face(1000)]) == []
    assert fusion.face([face(999)]) == []
    assert len(fusion.speech(speech(1200))) == 1
    assert fusion.speech(speech(1200)) == []
    assert fusion.speech(speech(1199)) == []
    assert fusion.face([face(1150)]) == [], "paired with the voice it would have the stamp 1200 again"
    assert [one.stamp_ns for one in fusion.face([face(1201)])] == [1201 * MS]


def test_an_older_no_face_does_not_clear_a_newer_face(fusion):
    fusion.face([face(1000)])
    fusion.face([no_face(900)])
    fusion.speech(speech(1050))
    fusion.speech(no_voice(1040))
    assert says(fusion.face([face(1100)])) == [("face_1", Status.BOTH, Reason.NONE)]


def test_the_largest_face_has_the_voice(fusion):
    fusion.speech(speech(1000))
    frame = [face(1100, track=7, rank=1, in_view=2), face(1100, track=3, rank=0, in_view=2)]
    assert says(fusion.face(frame)) == [
        ("face_3", Status.BOTH, Reason.NONE), ("face_7", Status.FACE_ONLY, Reason.VOICE_OF_ANOTHER),
    ]  # fmt: skip
    assert says(fusion.speech(speech(1200))) == [("face_3", Status.BOTH, Reason.NONE)]


def test_with_no_voice_no_face_is_told_of_anothers(fusion):
    fusion.speech(no_voice(1000))
    frame = [face(1100, track=3, rank=0), face(1100, track=7, rank=1)]
    assert [one.reasons for one in fusion.face(frame)] == [Reason.NO_VOICE] * 2


def test_the_faces_of_a_frame_may_come_one_by_one(fusion):
    fusion.speech(speech(1000))
    assert says(fusion.face([face(1100, track=7, rank=1)])) == [("face_7", Status.FACE_ONLY, Reason.VOICE_OF_ANOTHER)]
    assert says(fusion.face([face(1100, track=3, rank=0)])) == [("face_3", Status.BOTH, Reason.NONE)]


def test_the_voice_goes_to_another_face_when_that_is_the_largest(fusion):
    fusion.face([face(1000, track=1), face(1000, track=2, rank=1)])
    fusion.speech(speech(1100))
    fusion.face([face(1200, track=2), face(1200, track=1, rank=1)])
    assert says(fusion.speech(speech(1300))) == [("face_2", Status.BOTH, Reason.NONE)]


def test_a_decision_below_the_threshold_abstains_and_keeps_its_numbers():
    fusion = Fusion(FusionSettings(min_confidence=0.7))
    (found,) = fusion.face([face(1000)])
    assert (found.class_id, found.label) == (emotions.UNKNOWN, "unknown")
    assert found.confidence == pytest.approx(0.6)
    assert found.reasons == Reason.ABSTAINED | Reason.MICROPHONE_STALE
    assert found.probabilities == pytest.approx(FACE_PROBABILITIES)
    (found,) = fusion.face([face(1001, probabilities=(0.7, 0.3, 0, 0, 0, 0, 0))])
    assert (found.class_id, found.reasons) == (emotions.NEUTRAL, Reason.MICROPHONE_STALE)


def test_idle_says_why_there_is_nothing(fusion):
    found = fusion.idle(5000 * MS)
    assert (found.status, found.class_id, found.confidence, found.frame_id) == (Status.NEITHER, 0, 0.0, "")
    assert (found.stamp_ns, found.window_start_ns, found.window_end_ns) == (5000 * MS,) * 3
    assert found.reasons == Reason.CAMERA_STALE | Reason.MICROPHONE_STALE
    fusion.face([no_face(5000)])
    fusion.speech(no_voice(5100))
    assert fusion.idle(5200 * MS).reasons == Reason.NO_FACE | Reason.NO_VOICE
    assert fusion.idle(6501 * MS).reasons == Reason.CAMERA_STALE | Reason.NO_VOICE


def test_idle_is_silent_while_a_stream_has_something(fusion):
    fusion.face([face(1000)])
    fusion.speech(no_voice(1000))
    assert fusion.idle(2500 * MS) is None
    assert fusion.idle(2501 * MS).reasons == Reason.CAMERA_STALE | Reason.MICROPHONE_STALE


def test_reset_allows_an_earlier_time(fusion):
    fusion.face([face(9000)])
    fusion.speech(speech(9000))
    fusion.reset()
    assert says(fusion.face([face(1000)])) == [("face_1", Status.FACE_ONLY, Reason.MICROPHONE_STALE)]


def test_persons_who_left_are_forgotten(fusion):
    for track in range(1, 200):
        fusion.face([face(1000 + track, track=track)])
    assert len(fusion._published) <= 3


def test_wrong_calls_and_settings_are_refused(fusion):
    assert fusion.face([]) == []
    with pytest.raises(ValueError, match="expected faces of one frame"):
        fusion.face([face(1000), face(1001, rank=1)])
    with pytest.raises(ValueError, match="expected faces of one frame"):
        fusion.face([speech(1000)])
    with pytest.raises(ValueError, match="expected SPEECH"):
        fusion.speech(face(1000))
    for wrong in (
        {"method": "median"},
        {"pair_within_ns": -1},
        {"stale_after_ns": 0},
        {"min_confidence": 1.5},
        {"temperature": 0.0},
    ):
        with pytest.raises(ValueError, match="expected"):
            FusionSettings(**wrong)


events = st.tuples(st.sampled_from(["face", "two", "no_face", "speech", "no_voice"]), st.integers(-300, 900))


@settings(max_examples=150, deadline=None)
@given(st.lists(events, max_size=40))
def test_whatever_comes_stamps_rise_and_say_what_was_used(steps):
    """Out of order, with gaps, faces and voices that come and go."""
    fusion = Fusion(SETTINGS)
    heard = {"camera": set(), "microphone": set()}
    last = {}
    now = 10_000
    for kind, step in steps:
        now += step
        if kind in ("speech", "no_voice"):
            out = fusion.speech(speech(now) if kind == "speech" else no_voice(now))
            heard["microphone"].add(now * MS)
        else:
            frames = {"face": [face(now)], "two": [face(now, 2), face(now, 1, rank=1)], "no_face": [no_face(now)]}
            out = fusion.face(frames[kind])
            heard["camera"].add(now * MS)
        for found in out:
            assert found.stamp_ns > last.get(found.person_id, -1)
            last[found.person_id] = found.stamp_ns
            assert found.stamp_ns in heard[found.frame_id]
            assert sum(found.probabilities) == pytest.approx(1, abs=1e-6)
            used = {Status.FACE_ONLY: (True, False), Status.SPEECH_ONLY: (False, True), Status.BOTH: (True, True)}
            assert (found.face_weights != "", found.speech_weights != "") == used[found.status]
            assert (found.reasons == Reason.NONE) == (found.status is Status.BOTH)
            spans = {Status.FACE_ONLY: 2800, Status.SPEECH_ONLY: 3000}
            length = (found.window_end_ns - found.window_start_ns) // MS
            if found.status is Status.BOTH:
                assert 2900 <= length <= 3000 + 1000
            else:
                assert length == spans[found.status]
