import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_models import crops

from emotion_recognition.classifiers import VisualClassifier
from emotion_recognition.engines import ENGINES, ModelError, installed_engines, load_metadata

STEP_NS = 200_000_000
PICTURES = crops(40)


@pytest.fixture(scope="module", params=ENGINES)
def classifier(request, face_sidecar):
    if request.param not in installed_engines():
        pytest.skip(f"{request.param} is not installed")
    return VisualClassifier(load_metadata(face_sidecar), request.param)


@pytest.fixture
def fresh(classifier):
    classifier.reset()
    return classifier


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 40), st.integers(0, 39))
def test_streaming_gives_what_the_whole_clip_gives(classifier, length, first):
    classifier.reset()
    clip = [PICTURES[(first + index) % 40] for index in range(length)]
    stamps = [10_000 + index * STEP_NS for index in range(length)]
    for crop, stamp in zip(clip, stamps, strict=True):
        streamed = classifier.update(1, crop, stamp)
    whole = classifier.classify_clip(clip[-15:], stamps[-15:])
    assert streamed.stamps_ns == whole.stamps_ns == tuple(stamps[-15:])
    np.testing.assert_allclose(streamed.probabilities, whole.probabilities, atol=1e-6)


def test_the_clip_matters(fresh):
    """Without this the equality of streaming and clip would say little."""
    one = fresh.classify_clip(PICTURES[:15]).probabilities
    other = fresh.classify_clip(PICTURES[15:30]).probabilities
    last = fresh.classify_clip(PICTURES[14:15]).probabilities
    assert np.abs(one - other).max() > 1e-3
    assert np.abs(one - last).max() > 1e-3


def test_engines_agree(face_sidecar):
    pytest.importorskip("torch")
    metadata = load_metadata(face_sidecar)
    for engine in installed_engines():
        found = VisualClassifier(metadata, engine).classify_clip(PICTURES[:5]).probabilities
        if engine == ENGINES[0]:
            expected = found
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_probabilities_follow_from_the_networks_logits(face_sidecar):
    """Calm is not in the table, so its logit is left out; temperature 2; the rest is a softmax."""
    torch = pytest.importorskip("torch")
    from emotion_recognition.engines.torch_engine import load_part
    from emotion_recognition.training.augment_faces import to_input

    metadata = load_metadata(face_sidecar)
    stills = np.ascontiguousarray(PICTURES[:4, :48, :48, :1].repeat(3, axis=3))
    with torch.no_grad():
        frames = to_input(torch.from_numpy(stills[:, :, :, 0].copy()), 64)
        embeddings = load_part(metadata, "backbone")(frames.contiguous())
        logits = load_part(metadata, "fan")(embeddings[None])[0]
        expected = torch.softmax(logits[[0, 2, 3, 4, 5, 6, 7]].double() / 2.0, 0).numpy()
    found = VisualClassifier(metadata).classify_clip(stills)
    assert found.class_ids == (1, 3, 4, 5, 6, 7, 8)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
    assert abs(found.probabilities.sum() - 1) < 1e-12


def test_frames_older_than_the_window_are_left_out(fresh):
    """3 s, and half of the 0.2 s between samples: 3.1 s before the newest is in, 1 ns more is out."""
    fresh.update(1, PICTURES[0], 1)
    fresh.update(1, PICTURES[1], 100)
    found = fresh.update(1, PICTURES[2], 3_100_000_100)
    assert found.stamps_ns == (100, 3_100_000_100)
    fresh.update(2, PICTURES[0], 99)
    found = fresh.update(2, PICTURES[2], 3_100_000_100)
    assert found.stamps_ns == (3_100_000_100,)


def test_a_gap_gives_what_the_remaining_frames_alone_give(fresh):
    for index in range(10):
        fresh.update(1, PICTURES[index], 1 + index * STEP_NS)
    late = fresh.update(1, PICTURES[20], 60_000_000_000)
    np.testing.assert_allclose(late.probabilities, fresh.classify_clip(PICTURES[20:21]).probabilities, atol=1e-6)


@pytest.mark.parametrize("gap_ns, used", [(1_100_000_000, 3), (1_100_000_001, 1)])
def test_a_track_that_comes_again_after_a_gap_is_another_face(face_sidecar, gap_ns, used):
    """Half a sampling interval of 0.2 s is tolerated."""
    classifier = VisualClassifier(load_metadata(face_sidecar), max_gap_s=1.0)
    classifier.update(1, PICTURES[0], 0)
    classifier.update(1, PICTURES[1], STEP_NS)
    found = classifier.update(1, PICTURES[2], STEP_NS + gap_ns)
    assert len(found.stamps_ns) == used
    expected = classifier.classify_clip(PICTURES[3 - used : 3])
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-6)


def test_tracks_do_not_mix(fresh):
    for index in range(3):
        one = fresh.update(1, PICTURES[index], 1 + index * STEP_NS)
        two = fresh.update(2, PICTURES[10 + index], 1 + index * STEP_NS)
    np.testing.assert_allclose(one.probabilities, fresh.classify_clip(PICTURES[:3]).probabilities, atol=1e-6)
    np.testing.assert_allclose(two.probabilities, fresh.classify_clip(PICTURES[10:13]).probabilities, atol=1e-6)


def test_tracks_unseen_for_longer_than_the_window_are_forgotten(fresh):
    for track in range(100):
        fresh.update(track, PICTURES[0], 1 + track * 1_000_000_000)
    assert fresh.tracks == (96, 97, 98, 99)


@pytest.mark.parametrize("stamp", [5, 4, 0, -1])
def test_a_stamp_not_after_the_last_is_refused_and_changes_nothing(fresh, stamp):
    fresh.update(1, PICTURES[0], 5)
    with pytest.raises(ValueError, match=f"track 1: stamp {stamp} ns, expected one after 5 ns"):
        fresh.update(1, PICTURES[1], stamp)
    assert fresh.update(1, PICTURES[2], 6).stamps_ns == (5, 6)


def test_a_wrong_crop_changes_nothing(fresh):
    fresh.update(1, PICTURES[0], 5)
    with pytest.raises(ValueError, match="expected \\(side, side, 3\\) uint8"):
        fresh.update(1, PICTURES[1][:, :10], 6)
    assert fresh.update(1, PICTURES[2], 7).stamps_ns == (5, 7)


def test_reset_forgets_every_track_and_allows_earlier_stamps(fresh):
    fresh.update(1, PICTURES[0], 5_000)
    fresh.reset()
    assert fresh.update(1, PICTURES[1], 5).stamps_ns == (5,)


def test_an_empty_clip_is_refused(fresh):
    with pytest.raises(ValueError, match="0 crops"):
        fresh.classify_clip([])


def test_wrong_settings_and_models_are_refused(face_sidecar, speech_sidecar):
    with pytest.raises(ModelError, match="architecture speech-cnn-s2, expected a face model"):
        VisualClassifier(load_metadata(speech_sidecar))
    for wrong in ({"frames": 0}, {"window_s": 0}, {"window_s": float("nan")}):
        with pytest.raises(ValueError, match="expected at least 1 and more than 0"):
            VisualClassifier(load_metadata(face_sidecar), **wrong)
