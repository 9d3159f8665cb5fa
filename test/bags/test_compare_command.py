import json

import pytest
from made_results import made_result

pytest.importorskip("sklearn")
pytest.importorskip("typer")

from typer.testing import CliRunner  # noqa: E402

from emotion_recognition.bags import evaluating  # noqa: E402
from emotion_recognition.bags.results import to_json  # noqa: E402
from emotion_recognition.cli.main import app  # noqa: E402
from emotion_recognition.weights import SPEECH  # noqa: E402

RUNNER = CliRunner()


def invoke(*words):
    return RUNNER.invoke(app, ["compare", *map(str, words)])


@pytest.fixture
def saved(tmp_path):
    def save(name, *results):
        path = tmp_path / name
        path.write_text(json.dumps(to_json(results)))
        return path

    return save


def test_one_json_object(saved):
    found = invoke(saved("a.json", made_result()), saved("b.json", made_result(seed=1, wrong=0.6)), "--json")
    assert found.exit_code == 0, found.stderr
    figures = json.loads(found.stdout)
    accuracy = figures["differences"]["accuracy"]
    assert accuracy["difference"] == pytest.approx(accuracy["b"] - accuracy["a"]) and accuracy["interval"][1] < 0
    assert (figures["a"], figures["b"], figures["stream"], figures["problems"]) == ("a.json", "b.json", "fused", [])
    assert figures["decisions"] == [79, 79, 79] and 0 < figures["same"] < 1


def test_a_table_for_people(saved):
    found = invoke(saved("a.json", made_result()), saved("b.json", made_result(seed=1, wrong=0.6)), "--block", "5")
    assert found.exit_code == 0, found.stderr
    rows = {line.split("│")[1].strip(): line for line in found.stdout.splitlines() if line.startswith("│")}
    assert {"accuracy", "UAR", "calibration error", "time with a decision"} <= set(rows)
    assert rows["accuracy"].rstrip("│ ").endswith("*") and not rows["time with a face"].rstrip("│ ").endswith("*")
    assert "10000 draws from 8 blocks of at least 5 s" in found.stdout and "McNemar" in found.stdout


def test_runs_that_differ_are_refused(saved):
    found = invoke(saved("a.json", made_result("walk")), saved("b.json", made_result("run")), "--json")
    assert found.exit_code == 1 and not found.stdout and "only in A: walk; only in B: run" in found.stderr


def test_a_partial_run_is_compared_and_said_to_be(saved):
    made = made_result(problems=("bag walk, /image, offset 7: cut off",))
    found = invoke(saved("a.json", made), saved("b.json", made), "--json")
    assert found.exit_code == 1 and "bag walk, /image, offset 7: cut off" in found.stderr
    assert json.loads(found.stdout)["differences"]["accuracy"]["difference"] == 0


def test_models_and_parameters_are_evaluated_on_the_bags(saved, tmp_path, monkeypatch):
    heard = []

    def evaluate(paths, how, jobs, scheduler, report):
        heard.append((list(map(str, paths)), how.labels, how.parameters.read_text(), jobs, scheduler))
        return [made_result(seed=len(heard))]

    monkeypatch.setattr(evaluating, "evaluate_bags", evaluate)
    parameters, labels = tmp_path / "mine.yaml", tmp_path / "labels.csv"
    parameters.write_text("/**: {ros__parameters: {hop: 0.25}}")
    labels.write_text("start,end,person,emotion\n")
    found = invoke(SPEECH, parameters, "--bags", "walk", "--labels", labels, "--jobs", "1", "--json")
    assert found.exit_code == 0, found.stderr
    assert [(bags, given) for bags, given, *_ in heard] == [(["walk"], labels)] * 2
    assert f"speech_model: {SPEECH}" in heard[0][2] and "hop: 0.25" in heard[1][2]
    assert heard[0][3:] == (1, None)
    # A saved run beside it is compared as it is.
    assert invoke(saved("a.json", made_result()), parameters, "--bags", "walk").exit_code == 0


@pytest.mark.parametrize("words, problem", [
    ((SPEECH, SPEECH), "is no saved run: give the bags to evaluate with it as --bags"),
    (("a", "a", "--bags", "walk"), "both are saved runs: --bags is for models and parameter files"),
])  # fmt: skip
def test_bags_where_they_are_needed_and_only_there(saved, words, problem):
    run = saved("a.json", made_result())
    found = invoke(*(run if word == "a" else word for word in words))
    assert found.exit_code == 2 and problem in found.stderr and not found.stdout


def test_a_cluster_does_not_see_what_is_made_of_a_sidecar():
    found = invoke(SPEECH, SPEECH, "--bags", "walk", "--scheduler", "tcp://127.0.0.1:1")
    assert found.exit_code == 1 and "give parameter files that name the models" in found.stderr


@pytest.mark.parametrize("option, value", [("--level", "2"), ("--block", "0")])
def test_an_option_out_of_range(saved, option, value):
    run = saved("a.json", made_result())
    found = invoke(run, run, option, value)
    assert found.exit_code == 1 and "expected one of auto, bags, blocks, above 0, between 0 and 1" in found.stderr
