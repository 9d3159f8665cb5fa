import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("av")
pytest.importorskip("onnx")
pytest.importorskip("typer")

import made_corpora  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

from emotion_recognition.datasets import CorpusError  # noqa: E402
from emotion_recognition.engines.errors import ModelError  # noqa: E402
from emotion_recognition.engines.weights import load_metadata  # noqa: E402
from emotion_recognition.evaluation.records import RunRecord  # noqa: E402
from emotion_recognition.training import speech  # noqa: E402
from emotion_recognition.training.changes import Changes  # noqa: E402
from emotion_recognition.training.folds import read_epochs  # noqa: E402
from emotion_recognition.training.learners import Task, create_learner  # noqa: E402
from emotion_recognition.training.whole import record_temperature, train_model  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
QUICK = Changes(epochs=3, batch=4)
START_S = 120


@pytest.fixture(scope="module")
def ravdess(tmp_path_factory):
    return made_corpora.make_ravdess_speech(tmp_path_factory.mktemp("ravdess"), [1, 2], repetitions=(1,))


@pytest.fixture
def task(ravdess, cache):
    return Task("S1", str(ravdess), changes=QUICK, cache=cache)


def made_record(task, **more):
    """Return a record of the task's recipe whose logits are twice as sure as they are right."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 8))
    powers = np.exp(logits)
    truth = np.array([rng.choice(8, p=row) for row in powers / powers.sum(1, keepdims=True)]) + 1
    learner = create_learner(task)
    settings = {
        "name": "run", "model": learner.architecture, "protocol": "p2", "corpus": "ravdess",
        "recipe": json.loads(json.dumps(learner.described())), "names": [f"clip-{n}" for n in range(4000)],
        "actors": np.arange(4000) % 24 + 1, "folds": np.zeros(4000), "truth": truth, "logits": 2 * logits,
    }  # fmt: skip
    return RunRecord(**{**settings, **more})


def train(*args, **options):
    return train_model(*args, allow_partial=True, **options)


def test_a_partial_data_set_is_refused_unless_allowed(task, tmp_path):
    with pytest.raises(
        CorpusError, match="ravdess is not whole: found 16 of 1440 clips and no clip of 22 of 24 actors"
    ):
        train_model(task, tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_a_second_data_set_is_learnt_from_and_named(task, cache, tmp_path):
    emodb = made_corpora.make_emodb(tmp_path / "emodb")
    both = dataclasses.replace(task, model="speech-resnet", added=str(emodb))
    alone = create_learner(dataclasses.replace(both, added=""))
    learner = create_learner(both)
    assert learner.described()["added"] == "emodb" and "added" not in alone.described()
    assert learner.names == alone.names
    metadata = load_metadata(train(both, tmp_path / "o"))
    assert "RAVDESS" in metadata.trained_on and "EMO-DB" in metadata.trained_on and "EMO-DB" in metadata.licence
    assert (
        metadata.weights_sha256
        != load_metadata(train(dataclasses.replace(both, added=""), tmp_path / "p")).weights_sha256
    )
    with pytest.raises(ValueError, match="speech-cnn-s1 learns from one data set"):
        create_learner(dataclasses.replace(task, added=str(emodb)))


def test_the_model_is_written_with_its_metrics(task, tmp_path):
    seen = []
    sidecar = train(task, tmp_path, report=seen.append, command="a command")
    assert sidecar == tmp_path / "speech-cnn-s1_ravdess.json"
    metadata = load_metadata(sidecar)
    assert metadata.temperature == 1.0 and metadata.class_ids == tuple(range(1, 9))
    assert metadata.scores["protocol"] == "not measured" and metadata.scores["command"] == "a command"
    assert "16 clips (speech) of 2 actors" in metadata.trained_on and "NC-SA 4.0" in metadata.licence
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert (found["clips"], found["parameters"], found["unreadable"]) == (16, 455368, [])
    assert [one["epoch"] for one in found["epochs"]] == [1, 2, 3]
    told = [figures for figures in seen if figures["stage"] == "training"]
    assert [one["loss"] for one in told] == [one["loss"] for one in found["epochs"]]
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    assert rows[0] == "epoch,of,loss,seconds" and len(rows) == 4


def test_temperature_and_scores_are_those_of_the_cross_validation(task, tmp_path):
    record = made_record(task)
    assert record_temperature(record) == pytest.approx(2, rel=0.05)
    metadata = load_metadata(train(task, tmp_path, "voice", record))
    assert metadata.path.name == "voice.json" and metadata.temperature == pytest.approx(2, rel=0.05)
    assert metadata.scores["protocol"] == "p2" and metadata.scores["conditions"]["clips"]["count"] == 4000


def test_the_cross_validation_of_another_recipe_is_refused(task, tmp_path):
    other = made_record(dataclasses.replace(task, changes=Changes(epochs=9, batch=4)))
    with pytest.raises(ValueError, match="differs in optimisation.*cross-validate it first"):
        train(task, tmp_path / "o", record=other)
    with pytest.raises(ValueError, match="cross-validate it first"):
        train(task, tmp_path / "o", record=made_record(task, recipe={"chosen by fold": {}}))
    assert not (tmp_path / "o").exists()


def by_fold(*records):
    return {"chosen by fold": {f"fold {n}": dict(record.recipe) for n, record in enumerate(records)}}


def test_a_search_may_have_chosen_rate_and_dropout_by_fold_and_nothing_else(task, tmp_path):
    chosen = [
        made_record(dataclasses.replace(task, changes=dataclasses.replace(QUICK, rate=rate, dropout=dropout)))
        for rate, dropout in ((1e-4, 0.1), (9e-3, 0.4))
    ]
    other = made_record(dataclasses.replace(task, changes=Changes(epochs=4, batch=4, rate=1e-4)))
    with pytest.raises(ValueError, match="differs in optimisation; expected the recipe of speech-cnn-s1"):
        train(task, tmp_path / "o", record=made_record(task, recipe=by_fold(*chosen, other)))
    assert not (tmp_path / "o").exists()
    metadata = load_metadata(train(task, tmp_path / "o", record=made_record(task, recipe=by_fold(*chosen))))
    assert metadata.temperature == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"protocol": "p1"}, "is of p1, whose tested speakers are learned from.*under p2 or p3"),
        ({"protocol": "p1-split"}, "is of p1-split, whose tested speakers are learned from"),
        ({"corpus": "emodb", "protocol": "p4"}, "is of emodb and classes .*expected ravdess"),
        ({"model": "speech-cnn-s2"}, "is of speech-cnn-s2 .*expected the recipe of speech-cnn-s1"),
    ],
)
def test_the_cross_validation_of_other_data_or_of_mixed_speakers_is_refused(task, tmp_path, more, text):
    own = made_record(task)
    for recipe in (own.recipe, by_fold(own)):
        with pytest.raises(ValueError, match=text):
            train(task, tmp_path / "o", record=made_record(task, **{"recipe": recipe, **more}))
    with pytest.raises(ValueError, match="expected ravdess and .1, 3, 4, 5, 6, 7"):
        train(dataclasses.replace(task, classes=6), tmp_path / "o", record=own)
    assert not (tmp_path / "o").exists()


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_checkpoint(task, tmp_path, monkeypatch):
    real, drawn = speech.MeanExamples.batch, []

    def poisoned(self, chosen, generator):
        vectors, targets = real(self, chosen, generator)
        drawn.append(1)
        # Four steps an epoch: in the middle of the third.
        return (vectors * float("nan") if len(drawn) > 10 else vectors), targets

    monkeypatch.setattr(speech.MeanExamples, "batch", poisoned)
    with pytest.raises(FloatingPointError, match=r"loss nan in epoch 3: lower the rate 0\.002; .*checkpoint.saf"):
        train(task, tmp_path / "o")
    assert [one["epoch"] for one in read_epochs(tmp_path / "o" / "epochs.jsonl")] == [1, 2]
    assert not list((tmp_path / "o").glob("*_ravdess*"))
    monkeypatch.setattr(speech.MeanExamples, "batch", real)
    resumed = load_metadata(train(task, tmp_path / "o"))
    assert resumed.weights_sha256 == load_metadata(train(task, tmp_path / "whole")).weights_sha256


def test_checkpoints_that_do_not_fit_are_refused_with_the_reason(task, tmp_path):
    train(task, tmp_path)
    checkpoint, claim = tmp_path / "checkpoint.safetensors", tmp_path / "run.json"
    with pytest.raises(ValueError, match="holds another run: model 'speech-cnn-s1', not 'speech-cnn-s3'"):
        train(dataclasses.replace(task, model="S3"), tmp_path)
    for other, text in (
        (dataclasses.replace(task, model="S3"), "architecture 'speech-cnn-s1', not 'speech-cnn-s3'"),
        (dataclasses.replace(task, classes=6), "classes 8, not 6"),
    ):
        claim.unlink(missing_ok=True)
        with pytest.raises(ValueError, match=text):
            train(other, tmp_path)
    claim.unlink()
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    with pytest.raises(ModelError, match="not a whole checkpoint"):
        train(task, tmp_path)
    torch.save({"epoch": 3}, checkpoint)
    with pytest.raises(ModelError, match="not a whole checkpoint"):
        train(task, tmp_path)


@pytest.mark.parametrize("model", ["S1", "speech-resnet"])
def test_kill_9_in_mid_training_and_resume_gives_the_weights_of_an_unbroken_run(ravdess, cache, tmp_path, model):
    def start(output):
        words = [
            "train",
            model,
            "--data",
            ravdess,
            "--output",
            output,
            "--cache",
            cache,
            "--epochs",
            16,
            "--batch",
            4,
            "--allow-partial",
        ]
        return subprocess.Popen(
            [sys.executable, "-m", "emotion_recognition.cli.main", *map(str, words)], cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    process = start(killed)
    until = time.monotonic() + START_S
    while len(read_epochs(killed / "epochs.jsonl")) < 3:
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = len(read_epochs(killed / "epochs.jsonl"))
    assert process.returncode == -signal.SIGKILL and 3 <= done < 16
    assert not list(killed.glob(f"{model}*")) and (killed / "checkpoint.safetensors").is_file()

    both = [start(killed), start(whole)]
    assert [process.communicate() and process.returncode for process in both] == [0, 0]
    lines = (killed / "epochs.jsonl").read_text().splitlines()
    assert 16 <= len(lines) <= 17 and len(read_epochs(killed / "epochs.jsonl")) == 16  # it went on, not anew
    name = next(killed.glob("*_ravdess.safetensors")).name
    mine, theirs = load_file(killed / name), load_file(whole / name)
    assert mine.keys() == theirs.keys() and all(torch.equal(mine[key], theirs[key]) for key in mine)
