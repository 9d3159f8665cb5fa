"""From files in the layouts of RAVDESS and CREMA-D to models and a report, by the commands that people type."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("av")
pytest.importorskip("onnx")
pytest.importorskip("joblib")
pytest.importorskip("typer")

import made_corpora  # noqa: E402

from emotion_recognition.classifiers import SpeechClassifier  # noqa: E402
from emotion_recognition.datasets.reading import read_sound  # noqa: E402
from emotion_recognition.engines.weights import load_metadata  # noqa: E402
from emotion_recognition.features import NumpyMfcc  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 180


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("end_to_end")


def command(folder, *words):
    """Run a command with the module's cache and return its one JSON object."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "emotion_recognition.cli.main", *map(str, words), "--json"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_voices_of_ravdess_from_files_to_report(folder):
    data = made_corpora.make_ravdess_speech(folder / "ravdess", [1, 5, 9])
    broken = next(data.rglob("03-01-04-01-01-02-09.wav"))
    broken.write_bytes(b"RIFF cut off")
    settings = ["S1", "--data", data, "--epochs", 40, "--batch", 8, "--rate", 0.003]
    crossed, told = command(
        folder, "cross-validate", *settings, "--protocol", "p2", "--allow-partial", "--output", folder / "cv"
    )
    assert f"{broken}: cannot be used" in told and "actors 9-12 40/40" in told
    figures = crossed["conditions"]["clips"]
    assert figures["count"] == 47 and len(figures["folds"]) == 3
    # Every emotion is a tone of its own here: a training that works hears it, whoever speaks.
    assert figures["mean"]["uar"] > 0.5
    trained, _ = command(
        folder, "train", *settings, "--allow-partial", "--output", folder / "model", "--cross-validation", folder / "cv"
    )  # fmt: skip
    metadata = load_metadata(trained["model"])
    assert trained["weights_sha256"] == metadata.weights_sha256 and trained["unreadable"] == 1
    assert metadata.scores["conditions"]["clips"]["accuracy"] == figures["accuracy"]
    classifier = SpeechClassifier(metadata)
    right = 0
    clips = sorted(data.rglob("*-01-01.wav"))
    for path in clips:
        heard = classifier.classify(NumpyMfcc()(read_sound(path)).mean(axis=1))
        right += heard.class_ids[heard.probabilities.argmax()] == int(path.stem.split("-")[2])
    assert len(clips) == 8 and right >= 6
    reported, _ = command(folder, "report", "--runs", folder / "cv" / "runs")
    row = next(row for row in reported["table_iv"] if row["paper_name"] == "S1")
    assert row["runs"]["speech-cnn-s1-p2"]["accuracy"] == figures["accuracy"]
    # A part of the data set gives no figure of the protocol.
    assert reported["speech_ravdess_p2_uar"] is None and reported["paper"]["speech_ravdess_p2_uar"] is None


def test_faces_of_cremad_from_files_to_report(folder):
    data = made_corpora.make_cremad(folder / "cremad", [1001, 1003], video=True)
    settings = ["F1", "--data", data, "--epochs", 1, "--batch", 3]
    crossed, _ = command(
        folder, "cross-validate", *settings, "--protocol", "p3", "--allow-partial", "--output", folder / "faces",
        "--jobs", 1,
    )  # fmt: skip
    assert (crossed["model"], crossed["corpus"], crossed["protocol"]) == ("ghostnet", "cremad", "p3")
    figures = crossed["conditions"]["clips"]
    assert figures["count"] == 12 and figures["class_ids"] == [1, 3, 4, 5, 6, 7]
    trained, _ = command(folder, "train", *settings, "--allow-partial", "--output", folder / "face_model")
    metadata = load_metadata(trained["model"])
    assert metadata.class_ids == (1, 3, 4, 5, 6, 7) and metadata.temperature == 1.0
    reported, _ = command(folder, "report", "--runs", folder / "faces" / "runs")
    row = next(row for row in reported["table_iii"] if row["paper_name"] == "F1")
    assert row["runs"]["ghostnet-p3"]["accuracy"] == figures["accuracy"]
