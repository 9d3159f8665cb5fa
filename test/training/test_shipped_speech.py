"""The speech weights in the package: what they say of themselves, and that they work on what the robot computes."""

import numpy as np
import pytest

from emotion_recognition.audio import AudioPipeline, AudioSettings
from emotion_recognition.classifiers import SpeechClassifier
from emotion_recognition.emotions import CLASS_IDS
from emotion_recognition.engines import load_metadata
from emotion_recognition.evaluation.recipes import completed
from emotion_recognition.evaluation.records import load_record
from emotion_recognition.evaluation.report import RUNS
from emotion_recognition.features import MfccSettings
from emotion_recognition.parameters import defaults
from emotion_recognition.weights import PAPER_SPEECH, SPEECH

# Least UAR on unseen speakers.
BARS = {SPEECH: 0.69, PAPER_SPEECH: 0.38}


@pytest.fixture(scope="module", params=[SPEECH, PAPER_SPEECH], ids=["default", "paper"])
def metadata(request):
    return load_metadata(request.param)


def test_the_score_stated_is_speaker_independent_and_above_the_bar(metadata):
    stated = metadata.scores["conditions"]["clips"]
    assert metadata.scores["protocol"] == "p2" and stated["count"] == 1439
    assert stated["mean"]["uar"] == pytest.approx(np.mean([fold["uar"] for fold in stated["folds"]]))
    assert stated["mean"]["uar"] >= BARS[metadata.path]
    confusion = np.array(stated["confusion"])
    recall = confusion.diagonal() / confusion.sum(1)
    assert np.mean(recall) == pytest.approx(stated["mean"]["uar"], abs=0.02)


def test_recipe_and_temperature_are_those_of_the_committed_run(metadata):
    pytest.importorskip("scipy")
    from emotion_recognition.training.whole import record_temperature

    record = load_record(RUNS / f"{metadata.architecture}-p2.json")
    assert completed(metadata.scores["recipe"]) == completed(record.recipe)
    assert metadata.temperature == pytest.approx(record_temperature(record), rel=1e-3)


def test_the_fusions_temperature_is_the_one_measured():
    record = load_record(RUNS / "speech-resnet-p2-action-units-gm.json")
    assert defaults("fusion")["fused_temperature"] == pytest.approx(record.recipe["fused_temperature"], abs=0.005)


def test_the_licence_is_stated_and_lies_beside(metadata):
    assert "CC BY-NC-SA 4.0" in metadata.licence
    text = metadata.path.with_suffix(".LICENSE").read_text()
    assert "Livingstone" in text and "by-nc-sa/4.0" in text and "Changes made" in text
    assert ("EMO-DB" in text) == ("EMO-DB" in metadata.trained_on)


def test_it_names_all_classes_from_the_robots_coefficients(metadata):
    assert metadata.class_ids == CLASS_IDS
    assert MfccSettings(**metadata.preprocessing.mfcc) == AudioSettings().mfcc


def test_it_works_on_what_the_robot_computes(metadata, data_folder):
    """On clips it was trained on: no score, but wrong preprocessing would bring it down to chance, 0.125."""
    pytest.importorskip("soundfile")
    from emotion_recognition.datasets.ravdess import find_clips, read_clip

    classifier = SpeechClassifier(metadata)
    right = []
    for clip in find_clips(data_folder / "ravdess_speech")[::20]:
        pipeline = AudioPipeline(AudioSettings(voice_activity="energy"))
        sound = read_clip(clip)[:, None]
        results = []
        for start in range(0, len(sound), 1024):
            results += pipeline.push(sound[start : start + 1024], 16000, start * 62500, start)
        for result in results:
            if result.mfcc.shape[1] == 94:  # 3 s
                heard = classifier.classify(result.mfcc if classifier.reads_matrix else result.mfcc_mean)
                right.append(heard.class_ids[int(heard.probabilities.argmax())] == clip.class_id)
    assert len(right) > 100
    assert np.mean(right) > 0.5
