import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("typer")

from typer.testing import CliRunner  # noqa: E402

from emotion_recognition.cli import output  # noqa: E402
from emotion_recognition.cli.main import app  # noqa: E402
from emotion_recognition.roofline import measuring  # noqa: E402

RUNNER = CliRunner()
MEASURED = measuring.Measured(100.0, 20.0, 40.0, 0.5, "a processor", "2.4")


def invoke(*words):
    return RUNNER.invoke(app, ["roofline", *map(str, words)])


def test_one_json_object():
    found = invoke("--json", "--board", "Jetson=470,25.6")
    assert found.exit_code == 0 and found.stdout.count("\n") == 1
    figures = json.loads(found.stdout)
    assert set(figures) == {
        "count", "counted", "moved", "formulas", "symbols", "works", "boards", "bounds", "measured",
    }  # fmt: skip
    assert [board["name"] for board in figures["boards"]] == ["RPi 4B", "RPi 5", "Zenbo", "Jetson"]
    decision = next(one for one in figures["works"] if (one["pair"], one["part"]) == ("paper", "decision"))
    assert decision["parameters"] == decision["parameters_by_formula"] == 919_086
    assert round(decision["gops_paper"], 3) == round(decision["gops_paper_by_formula"], 3) == 0.773
    assert decision["gflop"] == pytest.approx(2 * decision["macs"] / 1e9)
    assert decision["intensity"] == pytest.approx(
        2 * decision["macs"] / (decision["weight_bytes"] + decision["activation_bytes"])
    )
    assert figures["measured"] is None and figures["count"] == "flop"


def test_tables_for_people():
    pytest.importorskip("rich")
    found = invoke("--board", "Jetson [1]=470,25.6")
    assert found.exit_code == 0, found.stderr
    assert "Zenbo: 25.76 GFLOP/s, 25.6 GB/s, ridge at 1.01 operations a byte (the paper's Table IX)" in found.stdout
    assert "Jetson [1]: 470 GFLOP/s" in found.stdout and "919,086" in found.stdout
    assert "paper: ghostnet-tam-fan + speech-cnn-s2" in found.stdout and "…" not in found.stdout


def test_markdown_has_the_formulas_with_their_sources():
    found = invoke("--markdown", "--count", "paper")
    assert found.exit_code == 0
    lines = found.stdout.splitlines()
    assert "## RPi 5" in lines and "## Formulas" in lines
    row = next(line for line in lines if line.startswith("| decision, 15 frames | 919,086"))
    assert row.split(" | ")[2:4] == ["773.2", "773.2"]
    # 773.21 M operations at 25.76 GFLOP/s.
    zenbo = lines[lines.index("## Zenbo") :]
    assert next(line for line in zenbo if line.startswith("| decision, 15")).split(" | ")[1:4] == [
        "25.8", "compute", "30.016",
    ]  # fmt: skip
    widths = {line.count("|") for line in lines if line.startswith("| convolution")}
    assert widths == {5} and any("https://arxiv.org/abs/1611.06440" in line for line in lines)


@pytest.mark.parametrize("text, problem", [
    ("Jetson", "--board: board 'Jetson': expected NAME=GFLOPS,GBS"),
    ("Jetson=1,0", "--board: board 'Jetson': 0.0 GB/s, expected a finite number above 0"),
    ("RPi 5=1,1", "--board: there are two boards 'RPi 5'; expected a name of its own"),
])  # fmt: skip
def test_a_board_that_is_none_is_refused(text, problem):
    found = invoke("--board", text, "--json")
    assert found.exit_code == 2 and not found.stdout and problem in found.stderr


def test_two_ways_to_print_are_refused():
    found = invoke("--json", "--markdown")
    assert found.exit_code == 2 and not found.stdout and "expected one of them" in found.stderr


def test_this_machine_is_one_more_board(monkeypatch):
    monkeypatch.setattr(measuring, "measure", lambda: MEASURED)
    found = invoke("--measure", "--json")
    figures = json.loads(found.stdout)
    assert figures["boards"][-1]["name"] == "this machine" and figures["boards"][-1]["ridge"] == 2.5
    assert figures["measured"]["processor"] == "a processor" and figures["measured"]["triad_gbs"] == 40.0
    assert "this machine is busy" in found.stderr and "50%" in found.stderr
    assert invoke("--measure", "--board", "this machine=1,1").exit_code == 2


def test_a_measurement_that_fails(monkeypatch):
    def fail():
        raise RuntimeError("the measurement ended with exit code 1: MemoryError")

    monkeypatch.setattr(measuring, "measure", fail)
    found = invoke("--measure", "--json")
    assert found.exit_code == 1 and not found.stdout and "MemoryError" in found.stderr


def test_a_picture(tmp_path):
    pytest.importorskip("matplotlib")
    found = invoke("--picture", tmp_path / "a.png", "--json")
    assert found.exit_code == 0 and (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert f"picture: {tmp_path / 'a.png'}" in found.stderr and json.loads(found.stdout)["works"]
    assert "does not exist" in invoke("--picture", tmp_path / "none" / "a.png").stderr


def test_a_picture_without_matplotlib_says_what_to_install(monkeypatch, tmp_path):
    load = output.importlib.import_module

    def missing(name):
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
        return load(name)

    monkeypatch.setattr(output.importlib, "import_module", missing)
    found = invoke("--picture", tmp_path / "a.png", "--json")
    assert found.exit_code == 1 and not found.stdout
    assert "pip install -r requirements/demo.txt" in found.stderr
    assert invoke("--json").exit_code == 0


def test_it_needs_no_library_of_the_training_box():
    code = """
import sys
for name in ("torch", "matplotlib", "sklearn", "scipy", "onnxruntime", "numpy"):
    sys.modules[name] = None
from emotion_recognition.cli.main import app
app(["roofline", "--json"])
"""
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=root,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["bounds"]) == 30
