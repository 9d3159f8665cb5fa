"""The training commands: what they pass on, print and refuse; the functions behind them have tests of their own."""

import inspect
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("typer")

from typer.testing import CliRunner  # noqa: E402

from emotion_recognition.cli import cross_validate, output, score, search, train, training_options  # noqa: E402
from emotion_recognition.cli.main import app  # noqa: E402
from emotion_recognition.cli.progress import TrainingProgress  # noqa: E402
from emotion_recognition.evaluation.records import RunRecord  # noqa: E402

# Wide enough for a long path in a message of wrong usage.
RUNNER = CliRunner(env={"COLUMNS": "300"})
MODULES = (cross_validate, score, search, train, training_options)
FIGURES = {
    "mean": {"uar": 0.41, "accuracy": 0.44, "macro_f1": 0.4}, "std": {"uar": 0.03, "accuracy": 0.02, "macro_f1": 0.01},
    "ece": 0.0625,
}  # fmt: skip
SUMMARY = {"name": "run", "conditions": {"clips": FIGURES}}
RECORD = SimpleNamespace(model="speech-cnn-s2", corpus="ravdess", protocol="p2", notes="")
BEST = {"trial": 2, "rate": 0.0012, "dropout": 0.3, "uar": 0.5}
SEARCH = {"best": {"actors 1-4": BEST}, "overall": {**BEST, "dropout": None}}


def invoke(*words):
    return RUNNER.invoke(app, list(map(str, words)))


@pytest.fixture
def modules(monkeypatch):
    """Stand in for functions that commands load; calls are kept by function. The rest is the package's own."""
    calls = {}
    real = output.load

    def keeper(name, result):
        def called(*given, **named):
            calls[name] = (*given, *named.values())
            if isinstance(result, Exception):
                raise result
            return result

        return called

    def use(**results):
        stood_in = {name: keeper(name, result) for name, result in results.items()}

        def load(module):
            functions = {
                "emotion_recognition.training.whole": ["train_model"],
                "emotion_recognition.training.cross_validation": ["cross_validate"],
                "emotion_recognition.training.search": ["search"],
                "emotion_recognition.training.face_run": ["train_face"],
                "emotion_recognition.evaluation.face_scores": ["score_faces"],
                "emotion_recognition.evaluation.summary": ["summarise"],
                "emotion_recognition.engines": ["load_metadata"],
            }.get(module, [])
            found = {name: stood_in[name] for name in functions if name in stood_in}
            return SimpleNamespace(**found, NAME="face_fer2013") if found else real(module)

        for module in MODULES:
            monkeypatch.setattr(module, "load", load)
        return calls

    return use


def test_cross_validation_prints_figures_or_one_json_object(modules, tmp_path):
    pytest.importorskip("torch")
    calls = modules(cross_validate=RECORD, summarise=SUMMARY)
    words = ["cross-validate", "S2", "--data", tmp_path, "--output", tmp_path / "o", "--epochs", 7, "--seed", 3]
    words += ["--rate", 0.002, "--classes", 6, "--jobs", 2, "--on-unreadable", "stop", "--allow-partial"]
    result = invoke(*words)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "speech-cnn-s2 on ravdess, p2",
        "clips: uar 0.410 ± 0.030, accuracy 0.440 ± 0.020, macro_f1 0.400 ± 0.010, calibration error 0.062",
    ]
    task, protocol, where, jobs, scheduler, _, name, partial, test_data, choices, command = calls["cross_validate"]
    assert (task.model, task.data, task.classes, task.on_unreadable) == ("S2", str(tmp_path), 6, "stop")
    assert (task.changes.epochs, task.changes.rate, task.changes.seed, task.changes.batch) == (7, 0.002, 3, None)
    assert (protocol, where, jobs, scheduler, name) == ("p2", tmp_path / "o", 2, None, "")
    assert (partial, test_data, choices) == (True, "", None)
    assert command == (
        "emotion-recognition cross-validate S2 --data FOLDER --classes 6 --epochs 7 --rate 0.002 --seed 3 "
        "--protocol p2 --allow-partial --output DIR"
    )
    result = invoke(*words, "--json")
    assert json.loads(result.stdout) == SUMMARY and result.stdout.count("\n") == 1


def test_train_passes_on_what_a_search_chose(modules, tmp_path):
    pytest.importorskip("torch")
    chosen = tmp_path / "search.json"
    (tmp_path / "03-01-01-01-01-01-01.wav").write_bytes(b"")
    data = {"corpus": "ravdess", "channel": "speech", "classes": list(range(1, 9)), "added": "none", "skip_frames": 0}
    search_of = {"model": "speech-resnet", "protocol": "p2", "changes": {"epochs": 9}, "data": data}
    chosen.write_text(json.dumps({**search_of, "overall": {"rate": 0.003, "dropout": 0.25}}))
    calls = modules(train_model=tmp_path / "m.json", load_metadata=SimpleNamespace(weights_sha256="ab12"))
    words = ["train", "speech-resnet", "--data", tmp_path, "--output", tmp_path / "o", "--name", "voice"]
    result = invoke(*words, "--choices", chosen)
    assert result.exit_code == 1 and "searched with epochs 9, not None" in result.stderr
    result = invoke(*words, "--choices", chosen, "--epochs", 9, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {
        "model": str(tmp_path / "m.json"), "weights_sha256": "ab12", "unreadable": 0,
    }  # fmt: skip
    task, where, name, record, _, command, threads, partial = calls["train_model"]
    assert (task.changes.rate, task.changes.dropout, task.changes.epochs) == (0.003, 0.25, 9)
    assert (where, name, record, threads, partial) == (tmp_path / "o", "voice", None, 1, False)
    assert "FOLDER" in command and str(tmp_path) not in command


def test_a_visual_model_learns_from_stills_where_the_folder_has_them(modules, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "train" / "happy").mkdir(parents=True)
    calls = modules(train_face=tmp_path / "face.json")
    result = invoke("train", "F3", "--data", tmp_path, "--output", tmp_path / "out", "--seed", 5, "--epochs", 2)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"written: {tmp_path / 'face.json'}\n"
    folder, _, recipe, _, name, partial, on_unreadable, command = calls["train_face"]
    assert command == "emotion-recognition train F3 --data FOLDER --epochs 2 --seed 5 --output DIR"
    assert (folder, recipe.architecture, name) == (tmp_path, "ghostnet-fan", "")
    assert (partial, on_unreadable) == (False, "skip")
    assert (recipe.optimisation.seed, recipe.optimisation.epochs) == (5, 2)


@pytest.mark.parametrize(
    "given",
    [
        ["--cache", "c"], ["--skip-frames", 2], ["--classes", 6], ["--corpus", "ravdess"], ["--channel", "song"],
        ["--added", "."], ["--cross-validation", "."], ["--threads", 2], ["--augmentation", "paper"],
    ],
)  # fmt: skip
def test_options_of_no_use_to_stills_are_refused(modules, tmp_path, given):
    pytest.importorskip("torch")
    (tmp_path / "train" / "happy").mkdir(parents=True)
    calls = modules(train_face=tmp_path / "face.json")
    result = invoke("train", "F3", "--data", tmp_path, "--output", tmp_path / "out", *given)
    assert result.exit_code == 2 and not calls
    assert result.stderr.startswith(f"error: {given[0]}: of no use to a training on FER2013's pictures")


def test_stills_that_cannot_be_read_stop_a_training_that_is_told_to(modules, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "train" / "happy").mkdir(parents=True)
    calls = modules(train_face=tmp_path / "face.json")
    invoke("train", "F3", "--data", tmp_path, "--output", tmp_path / "out", "--on-unreadable", "stop")
    assert calls["train_face"][-2] == "stop"


def test_every_option_reaches_the_setting_of_its_name(modules, tmp_path):
    pytest.importorskip("torch")
    from emotion_recognition.training.changes import Changes
    from emotion_recognition.training.learners import Task

    words = ["--data", tmp_path, "--output", tmp_path / "o", "--corpus", "ravdess", "--channel", "song"]
    words += ["--classes", 6, "--epochs", 7, "--batch", 9, "--seed", 3, "--on-unreadable", "stop"]
    words += ["--cache", "crops", "--skip-frames", 5, "--added", tmp_path, "--augmentation", "paper"]
    words += ["--precision", "bfloat16", "--reading", "prelu=channel"]
    changes = Changes(
        epochs=7, batch=9, seed=3, augmentation="paper", precision="bfloat16", readings={"prelu": "channel"}
    )  # fmt: skip
    expected = Task(
        model="S2", data=str(tmp_path), corpus="ravdess", channel="song", classes=6, changes=changes,
        on_unreadable="stop", cache="crops", skip_frames=5, added=str(tmp_path),
    )  # fmt: skip
    calls = modules(
        cross_validate=RECORD, summarise=SUMMARY, search=SEARCH, train_model=tmp_path / "m.json",
        load_metadata=SimpleNamespace(weights_sha256=""),
    )  # fmt: skip
    for command, function in (("train", "train_model"), ("cross-validate", "cross_validate"), ("search", "search")):
        result = invoke(command, "S2", *words)
        assert result.exit_code == 0, result.stderr
        assert calls[function][0] == expected
    for command in (calls["train_model"][5], calls["cross_validate"][10]):
        assert "--reading prelu=channel" in command and "--augmentation paper" in command
        assert "--precision bfloat16" in command


def test_choices_of_precision_are_the_librarys():
    pytest.importorskip("torch")
    from emotion_recognition.training.loop import PRECISIONS

    assert {one.value for one in training_options.Precisions} == set(PRECISIONS)
    result = invoke("train", "S2", "--data", ".", "--output", "o", "--precision", "float16")
    assert result.exit_code == 2 and "float16" in result.stderr


@pytest.mark.parametrize("command", ["train", "cross-validate", "search"])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["prelu=row"], "reading 'prelu=row': prelu is 'row', expected one of element, channel"),
        (["rows"], "reading 'rows': expected one of depthwise=every|strided, triplet_residual=false|true, "),
        (["depthwise=every"], "S2 has no reading 'depthwise'; it has prelu"),
        (["prelu=element", "prelu=channel"], "reading prelu: given as element and as channel; expected one of them"),
    ],
)
def test_wrong_readings_are_refused(command, given, message):
    words = [word for text in given for word in ("--reading", text)]
    result = invoke(command, "S2", "--data", ".", "--output", "o", *words)
    assert result.exit_code == 2 and result.stdout == "" and result.stderr.startswith(f"error: {message}")


def test_several_readings_of_a_model_that_learns_from_stills(modules, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "train" / "happy").mkdir(parents=True)
    calls = modules(train_face=tmp_path / "face.json")
    words = ["train", "F4", "--data", tmp_path, "--output", tmp_path / "out", "--precision", "bfloat16"]
    result = invoke(*words, "--reading", "triplet_residual=true", "--reading", "frame_weights=beta")
    assert result.exit_code == 0, result.stderr
    recipe, command = calls["train_face"][2], calls["train_face"][-1]
    assert recipe.readings == {"triplet_residual": True, "frame_weights": "beta"}
    assert recipe.optimisation.precision == recipe.refinement.optimisation.precision == "bfloat16"
    assert command == (
        "emotion-recognition train F4 --data FOLDER --reading triplet_residual=true --reading frame_weights=beta "
        "--precision bfloat16 --output DIR"
    )


def test_choices_of_augmentation_are_the_librarys():
    pytest.importorskip("torch")
    from emotion_recognition.training.speech_features import AUGMENTATIONS

    assert {one.value for one in training_options.Augmentations} == set(AUGMENTATIONS)
    result = invoke("train", "S2", "--data", ".", "--output", "o", "--augmentation", "louder")
    assert result.exit_code == 2 and "louder" in result.stderr


def test_the_record_of_unseen_speakers_is_taken_of_several(modules, tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    for protocol in ("p5", "p2"):
        RunRecord(
            name=f"speech-cnn-s2-{protocol}", model="speech-cnn-s2", protocol=protocol, corpus="ravdess",
            names=["a"], actors=[1], folds=[0], truth=[1], logits=np.zeros((1, 8)),
        ).save(tmp_path / "cv" / "runs")  # fmt: skip
    calls = modules(train_model=tmp_path / "m.json")
    words = ["train", "S2", "--data", tmp_path, "--output", tmp_path / "o", "--cross-validation", tmp_path / "cv"]
    assert invoke(*words).exit_code == 0
    assert calls["train_model"][3].name == "speech-cnn-s2-p2"


def test_search_prints_what_was_chosen(modules, tmp_path):
    pytest.importorskip("torch")
    calls = modules(search=SEARCH)
    words = ["search", "S1", "--data", tmp_path, "--output", tmp_path / "o", "--trials", 3, "--fold", 1, "--fold", 2]
    result = invoke(*words)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "actors 1-4: rate 0.0012, dropout 0.3, validation UAR 0.500",
        "overall: rate 0.0012, validation UAR 0.500",
    ]
    _, protocol, where, trials, seed, folds, jobs, scheduler, _, partial = calls["search"]
    assert (protocol, where, trials, seed, folds) == ("p2", tmp_path / "o", 3, 0, [1, 2])
    assert (jobs, scheduler, partial) == (None, None, False)
    assert json.loads(invoke(*words, "--json").stdout) == SEARCH


def test_score_face(modules, tmp_path):
    scores = SimpleNamespace(
        split="validation", n=90, not_found=10, accuracy=0.5, uar=0.25, calibration_error=0.125,
        to_json=lambda: {"accuracy": 0.5},
    )  # fmt: skip
    calls = modules(score_faces=scores)
    words = ["score", "face", "--data", tmp_path, "--split", "validation", "--crop", "auto", "--limit", 100]
    words += ["--model", "shipped.json"]
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
    pytest.importorskip("torch")
    modules(cross_validate=problem, train_model=problem, search=problem, score_faces=problem)
    for words in (["cross-validate", "S2"], ["train", "S2"], ["search", "S2"], ["score", "face"]):
        extra = [] if words[0] == "score" else ["--output", tmp_path / "o"]
        result = invoke(*words, "--data", tmp_path, *extra)
        assert result.exit_code == 1 and result.stdout == ""
        assert result.stderr == "error: no clips in x\n"


@pytest.mark.parametrize("command", ["train", "cross-validate", "search"])
def test_wrong_usage(tmp_path, command):
    result = invoke(command, "S2", "--data", tmp_path / "missing", "--output", tmp_path / "o")
    assert result.exit_code == 2 and "missing" in result.stderr
    result = invoke(command, "S9", "--data", tmp_path, "--output", tmp_path / "o")
    assert result.exit_code == 2 and "'S9' is not known" in result.stderr and "speech-cnn-s1 (S1)" in result.stderr


@pytest.mark.parametrize("command", ["train", "cross-validate", "search"])
def test_training_without_torch_names_the_requirements_file(monkeypatch, tmp_path, command):
    real = output.importlib.import_module

    def missing(name):
        if name.startswith("emotion_recognition.models"):
            return real(name)
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(output.importlib, "import_module", missing)
    result = invoke(command, "S2", "--data", tmp_path, "--output", tmp_path / "o")
    assert result.exit_code == 1 and result.stdout == ""
    assert result.stderr == "error: this command needs torch; install it with: pip install -r requirements/train.txt\n"


def test_progress_elsewhere_than_on_a_terminal_is_lines_on_stderr(capsys):
    with TrainingProgress(bars=False) as progress:
        for done in range(1, 101):
            progress({"stage": "reading", "done": done, "of": 100})
        progress({"stage": "unreadable", "path": "a.wav", "reason": "it holds no sound"})
        progress({"stage": "training", "fold": "part 1", "epoch": 3, "of": 5, "loss": 1.23456})
        progress({"stage": "jobs", "done": 1, "of": 2, "name": "part 1", "failed": True})
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        *(f"reading {done}/100" for done in range(10, 101, 10)),
        "a.wav: cannot be used: it holds no sound",
        "part 1 3/5  loss 1.235",
        "done 1/2  part 1 failed",
        "1 files could not be used and were left out",
    ]


def test_bars_count_up(capsys):
    pytest.importorskip("rich")
    with TrainingProgress(bars=True) as progress:
        progress({"stage": "training", "fold": "part 1", "epoch": 5, "of": 5, "loss": 1.23456})
        progress({"stage": "unreadable", "path": "a[b].wav", "reason": "it holds no sound"})
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "part 1" in captured.err and "5/5" in captured.err and "a[b].wav: cannot be used" in captured.err


def test_the_real_functions_take_what_the_commands_pass():
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from emotion_recognition.evaluation.face_scores import score_faces
    from emotion_recognition.training.cross_validation import cross_validate as validate
    from emotion_recognition.training.face_run import train_face
    from emotion_recognition.training.search import search as look
    from emotion_recognition.training.whole import train_model

    names = {
        score_faces: ["data", "sidecar", "split", "crop", "engine", "limit", "progress"],
        train_face: ["data", "output", "recipe", "progress", "name", "allow_partial", "on_unreadable", "command"],
        train_model: ["task", "output", "name", "record", "report", "command", "threads", "allow_partial"],
        validate: [
            "task", "protocol", "output", "jobs", "scheduler", "report", "name", "allow_partial", "test_data",
            "choices", "command",
        ],
        look: [
            "task", "protocol", "output", "trials", "seed", "folds", "jobs", "scheduler", "report", "allow_partial",
        ],
    }  # fmt: skip
    for function, expected in names.items():
        assert list(inspect.signature(function).parameters)[: len(expected)] == expected
