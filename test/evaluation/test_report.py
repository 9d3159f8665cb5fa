import json

import numpy as np
import pytest

pytest.importorskip("sklearn")

from emotion_recognition.evaluation import paper, tables  # noqa: E402
from emotion_recognition.evaluation.records import RecordError, RunRecord  # noqa: E402
from emotion_recognition.evaluation.report import DEFAULT, PAPER, RUNS, Runs  # noqa: E402

ROOT = RUNS.parents[2]


def record(name, model, protocol, wrong, corpus="ravdess", folds=2, classes=tuple(range(1, 9)), **changed):
    """A run in which of every ten clips of a class the first ``wrong`` of fold k, less k, are taken for another."""
    rows = [(fold, truth, number) for fold in range(folds) for truth in classes for number in range(10)]
    logits = np.full((len(rows), 8), -1.0)
    for row, (fold, truth, number) in enumerate(rows):
        place = classes.index(truth)
        told = truth if number >= wrong - fold else classes[(place + 1) % len(classes)]
        logits[row, told - 1] = 3.0
    return RunRecord(
        name=name, model=model, protocol=protocol, corpus=corpus, names=[f"{row}" for row in range(len(rows))],
        actors=[fold + 1 for fold, _, _ in rows], folds=[fold for fold, _, _ in rows],
        truth=[truth for _, truth, _ in rows], logits=logits, class_ids=classes, **changed,
    )  # fmt: skip


def all_records():
    voice, units = DEFAULT.speech, "action-units"
    shared, seven = (1, 3, 4, 5, 6, 7), (1, 3, 4, 5, 6, 7, 8)
    fused = f"{voice} + {units}"
    return [
        record(f"{voice}-p2", voice, "p2", 3),
        record(f"{voice}-p2-seed2", voice, "p2", 9),
        record(f"{voice}-p1", voice, "p1", 2),
        record(f"{voice}-p4", voice, "p4", 4, "emodb", 1, shared),
        record(f"{DEFAULT.face}-fer2013-test", DEFAULT.face, "fer2013-test", 3, "fer2013", 1, seven),
        record("action-units-p2", units, "p2", 5),
        record("gm", fused, "p2", 1, recipe={"rule": "geometric", "voice": f"{voice}-p2"}),
        record("am", fused, "p2", 2, recipe={"rule": "arithmetic", "voice": f"{voice}-p2"}),
        record("other", fused, "p2", 8, recipe={"rule": "geometric", "voice": f"{voice}-p2-seed2"}),
    ]


def test_every_figure_of_the_default_by_hand():
    figures = Runs(all_records()).pair(DEFAULT)
    assert figures["speech_ravdess_p2_uar"] == pytest.approx((0.7 + 0.8) / 2)
    assert figures["speech_ravdess_p1_accuracy"] == pytest.approx((0.8 + 0.9) / 2)
    assert figures["speech_emodb_uar"] == pytest.approx(0.6)
    assert figures["face_fer2013_accuracy"] == pytest.approx(0.7)
    assert figures["fused_ravdess_p2_accuracy_gm"] == pytest.approx((0.9 + 1.0) / 2)
    assert figures["fused_ravdess_p2_accuracy_am"] == pytest.approx((0.8 + 0.9) / 2)
    assert figures["best_single_ravdess_p2_accuracy"] == pytest.approx(0.75)
    confidence = np.exp(3) / (np.exp(3) + 7 * np.exp(-1))
    assert figures["ece"] == pytest.approx(abs(confidence - 0.95))


def test_a_figure_without_a_record_is_none_and_costs_are_always_there(tmp_path):
    found = json.loads(json.dumps(Runs([]).to_json(), allow_nan=False))
    for figures in (found, found["paper"]):
        assert [key for key, value in figures.items() if value is None] == [
            "speech_ravdess_p2_uar", "speech_ravdess_p1_accuracy", "speech_emodb_uar", "face_fer2013_accuracy",
            "fused_ravdess_p2_accuracy_gm", "fused_ravdess_p2_accuracy_am", "best_single_ravdess_p2_accuracy", "ece",
        ]  # fmt: skip
    assert found["paper"]["parameters_total"] == 919_086
    assert round(found["paper"]["gflops_total"], 3) == 0.773
    assert found["parameters_total"] == found["parameters_face"] + found["parameters_speech"] <= 700_000
    assert found["gflops_total"] <= 0.773
    only_voice = Runs([record("a", DEFAULT.speech, "p2", 3)]).pair(DEFAULT)
    assert only_voice["best_single_ravdess_p2_accuracy"] is None


def test_of_several_runs_the_one_named_for_it_counts():
    runs = Runs([record("one", "m", "p2", 1), record("two", "m", "p2", 2)])
    with pytest.raises(RecordError, match="one, two are all of m under p2: name the one that counts m-p2"):
        runs.find("m", "p2")
    with pytest.raises(RecordError, match="2 records, 1 names"):
        Runs([record("one", "m", "p2", 1)] * 2)


def test_tables_of_variants_from_any_run(tmp_path):
    record("ghostnet-p3", "ghostnet", "p3", 2, "cremad", classes=(1, 3, 4, 5, 6, 7)).save(tmp_path)
    record("speech-cnn-s1-p2", "speech-cnn-s1", "p2", 4).save(tmp_path)
    runs = Runs.load(tmp_path)
    lines = {line.split(" | ")[0]: line for line in tables.variants_table(runs, "III").splitlines()}
    assert list(lines)[2:] == ["| F1 ghostnet", "| F2 ghostnet-tam", "| F3 ghostnet-fan", "| F4 ghostnet-tam-fan"]
    assert "| 305,880 |" in lines["| F1 ghostnet"] and "| cremad p3 | .850 | .850 |" in lines["| F1 ghostnet"]
    assert lines["| F2 ghostnet-tam"].endswith(f"| – | – | – | – | {paper.NOT_GIVEN} | {paper.NOT_GIVEN} |")
    rows = {row["paper_name"]: row for row in runs.to_json()["table_iv"]}
    assert rows["S1"]["runs"]["speech-cnn-s1-p2"]["accuracy"] == pytest.approx(0.65)
    assert rows["S2"]["runs"] == {} and rows["S3"]["parameters"] == 740_232


def test_readme_table_holds_the_figures():
    table = tables.accuracy_table(Runs(all_records()))
    lines = table.splitlines()
    assert lines[0].index(PAPER.title) < lines[0].index(DEFAULT.title)
    assert lines[2].startswith("| speech, RAVDESS, unseen speakers (P2) | UAR, mean of 6 folds | – | .750 ± .050 [")
    assert [line for line in lines if "ECE" in line][0].endswith(
        f"| – | {Runs(all_records()).pair(DEFAULT)['ece']:.3f} |".replace("0.", ".")
    )
    assert len({line.count("|") for line in lines}) == 1


def unequal(name, model, **changed):
    """Fold 0 has nine clips of class 3, all right; fold 1 one, wrong: the mean of folds is .5, pooled it is .9."""
    logits = np.tile(np.eye(8)[2], (10, 1))
    logits[9] = np.eye(8)[3]
    return RunRecord(
        name=name, model=model, protocol="p2", corpus="ravdess", names=[f"{row}" for row in range(10)],
        actors=range(1, 11), folds=[0] * 9 + [1], truth=[3] * 10, logits=logits, **changed,
    )  # fmt: skip


def test_a_row_says_and_keeps_its_definition_in_table_and_json():
    voice = DEFAULT.speech
    recipe = {"rule": "geometric", "voice": "voice"}
    runs = Runs([unequal("voice", voice), unequal("gm", f"{voice} + action-units", recipe=recipe)])
    cells = {tuple(line.split(" | ")[:2]): line.split(" | ")[-1] for line in tables.accuracy_table(runs).splitlines()}
    # A draw of actors without the last gives 1, every other draw .5; pooled they give about as many as are right.
    assert cells["| speech, RAVDESS, unseen speakers (P2)", "UAR, mean of 6 folds"] == ".500 ± .500 [.500, 1.000] |"
    assert cells["| voice and action units, RAVDESS, P2", "accuracy, pooled, geometric mean"] == ".900 [.700, 1.000] |"
    figures = runs.pair(DEFAULT)
    assert (figures["speech_ravdess_p2_uar"], figures["fused_ravdess_p2_accuracy_gm"]) == (0.5, 0.9)


def test_the_full_report_shows_classes_and_confusion():
    runs = Runs(all_records())
    text = tables.full_report(runs)
    assert [line for line in text.splitlines() if line.startswith("### ")] == [
        f"### {DEFAULT.title}: {DEFAULT.speech}, p2", f"### {DEFAULT.title}: {DEFAULT.face}, fer2013-test",
        f"### {DEFAULT.title}: {DEFAULT.speech} + action-units, geometric mean, p2",
    ]  # fmt: skip
    voice = text.split("### ")[1]
    # Of twenty neutral clips five are taken for calm, of twenty surprised ones five for neutral.
    assert "| neutral | .750 | .750 | .750 | 20 |" in voice and "| neutral | 15 | 5 | 0 | 0 |" in voice
    assert "| surprised | 5 | 0 | 0 | 0 | 0 | 0 | 0 | 15 |" in voice and "accuracy .750, UAR .750" in voice
    assert "calm" not in text.split("### ")[2]
    assert "## Each class" not in tables.full_report(Runs([]))


def test_conditions_are_told_by_record():
    both = record("speech-resnet-p5", "speech-resnet", "p5", 2, conditions=["clips", "windows"] * 80)
    table = tables.conditions_table(Runs([both])).splitlines()
    assert [line.split(" | ")[:3] for line in table[2:]] == [
        ["| speech-resnet, p5", "clips", "80"], ["| speech-resnet, p5", "windows", "80"],
    ]  # fmt: skip
    assert tables.conditions_table(Runs([])) == ""


def test_only_what_stands_between_the_markers_changes(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("a\n<!-- accuracy -->\nold\n<!-- /accuracy -->\nz\n")
    assert tables.write_between_markers(path, "| new |")
    assert path.read_text() == "a\n<!-- accuracy -->\n| new |\n<!-- /accuracy -->\nz\n"
    assert not tables.write_between_markers(path, "| new |")
    path.write_text("no markers")
    with pytest.raises(ValueError, match="expected one line '<!-- accuracy -->'"):
        tables.write_between_markers(path, "x")


def test_committed_records_can_be_read_and_readme_holds_their_table():
    runs = Runs.load(RUNS)
    text = (ROOT / "README.md").read_text()
    if not runs.records:
        pytest.skip("no run records are committed yet")
    assert f"<!-- accuracy -->\n{tables.accuracy_table(runs)}\n<!-- /accuracy -->" in text
