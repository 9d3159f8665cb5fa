"""The training commands: what they pass on, print and refuse; the functions behind them have tests of their own."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("typer")

from typer.testing import CliRunner  # noqa: E402

from emotion_recognition.cli import output, training  # noqa: E402
from emotion_recognition.cli.main import app  # noqa: E402

RUNNER = CliRunner()
CROSS_VALIDATION = {
    "protocol": "P2: some folds",
    "means": {"clips": {"uar": {"mean": 0.41, "std": 0.03}, "accuracy": {"mean": 0.44, "std": 0.02}}},
    "temperature": 0.9,
    "calibration_error_windows": {"before": 0.08, "after": 0.02},
}


def invoke(*words):
    return RUNNER.invoke(app, list(map(str, words)))


@dataclass(frozen=True)
class Recipe:
    """Settings as the commands replace them."""

    variant: str = "s1"
    epochs: int = 1
    seed: int = 0


@pytest.fixture
def modules(monkeypatch):
    """Stand in for the modules that a command loads; calls are kept by function."""
    calls = {}

    def keeper(name, result):
        def called(*arguments):
            calls[name] = arguments
            if isinstance(result, Exception):
                raise result
            return result

        return called

    def use(**results):
        stood_in = SimpleNamespace(
            SpeechRecipe=Recipe, FaceRecipe=Recipe, FACE=Path("shipped.json"),
            load_metadata=lambda path: SimpleNamespace(weights_sha256="ab12"),
            **{name: keeper(name, result) for name, result in results.items()},
        )  # fmt: skip
        monkeypatch.setattr(training, "load", lambda name: stood_in)
        return calls

    return use


def test_cross_validation_prints_figures_or_one_json_object(modules, tmp_path):
    calls = modules(cross_validate_speech=CROSS_VALIDATION)
    result = invoke("cross-validate", "speech", "--data", tmp_path, "--epochs", 7, "--seed", 3)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "P2: some folds",
        "clips: uar 0.410 ± 0.030, accuracy 0.440 ± 0.020",
        "temperature 0.900: calibration error 0.080 -> 0.020",
    ]
    assert calls["cross_validate_speech"][:2] == (tmp_path, Recipe("s2", 7, 3))
    result = invoke("cross-validate", "speech", "--data", tmp_path, "--json")
    assert json.loads(result.stdout) == CROSS_VALIDATION and result.stdout.count("\n") == 1


def test_train_speech_takes_a_known_cross_validation(modules, tmp_path):
    known = tmp_path / "known.json"
    known.write_text(json.dumps(CROSS_VALIDATION))
    calls = modules(train_speech=tmp_path / "speech.json")
    result = invoke(
        "train", "speech", "--data", tmp_path, "--output", tmp_path / "out", "--cross-validation", known, "--json"
    )
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {"model": str(tmp_path / "speech.json"), "weights_sha256": "ab12"}
    assert calls["train_speech"][:4] == (tmp_path, tmp_path / "out", Recipe("s2", 50, 1), CROSS_VALIDATION)


def test_train_face(modules, tmp_path):
    calls = modules(train_face=tmp_path / "face.json")
    result = invoke("train", "face", "--data", tmp_path, "--output", tmp_path / "out", "--seed", 5)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"written: {tmp_path / 'face.json'}\n"
    assert calls["train_face"][:3] == (tmp_path, tmp_path / "out", Recipe("s1", 1, 5))


def test_score_face(modules, tmp_path):
    scores = SimpleNamespace(
        split="validation", n=90, not_found=10, accuracy=0.5, uar=0.25, calibration_error=0.125,
        to_json=lambda: {"accuracy": 0.5},
    )  # fmt: skip
    calls = modules(score_faces=scores)
    words = ["score", "face", "--data", tmp_path, "--split", "validation", "--crop", "auto", "--limit", 100]
    result = invoke(*words)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "validation: 90 pictures, accuracy 0.5000, UAR 0.2500, calibration error 0.1250",
        "no face found in 10 more",
    ]
    assert calls["score_faces"][:6] == (tmp_path, Path("shipped.json"), "validation", "auto", "onnxruntime", 100)
    assert json.loads(invoke(*words, "--json").stdout) == {"accuracy": 0.5}


@pytest.mark.parametrize("problem", [FileNotFoundError("no clips in x"), ValueError("no clips in x")])
def test_what_the_data_lacks_is_told_in_one_line(modules, tmp_path, problem):
    modules(cross_validate_speech=problem, train_face=problem, score_faces=problem)
    for words in (["cross-validate", "speech"], ["train", "face", "--output", tmp_path / "o"], ["score", "face"]):
        result = invoke(*words, "--data", tmp_path)
        assert result.exit_code == 1 and result.stdout == ""
        assert result.stderr == "error: no clips in x\n"


def test_a_missing_data_folder_is_wrong_usage(tmp_path):
    result = invoke("cross-validate", "speech", "--data", tmp_path / "missing")
    assert result.exit_code == 2 and "missing" in result.stderr


@pytest.mark.parametrize("words", [["train", "speech"], ["train", "face"], ["cross-validate", "speech"]])
def test_training_without_torch_names_the_requirements_file(monkeypatch, tmp_path, words):
    def missing(name):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(output.importlib, "import_module", missing)
    extra = ["--output", tmp_path / "o"] if words[0] == "train" else []
    result = invoke(*words, "--data", tmp_path, *extra)
    assert result.exit_code == 1 and result.stdout == ""
    assert result.stderr == "error: this command needs torch; install it with: pip install -r requirements/train.txt\n"


def test_progress_is_one_line_on_stderr(capsys):
    training.progress({"epoch": 3, "loss": 1.23456, "stage": "fold"})
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == "epoch 3  loss 1.235  stage fold\n"


def test_the_real_functions_take_what_the_commands_pass():
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    import inspect

    from emotion_recognition.evaluation.face_scores import score_faces
    from emotion_recognition.training.face_run import train_face
    from emotion_recognition.training.speech import cross_validate_speech, train_speech

    names = {
        score_faces: ["data", "sidecar", "split", "crop", "engine", "limit", "progress"],
        train_face: ["data", "output", "recipe", "progress"],
        cross_validate_speech: ["data", "recipe", "progress"],
        train_speech: ["data", "output", "recipe", "cross_validation", "progress"],
    }
    for function, expected in names.items():
        assert list(inspect.signature(function).parameters)[: len(expected)] == expected
