import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("av")

import made_corpora  # noqa: E402

from emotion_recognition.datasets.clips import CorpusError  # noqa: E402
from emotion_recognition.datasets.reading import UnreadableFile, read_sound  # noqa: E402
from emotion_recognition.engines.network import load_network  # noqa: E402
from emotion_recognition.engines.weights import load_metadata  # noqa: E402
from emotion_recognition.training.augment_sounds import SoundAugmentation  # noqa: E402
from emotion_recognition.training.changes import Changes  # noqa: E402
from emotion_recognition.training.learners import SIX, Task, create_learner, fill_cache  # noqa: E402

QUICK = Changes(epochs=2, batch=4)


def task(model, folder, cache, **more):
    return Task(model, str(folder), changes=QUICK, cache=str(cache), **more)


@pytest.mark.parametrize("model", ["S1", "speech-resnet"])
def test_a_learner_knows_the_clips_and_reads_them_from_the_cache(ravdess, tmp_path, model):
    learner = create_learner(task(model, ravdess, tmp_path))
    assert len(learner.names) == 16 and learner.names[0] == "03-01-01-01-01-01-01"
    assert learner.class_table == tuple(range(1, 9)) and sorted(set(learner.actors.tolist())) == [1, 5]
    assert (learner.columns == learner.class_ids - 1).all()
    assert learner._cache.misses == 16
    again = create_learner(task(model, ravdess, tmp_path))
    assert (again._cache.hits, again._cache.misses) == (16, 0)
    network = learner.fit(np.arange(12))
    assert (again.logits(network, np.arange(16)) == learner.logits(network, np.arange(16))).all()


@pytest.mark.parametrize(
    ("augmentation", "name", "value"),
    [
        ("robot", "speech_features.SPEEDS", (0.9, 1.1)), ("robot", "speech_features.SNR_DB", (10.0, 20.0)),
        ("robot", "speech_features.WINDOW_SHARE", 0.1), ("robot", "speech_features.UNCHANGED_SPEED", 0.9),
        ("robot", "speech_features.WITHOUT_NOISE", 0.9), ("paper", "augment_sounds.SoundAugmentation.stretch", 0.9),
    ],
)  # fmt: skip
def test_versions_drawn_otherwise_are_computed_anew(ravdess, tmp_path, monkeypatch, augmentation, name, value):
    changes = dataclasses.replace(QUICK, augmentation=augmentation)
    one = Task("S1", str(ravdess), changes=changes, cache=str(tmp_path))
    clip = create_learner(one).clips[0]
    if name.endswith("stretch"):
        made = SoundAugmentation(stretch=value)
        monkeypatch.setattr("emotion_recognition.training.speech_features.SoundAugmentation", lambda: made)
    else:
        monkeypatch.setattr(f"emotion_recognition.training.{name}", value)
    learner = create_learner(one)
    assert (learner._cache.hits, learner._cache.misses) == (0, len(learner.names))
    learner._read(clip)
    assert learner._cache.hits == 1


@pytest.mark.parametrize("model", ["S1", "speech-resnet"])
def test_whole_clips_give_what_their_sounds_give(ravdess, tmp_path, model):
    learner = create_learner(task(model, ravdess, tmp_path))
    network = learner.fit(np.arange(16))
    chosen = np.array([3, 9])
    heard = learner.hear(network, [read_sound(learner.clips[index]) for index in chosen])
    assert heard.shape == (2, 8)
    assert heard == pytest.approx(learner.logits(network, chosen), abs=1e-4)


def test_six_classes_of_eight(ravdess, tmp_path):
    learner = create_learner(task("S1", ravdess, tmp_path, classes=6))
    assert learner.class_table == SIX and set(learner.class_ids.tolist()) == set(SIX)
    network = learner.fit(np.arange(12))
    found = learner.logits(network, np.arange(3))
    assert network.network.fc.out_features == 6
    assert np.isnan(found[:, [1, 7]]).all() and np.isfinite(np.delete(found, [1, 7], axis=1)).all()


@pytest.mark.parametrize(("model", "folder"), [("speech-resnet", "cremad"), ("S2", "cremad"), ("resnet-fan", "cremad")])
def test_what_is_exported_gives_the_logits_of_the_network(request, tmp_path_factory, tmp_path, model, folder):
    pytest.importorskip("onnx")
    learner = create_learner(task(model, request.getfixturevalue(folder), tmp_path_factory.getbasetemp() / "faces"))
    assert learner.class_table == SIX and len(learner.names) == 12
    network = learner.fit(np.arange(12))
    metadata = load_metadata(learner.exported(network, 1.25, {"protocol": "none"}, tmp_path, "six"))
    assert metadata.class_ids == SIX and metadata.temperature == 1.25
    assert "Open Database License" in metadata.licence and "12 clips (speech) of 2 actors" in metadata.trained_on
    expected = learner.logits(network, np.arange(1))[0]
    if model == "resnet-fan":
        from emotion_recognition.training.face_clips import clip_input

        frames = clip_input(learner._crops(np.arange(1))[0], learner_input(metadata)).numpy()
        embeddings = load_network(metadata, "backbone").run(frames)
        found = load_network(metadata, "fan").run(embeddings[np.newaxis])[0]
    else:
        found = heard_by_the_robot(metadata, learner.clips[0])
    assert found[np.array(SIX) - 1] == pytest.approx(expected[np.array(SIX) - 1], abs=2e-3)


def learner_input(metadata):
    from emotion_recognition.classifiers.face_input import FaceInput

    return FaceInput(metadata.preprocessing)


def heard_by_the_robot(metadata, clip):
    """Return the logits (8,) that the robot's own classes compute for a clip."""
    from emotion_recognition.classifiers import speech
    from emotion_recognition.features import NumpyMfcc

    mfcc = NumpyMfcc()(read_sound(clip))
    preprocessing = metadata.preprocessing
    reads_matrix = speech.SpeechClassifier(metadata).reads_matrix
    prepared = speech.prepare(mfcc, preprocessing) if reads_matrix else mfcc.mean(axis=1)
    standardised = ((prepared.T - np.array(preprocessing.mean)) / np.array(preprocessing.std)).T
    return load_network(metadata, "speech").run(standardised[np.newaxis].astype(np.float32))[0]


def test_a_broken_file_is_left_out_and_told_or_stops(tmp_path):
    folder = made_corpora.make_ravdess_speech(tmp_path / "data", [2], repetitions=(1,))
    broken = next(folder.rglob("03-01-04*.wav"))
    broken.write_bytes(b"RIFF nothing")
    seen = []
    learner = create_learner(task("S1", folder, tmp_path / "cache"), seen.append)
    assert len(learner.names) == 7 and [problem.path for problem in learner.unreadable] == [broken]
    told = [figures for figures in seen if figures["stage"] == "unreadable"]
    assert [figures["path"] for figures in told] == [str(broken)]
    assert seen[-1] == {"stage": "reading", "done": 8, "of": 8}
    with pytest.raises(UnreadableFile, match=broken.name):
        create_learner(task("S1", folder, tmp_path / "cache", on_unreadable="stop"))


def test_nothing_readable_is_refused(tmp_path):
    folder = made_corpora.make_ravdess_speech(tmp_path / "data", [2], classes=[1, 2], repetitions=(1,))
    for number, path in enumerate(folder.rglob("*.wav")):
        path.write_bytes(b"RIFF nothing %d" % number)
    with pytest.raises(ValueError, match="none of 2 ravdess clips .* can be used; the first: .*wav"):
        create_learner(task("S1", folder, tmp_path / "cache"))
    assert fill_cache(task("S1", folder, tmp_path / "cache"), 0, 2) == 0


def test_another_set_or_class_count_is_refused(ravdess, cremad, tmp_path):
    with pytest.raises(CorpusError, match="CREMA-D"):
        create_learner(task("S1", ravdess, tmp_path, corpus="cremad"))
    with pytest.raises(CorpusError):
        create_learner(task("F4", ravdess, tmp_path))
    with pytest.raises(ValueError, match="8 classes: cremad .* has the classes 1, 3, 4, 5, 6, 7"):
        create_learner(task("S1", cremad, tmp_path, classes=8))
    with pytest.raises(ValueError, match="dropout"):
        create_learner(dataclasses.replace(task("F4", cremad, tmp_path), changes=Changes(dropout=0.2)))


def test_two_processes_share_the_work(ravdess, tmp_path):
    given = task("speech-resnet", ravdess, tmp_path)
    assert [fill_cache(given, first, 3) for first in range(3)] == [6, 5, 5]
    assert create_learner(given)._cache.misses == 0


def test_clips_that_are_gone_are_told(ravdess, tmp_path):
    learner = create_learner(task("S1", ravdess, tmp_path))
    assert learner.indices(learner.names[3:5]).tolist() == [3, 4]
    with pytest.raises(ValueError, match="1 clips are gone, the first 03-99"):
        learner.indices([learner.names[0], "03-99"])
    assert json.loads(json.dumps(learner.described()))["architecture"] == "speech-cnn-s1"
