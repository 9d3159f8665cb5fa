import json

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("sklearn")

from PIL import Image  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from emotion_recognition.cli.main import app  # noqa: E402
from emotion_recognition.evaluation.records import RunRecord  # noqa: E402

RUNNER = CliRunner()


def invoke(*words):
    return RUNNER.invoke(app, list(map(str, words)))


def save_run(folder):
    truth = np.arange(16) % 8 + 1
    RunRecord(
        "speech-resnet-p2", "speech-resnet", "p2", "ravdess", [f"{row}" for row in range(16)], truth,
        np.arange(16) // 8, truth, np.eye(8)[truth - 1] * 9,
    ).save(folder)  # fmt: skip


def test_report_prints_one_object(tmp_path):
    save_run(tmp_path)
    found = invoke("report", "--runs", tmp_path, "--json")
    assert found.exit_code == 0
    figures = json.loads(found.stdout)
    assert figures["speech_ravdess_p2_uar"] == 1.0 and figures["speech_emodb_uar"] is None
    assert figures["paper"]["parameters_total"] == 919_086


def test_report_prints_tables_and_writes_the_readme(tmp_path):
    save_run(tmp_path)
    readme = tmp_path / "README.md"
    readme.write_text("<!-- accuracy -->\n<!-- /accuracy -->\n")
    found = invoke("report", "--runs", tmp_path, "--write", readme)
    assert found.exit_code == 0 and f"{readme}: written" in found.stderr
    assert "## Table III" in found.stdout and "## Table IV" in found.stdout
    line = next(line for line in readme.read_text().splitlines() if "UAR, mean of 6 folds" in line)
    assert line in found.stdout and "1.000 ± .000 [1.000, 1.000]" in line


def test_report_says_what_is_wrong(tmp_path):
    save_run(tmp_path)
    (tmp_path / "plain.md").write_text("x")
    found = invoke("report", "--runs", tmp_path, "--write", tmp_path / "plain.md")
    assert found.exit_code == 2 and "expected one line '<!-- accuracy -->'" in found.stderr
    rows = tmp_path / "speech-resnet-p2.csv"
    rows.write_text(rows.read_text()[:-9])
    found = invoke("report", "--runs", tmp_path)
    assert found.exit_code == 1 and "cut off or changed" in found.stderr and not found.stdout
    assert "no such folder" in invoke("report", "--runs", tmp_path / "none").stderr


def test_evaluate_model_prints_one_object_and_names_problems(tmp_path):
    (tmp_path / "joy").mkdir()
    (tmp_path / "boredom").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "joy" / "a.png")
    Image.fromarray(pixels).save(tmp_path / "boredom" / "a.png")
    (tmp_path / "joy" / "b.png").write_bytes(b"x")
    found = invoke("evaluate-model", "--data", tmp_path, "--crop", "none", "--json")
    assert found.exit_code == 0
    scores = json.loads(found.stdout)
    assert (scores["n"], scores["skipped"], scores["unreadable"]) == (1, 1, 1)
    assert scores["accuracy"] in (0.0, 1.0) and scores["uar"] == scores["accuracy"]
    assert sum(map(sum, scores["confusion"])) == 1 and len(scores["labels"]) == len(scores["confusion"])
    assert str(tmp_path / "joy" / "b.png") in found.stderr and "boredom" in found.stderr
    plain = invoke("evaluate-model", "--data", tmp_path, "--crop", "none")
    assert "face: 1 files scored, 1 skipped, 1 unreadable" in plain.stdout


def test_evaluate_model_without_anything_to_score(tmp_path):
    (tmp_path / "joy").mkdir()
    (tmp_path / "joy" / "b.png").write_bytes(b"x")
    found = invoke("evaluate-model", "--data", tmp_path, "--crop", "none", "--json")
    assert found.exit_code == 1 and "no file could be scored" in found.stderr
    assert json.loads(found.stdout)["accuracy"] is None
    (tmp_path / "joy" / "b.png").rename(tmp_path / "b.png")
    found = invoke("evaluate-model", "--data", tmp_path)
    assert found.exit_code == 1 and "folders found: joy" in found.stderr
