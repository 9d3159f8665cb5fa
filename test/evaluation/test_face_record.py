import io
import zipfile

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("sklearn")

from emotion_recognition.classifiers import VisualClassifier  # noqa: E402
from emotion_recognition.engines import load_metadata  # noqa: E402
from emotion_recognition.evaluation import face_scores, load_record  # noqa: E402
from emotion_recognition.weights import FACE  # noqa: E402


@pytest.fixture
def fer2013(tmp_path):
    """Two pictures of noise of each of two emotions in each split; returns the folder and the test split's."""
    tested = {}
    with zipfile.ZipFile(tmp_path / "fer2013_jpg.zip", "w") as archive:
        for seed, (split, emotion, number) in enumerate(
            (split, emotion, number)
            for split in ("train", "validation", "test")
            for emotion in ("happy", "sad")
            for number in range(2)
        ):
            pixels = np.random.default_rng(seed).integers(0, 256, (48, 48), np.uint8)
            stream = io.BytesIO()
            Image.fromarray(pixels).save(stream, "PNG")
            name = f"{split}/{emotion}/{number}.png"
            archive.writestr(name, stream.getvalue())
            if split == "test":
                tested[name] = pixels
    return tmp_path, tested


def test_the_record_holds_what_the_classifier_says_of_each_picture(fer2013, capsys):
    folder, tested = fer2013
    path = face_scores.main(["--data", str(folder), "--output", str(folder / "runs")])
    record = load_record(path)
    metadata = load_metadata(FACE)
    assert record.name == f"{metadata.architecture}-fer2013-test" and record.protocol == "fer2013-test"
    assert set(record.names) == set(tested) and record.truth.tolist() == [3, 3, 4, 4]
    assert (record.actors == 0).all() and record.weights_sha256 == metadata.weights_sha256
    classifier = VisualClassifier(metadata)
    for row, name in enumerate(record.names):
        expected = classifier.classify_clip([np.repeat(tested[name][..., None], 3, axis=2)])
        assert record.class_ids == tuple(sorted(expected.class_ids))
        assert record.probabilities[row] == pytest.approx(expected.probabilities, abs=1e-4)
    scores = face_scores.score_faces(folder, FACE)
    assert scores.accuracy == np.mean(record.predicted == record.truth)
    assert f"accuracy {scores.accuracy:.4f}" in capsys.readouterr().out
    assert str(folder) not in path.read_text()
