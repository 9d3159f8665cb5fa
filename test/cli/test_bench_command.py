import json

import pytest

pytest.importorskip("typer")
pytest.importorskip("av")
pytest.importorskip("psutil")

from made_bench import live, run, timings  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

import emotion_recognition.bench.live  # noqa: E402
import emotion_recognition.bench.timings  # noqa: E402
from emotion_recognition.cli.main import app  # noqa: E402
from emotion_recognition.roofline import measuring  # noqa: E402

MEASURED = measuring.Measured(50.0, 20.0, 40.0, 1.0, "a processor", "2.4")


@pytest.fixture
def stubs(monkeypatch):
    """Figures instead of measurements; what was asked for is returned."""
    asked = {"scenarios": []}
    runs = iter(live().values())

    def measure(scenario):
        asked["scenarios"].append((scenario.composed, scenario.rate, scenario.seconds))
        return next(runs)

    monkeypatch.setattr(measuring, "measure", lambda: MEASURED)
    monkeypatch.setattr(emotion_recognition.bench.timings, "measure", lambda seconds: timings())
    monkeypatch.setattr(emotion_recognition.bench.live, "measure", measure)
    return asked


def invoke(*words):
    return CliRunner().invoke(app, list(map(str, words)))


def test_a_report_is_written_and_the_goals_are_said(stubs, tmp_path):
    pytest.importorskip("rclpy")
    found = invoke("bench", "--output", tmp_path / "bench", "--json")
    assert found.exit_code == 0, found.stderr
    report = json.loads((tmp_path / "bench" / "latest.json").read_text())
    assert json.loads(found.stdout) == report and report["latency_p95_ms"] == 35 and report["peak_gflops"] == 50
    assert stubs["scenarios"] == [(True, 30.0, 30.0), (False, 30.0, 30.0), (True, 120.0, 60.0)]
    assert "reached  a whole decision: 7.5 ms (<= 8 ms)" in found.stderr
    text = (tmp_path / "bench" / f"{report['date']}.md").read_text()
    assert text.startswith(f"# Bench, {report['date']}\n") and "Written by `emotion-recognition bench`" in text


def test_without_nodes_the_rest_is_measured(stubs, tmp_path):
    found = invoke("bench", "--output", tmp_path, "--no-nodes")
    assert found.exit_code == 0 and not stubs["scenarios"]
    report = json.loads((tmp_path / "latest.json").read_text())
    assert report["latency_p95_ms"] is None and report["decision_ms"] == 7.5
    assert report["live"]["one_process"] == {"left_out": "--no-nodes"}


def test_a_run_that_fails_is_named_and_the_rest_is_written(stubs, tmp_path, monkeypatch):
    pytest.importorskip("rclpy")

    def measure(scenario):
        if not scenario.composed:
            raise RuntimeError("fusion ended early")
        return run(35.0)

    monkeypatch.setattr(emotion_recognition.bench.live, "measure", measure)
    found = invoke("bench", "--output", tmp_path)
    assert found.exit_code == 1 and "not measured: five_processes" in found.stderr
    report = json.loads((tmp_path / "latest.json").read_text())
    assert report["live"]["five_processes"] == {"left_out": "fusion ended early"} and report["cpu_share"] == 0.2


def test_timings_that_fail_end_the_command(stubs, tmp_path, monkeypatch):
    def fail(seconds):
        raise RuntimeError("the timings ended with exit code 1: no face found")

    monkeypatch.setattr(emotion_recognition.bench.timings, "measure", fail)
    found = invoke("bench", "--output", tmp_path / "bench", "--no-nodes")
    assert found.exit_code == 1 and "no face found" in found.stderr and not (tmp_path / "bench").exists()


def test_an_environment_that_is_not_there(tmp_path):
    found = invoke("bench-peers", "--python", tmp_path / "python")
    assert found.exit_code == 2 and "make bench-peers" in found.stderr
