"""The speech weights in the package: what they say of themselves, and that they work on what the robot computes."""

import numpy as np
import pytest

from emotion_recognition.audio import AudioPipeline, AudioSettings
from emotion_recognition.audio.voice_activity import WEIGHTS as VAD_WEIGHTS
from emotion_recognition.emotions import CLASS_IDS
from emotion_recognition.engines import load_metadata
from emotion_recognition.features import MfccSettings

SIDECAR = VAD_WEIGHTS.with_name("speech_ravdess.json")


@pytest.fixture(scope="module")
def metadata():
    return load_metadata(SIDECAR)


def test_the_score_stated_is_speaker_independent_and_above_the_bar(metadata):
    folds = metadata.scores["folds"]
    assert sorted(actor for fold in folds for actor in fold["actors"]) == list(range(1, 25))
    assert sum(fold["clips_tested"] for fold in folds) == metadata.scores["clips"] == 1439
    mean = np.mean([fold["clips"]["uar"] for fold in folds])
    assert metadata.scores["means"]["clips"]["uar"]["mean"] == pytest.approx(mean)
    assert mean >= 0.35
    recall = [row[k] / sum(row) for k, row in enumerate(metadata.scores["confusion_clips"])]
    assert np.mean(recall) == pytest.approx(mean, abs=0.02)
    assert "cross-validate speech" in metadata.scores["command"]


def test_the_licence_is_stated_and_lies_beside(metadata):
    assert "CC BY-NC-SA 4.0" in metadata.licence
    text = SIDECAR.with_suffix(".LICENSE").read_text()
    assert "Livingstone" in text and "by-nc-sa/4.0" in text and "Changes made" in text


def test_it_names_all_classes_from_the_robots_coefficients(metadata):
    assert metadata.class_ids == CLASS_IDS
    assert MfccSettings(**metadata.preprocessing.mfcc) == AudioSettings().mfcc


def test_it_works_on_what_the_robot_computes(metadata, data_folder):
    """On clips it was trained on: no score, but wrong preprocessing would bring it down to chance, 0.125."""
    pytest.importorskip("soundfile")
    from emotion_recognition.datasets.ravdess import find_clips, read_clip
    from emotion_recognition.engines.network import load_network

    network = load_network(metadata, "speech")
    right = []
    for clip in find_clips(data_folder / "ravdess_speech")[::20]:
        pipeline = AudioPipeline(AudioSettings(voice_activity="energy"))
        sound = read_clip(clip)[:, None]
        results = []
        for start in range(0, len(sound), 1024):
            results += pipeline.push(sound[start : start + 1024], 16000, start * 62500, start)
        whole = [result.mfcc_mean for result in results if result.mfcc.shape[1] == 94]
        if not whole:  # shorter than 3 s
            continue
        inputs = (np.array(whole) - metadata.preprocessing.mean) / metadata.preprocessing.std
        logits = network.run(inputs.astype(np.float32))
        right += (logits.argmax(axis=1) + 1 == clip.class_id).tolist()
    assert len(right) > 100
    assert np.mean(right) > 0.5
