"""The commands make-bag and evaluate, as a user runs them."""

import json
import shutil

import pytest

pytest.importorskip("rosbags", reason="needs requirements/bags.txt")
pytest.importorskip("sklearn", reason="needs requirements/train.txt")
pytest.importorskip("av", reason="needs PyAV")

from demo_bags import RECORDING  # noqa: E402
from small_bags import cut, storage_file  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from emotion_recognition.cli.main import app  # noqa: E402

EXPECTED = {
    "accuracy",
    "uar",
    "macro_f1",
    "coverage",
    "decisions",
    "confusion",
    "timing",
    "bags",
    "problems",
    "streams",
}


def run(*words, code=0):
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    """Four seconds of the bundled recording, made by the command."""
    path = tmp_path_factory.mktemp("bags") / "demo"
    done = run("make-bag", RECORDING, "--output", path, "--duration", 4, "--size", "400x300", "--json")
    made = json.loads(done.stdout)
    assert (made["bag"], made["labels"], made["problems"]) == (str(path), 0, []) and 3.8 < made["duration_s"] <= 4
    return path


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("start,end,person,emotion\n0,99,,happy\n", encoding="utf-8")
    return path


def test_a_bag_is_evaluated_to_json_and_a_page(bag, labels, tmp_path):
    page = tmp_path / "page.html"
    done = run("evaluate", bag, "--labels", labels, "--json", "--html", page)
    data = json.loads(done.stdout)
    assert data.keys() >= EXPECTED and data["problems"] == []
    assert data["timing"]["realtime_factor"] > 0 and data["judged"] > 10
    assert sum(map(sum, data["confusion"]["matrix"])) == data["judged"]
    assert "<html" in page.read_text(encoding="utf-8")


def test_for_people_there_are_lines(bag, labels):
    done = run("evaluate", bag, "--labels", labels)
    assert "demo: 4.0 s, offline" in done.stdout and "fused: " in done.stdout and "times real time" in done.stdout


def test_what_is_partial_has_another_exit_code_and_says_why(bag, labels, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(bag, broken)
    cut(storage_file(broken), 0.9)
    done = run("evaluate", broken, bag, tmp_path / "missing", "--labels", labels, "--json", code=1)
    data = json.loads(done.stdout)
    assert [one["bag"] for one in data["bags"]] == ["broken", "demo", "missing"]
    assert data["bags"][0]["problems"] and not data["bags"][1]["problems"] and data["bags"][2]["problems"]
    assert data["bags"][0]["decisions"] and data["bags"][1]["decisions"] and not data["bags"][2]["decisions"]
    assert "bag broken, topic *, offset" in done.stderr and "the result is partial" in done.stderr


def test_parameters_and_topics_are_given(bag, tmp_path):
    (tmp_path / "params.yaml").write_text("/**: {ros__parameters: {frames: 3}}\n")
    done = run("evaluate", bag, "--params-file", tmp_path / "params.yaml", "--topic", "audio=", "--json")
    data = json.loads(done.stdout)
    assert data["bags"][0]["parameters"]["frames"] == 3 and "speech" not in data["streams"]
    assert data["accuracy"] is None


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--replay", "--recorded"], 2, "exclude each other"),
        (["--rate", "0"], 2, "--rate 0.0: expected above 0"),
        (["--topic", "image"], 2, "expected PART=NAME"),
        (["--topic", "nose=/x"], 1, "topic nose=/x: expected one of image"),
        (["--recorded"], 1, "expected a topic of Emotion"),
    ],
)
def test_wrong_options_are_named(bag, words, code, text):
    assert text in run("evaluate", bag, *words, code=code).output


def test_make_bag_refuses_what_it_cannot_do(bag, tmp_path):
    assert "exists already" in run("make-bag", RECORDING, "--output", bag, code=1).output
    assert "--size 3" in run("make-bag", RECORDING, "--output", tmp_path / "x", "--size", "3", code=2).output
    (tmp_path / "text.txt").write_text("no media")
    assert "text.txt" in run("make-bag", tmp_path / "text.txt", "--output", tmp_path / "y", code=1).output


def test_a_wrong_parameter_file_is_an_error_of_use(bag, tmp_path):
    (tmp_path / "params.yaml").write_text("/**: {ros__parameters: {smoothing: -1.0}}\n")
    done = run("evaluate", bag, "--params-file", tmp_path / "params.yaml", code=2)
    assert "smoothing is -1.0" in done.output
