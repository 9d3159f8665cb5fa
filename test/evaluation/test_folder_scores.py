import numpy as np
import pytest
from PIL import Image

pytest.importorskip("sklearn")
soundfile = pytest.importorskip("soundfile")

from emotion_recognition.classifiers import SpeechClassifier, VisualClassifier  # noqa: E402
from emotion_recognition.engines import ModelError, load_metadata  # noqa: E402
from emotion_recognition.evaluation import face_scores, folder_scores, scenes  # noqa: E402
from emotion_recognition.evaluation.folder_scores import score_folder  # noqa: E402
from emotion_recognition.faces import Detection, crop_face  # noqa: E402
from emotion_recognition.features import MfccSettings, create_mfcc  # noqa: E402
from emotion_recognition.weights import FACE, SPEECH  # noqa: E402


def picture(path, seed, side=48):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return np.asarray(Image.open(path).convert("RGB"))


def sound(path, seed, rate=16000):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).standard_normal(int(1.5 * rate)) * 0.1
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return soundfile.read(path, dtype="float32")[0]


def test_pictures_are_scored_as_the_robot_classifies_them(tmp_path):
    classifier = VisualClassifier(load_metadata(FACE))
    expected = {}
    for folder, label in (("Anger", "angry"), ("2_HAPPINESS", "happy"), ("surprise", "surprised")):
        for number in range(2):
            pixels = picture(tmp_path / folder / f"{number}.png", len(expected))
            found = classifier.classify_clip([pixels])
            told = found.class_ids[int(found.probabilities.argmax())]
            expected[folder, number] = (label, folder_scores.label_of(told))
    scores = score_folder(tmp_path, crop="none")
    assert (scores.modality, scores.crop, scores.n, scores.skipped, scores.unreadable) == ("face", "none", 6, 0, 0)
    confusion = np.zeros((7, 7), int)
    for truth, told in expected.values():
        confusion[scores.labels.index(truth), scores.labels.index(told)] += 1
    assert np.array(scores.confusion).tolist() == confusion.tolist()
    right = [truth == told for truth, told in expected.values()]
    assert scores.accuracy == pytest.approx(np.mean(right))
    # Two pictures a class, so the mean of the recalls is the accuracy.
    assert scores.uar == pytest.approx(scores.accuracy)
    assert scores.among_present["accuracy"] >= scores.accuracy
    assert scores.weights_sha256 == load_metadata(FACE).weights_sha256


def test_sounds_are_scored_as_the_robot_classifies_them(tmp_path):
    metadata = load_metadata(SPEECH)
    classifier, mfcc = SpeechClassifier(metadata), create_mfcc("numpy", MfccSettings(**metadata.preprocessing.mfcc))
    told = []
    for number, folder in enumerate(("fear", "Sad", "CALM")):
        found = mfcc(sound(tmp_path / folder / "a.wav", number))
        found = classifier.classify(found if classifier.reads_matrix else found.mean(axis=1))
        told.append(found.class_ids[int(found.probabilities.argmax())])
    scores = score_folder(tmp_path)
    assert (scores.modality, scores.crop, scores.n) == ("speech", None, 3)
    rows = [scores.labels.index(label) for label in ("fearful", "sad", "calm")]
    confusion = np.zeros((8, 8), int)
    confusion[rows, [number - 1 for number in told]] += 1
    assert np.array(scores.confusion).tolist() == confusion.tolist()


def test_what_cannot_be_scored_is_counted_and_named(tmp_path):
    picture(tmp_path / "sadness" / "good.png", 0)
    (tmp_path / "sadness" / "broken.jpg").write_bytes(b"not a picture")
    (tmp_path / "sadness" / "empty.png").touch()
    (tmp_path / "sadness" / ".hidden").write_text("x")
    picture(tmp_path / "contempt" / "a.png", 1)
    picture(tmp_path / "contempt" / "b.png", 2)
    picture(tmp_path / "calm" / "a.png", 3)
    sound(tmp_path / "sadness" / "voice.wav", 4)
    lines = []
    scores = score_folder(tmp_path, "face", "none", on_problem=lines.append)
    assert (scores.n, scores.skipped, scores.unreadable, scores.not_found) == (1, 4, 2, 0)
    assert scores.skipped_folders == {"contempt": 2, "calm": 1}
    text = "\n".join(lines)
    for part in ("contempt: names no known emotion, 2 files", f"calm: {load_metadata(FACE).name} cannot",
                 "broken.jpg: cannot be read", "empty.png: cannot be read", "voice.wav: not for face"):  # fmt: skip
        assert part in text
    assert "calm" not in scores.labels


def test_both_modalities_must_be_chosen_between(tmp_path):
    picture(tmp_path / "sad" / "a.png", 0)
    sound(tmp_path / "sad" / "a.wav", 0)
    (tmp_path / "sad" / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match="1 files of sound, 1 pictures and videos: give the modality"):
        score_folder(tmp_path)
    scores = score_folder(tmp_path, "speech")
    assert (scores.n, scores.skipped, scores.unreadable) == (1, 1, 1)


def test_the_centre_stands_for_a_face_that_is_not_found(tmp_path):
    (tmp_path / "happy").mkdir()
    scene = np.full((240, 320, 3), 40, np.uint8)
    Image.fromarray(scene).save(tmp_path / "happy" / "x.png")
    (tmp_path / "happy" / "broken.png").write_bytes(b"x")
    lines = []
    scores = score_folder(tmp_path, crop="auto", on_problem=lines.append)
    assert (scores.n, scores.not_found, scores.unreadable) == (1, 1, 1)
    assert "x.png: no face found in 1 frame" in lines[1]
    found = VisualClassifier(load_metadata(FACE)).classify_clip([scene[:, 40:280]])
    told = folder_scores.label_of(found.class_ids[int(found.probabilities.argmax())])
    assert scores.confusion[scores.labels.index("happy")][scores.labels.index(told)] == 1
    assert score_folder(tmp_path, crop="none").confusion == scores.confusion


def test_files_in_no_folder_of_a_class_are_counted(tmp_path):
    picture(tmp_path / "sad" / "a.png", 0)
    picture(tmp_path / "loose.png", 1)
    (tmp_path / "labels.csv").write_text("x")
    (tmp_path / ".hidden").touch()
    lines = []
    scores = score_folder(tmp_path, crop="none", on_problem=lines.append)
    assert (scores.n, scores.skipped, scores.skipped_folders) == (1, 2, {".": 2})
    assert lines == [f"{tmp_path}: 2 files lie in no folder of a class, skipped"]


def test_the_largest_face_is_taken_wherever_it_stands_in_the_list():
    boxes = [(10.0, 10.0, 40.0, 40.0), (100.0, 20.0, 120.0, 150.0)]

    class Two:
        def detect(self, rgb):
            return [Detection(box, np.zeros((5, 2), np.float32), 0.9) for box in boxes]

    frame = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    assert (scenes.find_face(frame, Two(), 0.1) == crop_face(frame, boxes[1], 0.1)).all()
    assert face_scores.find_face is folder_scores.find_face is scenes.find_face


def test_shapes_of_pictures():
    wide = np.arange(4 * 10 * 3, dtype=np.uint8).reshape(4, 10, 3)
    assert (scenes.centre_square(wide) == wide[:, 3:7]).all()
    large = scenes.enlarged(np.zeros((48, 60, 3), np.uint8))
    assert large.shape == (240 + 240, 300 + 240, 3)
    frame = np.zeros((480, 640, 3), np.uint8)
    assert scenes.enlarged(frame) is frame


def test_folders_and_models_that_do_not_fit(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected one with a folder of files for each class"):
        score_folder(tmp_path / "none")
    picture(tmp_path / "cats" / "a.png", 0)
    with pytest.raises(ValueError, match="folders found: cats; expected some named by emotion"):
        score_folder(tmp_path)
    picture(tmp_path / "sad" / "a.png", 0)
    with pytest.raises(ValueError, match="expected one of"):
        score_folder(tmp_path, "smell")
    with pytest.raises(ModelError, match="expected a face model"):
        score_folder(tmp_path, "face", sidecar=SPEECH)


def test_faces_in_real_clips_are_found(data_folder):
    pytest.importorskip("av")
    clips = data_folder / "mead_clips"
    if not clips.is_dir():
        pytest.skip(f"no {clips}")
    faces = folder_scores._Faces(load_metadata(FACE), "auto", "onnxruntime")
    probabilities, problem = faces(clips / "happy.mp4")
    assert not problem and probabilities.shape == (7,) and probabilities.sum() == pytest.approx(1)
