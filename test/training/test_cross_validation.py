import csv
import dataclasses
import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("av")
pytest.importorskip("joblib")
pytest.importorskip("sklearn")

import made_corpora  # noqa: E402

from emotion_recognition.datasets.clips import Corpus  # noqa: E402
from emotion_recognition.evaluation.records import load_record  # noqa: E402
from emotion_recognition.training import folds, speech  # noqa: E402
from emotion_recognition.training.changes import Changes  # noqa: E402
from emotion_recognition.training.cross_validation import cross_validate, following  # noqa: E402
from emotion_recognition.training.folds import epoch_log, read_epochs  # noqa: E402
from emotion_recognition.training.jobs import JobsFailed  # noqa: E402
from emotion_recognition.training.learners import SIX, Task, described_data  # noqa: E402
from emotion_recognition.training.search import draw_settings, load_choices, load_overall, search  # noqa: E402

FOLDS = ["actors 1-4", "actors 5-8", "actors 9-12"]
QUICK = Changes(epochs=3, batch=8)
FILES = ["checkpoint.safetensors", "epochs.jsonl", "predictions-p2.csv", "predictions-p2.json", "run.json"]


@pytest.fixture(scope="module")
def ravdess(tmp_path_factory):
    return made_corpora.make_ravdess_speech(tmp_path_factory.mktemp("ravdess"), [1, 5, 9])


@pytest.fixture
def task(ravdess, cache):
    return Task("S1", str(ravdess), changes=QUICK, cache=cache)


@pytest.fixture(scope="module")
def run(ravdess, cache, tmp_path_factory):
    output, seen = tmp_path_factory.mktemp("run"), []
    given = Task("S1", str(ravdess), changes=QUICK, cache=cache)
    record = cross_validate(given, "p2", output, 2, report=seen.append, allow_partial=True, command="a command")
    return output, record, seen


def test_every_clip_is_tested_once_by_a_model_that_has_not_learned_from_its_actor(run):
    output, record, _ = run
    assert len(record.names) == len(set(record.names)) == 48
    assert dict(zip(record.actors.tolist(), record.folds.tolist(), strict=True)) == {1: 0, 5: 1, 9: 2}
    assert (record.truth == [int(name.split("-")[2]) for name in record.names]).all()
    for number in (1, 2, 3):
        claimed = json.loads((output / f"fold-{number}" / "run.json").read_text())
        assert claimed["learned"].startswith("32 clips of ravdess")
        assert sorted(path.name for path in (output / f"fold-{number}").iterdir()) == FILES


def test_the_record_says_what_was_done(run):
    output, record, _ = run
    assert (record.name, record.model, record.protocol, record.corpus) == (
        "speech-cnn-s1-p2", "speech-cnn-s1", "p2", "ravdess",
    )  # fmt: skip
    assert (record.parameters, record.seed, record.command) == (455368, 1, "a command")
    assert record.recipe["optimisation"]["cycles"] == [[3, 2e-3]] and record.versions["torch"]
    assert "1392 clips are missing" in record.notes
    loaded = load_record(output / "runs" / "speech-cnn-s1-p2.json")
    assert loaded.names == record.names and (loaded.logits == record.logits).all()


def test_metrics_are_those_of_the_predictions(run):
    output, record, _ = run
    accuracy = float(np.mean(record.predicted == record.truth))
    found = json.loads((output / "metrics-p2.json").read_text())["conditions"]["clips"]
    assert found["accuracy"] == pytest.approx(accuracy) and found["count"] == 48
    with open(output / "metrics-p2.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    pooled = [row for row in rows if (row["fold"], row["metric"], row["class_id"]) == ("pooled", "accuracy", "")]
    assert [float(row["value"]) for row in pooled] == [pytest.approx(accuracy)]


def test_progress_names_folds_and_epochs(run):
    _, _, seen = run
    epochs = [(figures["fold"], figures["epoch"]) for figures in seen if figures["stage"] == "training"]
    assert sorted(epochs) == [(name, epoch) for name in FOLDS for epoch in (1, 2, 3)]
    assert [figures["done"] for figures in seen if figures["stage"] == "jobs"][-3:] == [1, 2, 3]


def test_a_second_run_is_the_same_whatever_the_number_of_jobs(run, task, tmp_path):
    _, record, _ = run
    again = cross_validate(task, "p2", tmp_path, 1, allow_partial=True)
    assert again.names == record.names and (again.logits == record.logits).all()


def test_a_cluster_gives_the_same(run, task, tmp_path, cluster):
    _, record, _ = run
    seen = []
    again = cross_validate(task, "p2", tmp_path, scheduler=cluster, report=seen.append, allow_partial=True)
    assert again.names == record.names and (again.logits == record.logits).all()
    assert {figures["fold"] for figures in seen if figures["stage"] == "training"} == set(FOLDS)


def test_a_run_that_was_cut_off_trains_only_what_is_missing(run, task, tmp_path, monkeypatch):
    output, record, _ = run
    shutil.copytree(output, tmp_path / "copy")
    (tmp_path / "copy" / "fold-2" / "predictions-p2.csv").write_text("cut o")
    shutil.rmtree(tmp_path / "copy" / "fold-3")
    trained = []
    real = speech.fit

    def fit(features, chosen, *rest):
        trained.append(len(chosen))
        return real(features, chosen, *rest)

    monkeypatch.setattr(speech, "fit", fit)
    seen = []
    again = cross_validate(task, "p2", tmp_path / "copy", 1, report=seen.append, allow_partial=True)
    assert (again.logits == record.logits).all() and len(trained) == 2
    # Fold 2 had its checkpoint: nothing was left to train.
    assert {figures["fold"] for figures in seen if figures["stage"] == "training"} == {"actors 9-12"}


def test_a_folder_with_another_run_is_refused(run, task):
    output, _, _ = run
    other = dataclasses.replace(task, changes=Changes(epochs=4, batch=8))
    with pytest.raises(JobsFailed, match=r"3 of 3 jobs failed.*fold-1 holds another run: recipe .*give another folder"):
        cross_validate(other, "p2", output, 1, allow_partial=True)


def test_a_fold_that_fails_is_named_and_the_others_are_kept(task, tmp_path):
    (tmp_path / "fold-2").mkdir()
    (tmp_path / "fold-2" / "checkpoint.safetensors").write_bytes(b"\x80\x04 a pickle")
    with pytest.raises(JobsFailed, match=r"1 of 3 jobs failed.*actors 5-8: ModelError: .*not a whole checkpoint"):
        cross_validate(task, "p2", tmp_path, 1, allow_partial=True)
    assert load_record(tmp_path / "fold-3" / "predictions-p2.json").actors.tolist() == [9] * 16


def test_other_conditions_are_tested_on_the_models_that_are_there(run, task, tmp_path):
    output, record, _ = run
    shutil.copytree(output, tmp_path / "copy")
    seen = []
    found = cross_validate(task, "p5", tmp_path / "copy", 1, report=seen.append, allow_partial=True)
    assert not [figures for figures in seen if figures["stage"] == "training"]
    assert {"clips", "windows", "clips gain +12 dB", "clips noise 0 dB"} <= set(found.conditions)
    whole = found.select("clips")
    order = [whole.names.index(name) for name in record.names]
    assert whole.logits[order] == pytest.approx(record.logits, abs=2e-4)
    names = [f"metrics-{protocol}.{suffix}" for protocol in ("p2", "p5") for suffix in ("csv", "json")]
    assert sorted(path.name for path in (tmp_path / "copy").glob("metrics*")) == names
    assert (tmp_path / "copy" / "metrics-p2.json").read_text() == (output / "metrics-p2.json").read_text()
    noisy = found.select("clips noise 0 dB")
    assert np.abs(noisy.logits - whole.logits).max() > 1e-3


def test_a_condition_that_a_protocol_gained_is_computed(run, task, tmp_path):
    output, record, _ = run
    shutil.copytree(output / "fold-1", tmp_path / "fold-1")
    tested = record.select(fold=0).names
    learned = tuple(name for name in record.names if name not in tested)
    fold = folds.FoldTask(
        task, "p5", 0, learned, tested, str(tmp_path / "fold-1"), conditions=("clips", "clips gain +12 dB")
    )
    assert set(folds.run_fold(fold).conditions) == set(fold.conditions)
    more = dataclasses.replace(fold, conditions=(*fold.conditions, "clips noise 0 dB"))
    assert set(folds.run_fold(more).conditions) == set(more.conditions)
    assert set(folds.run_fold(fold).conditions) == set(fold.conditions)


def test_six_classes_of_a_protocol_of_eight(task, tmp_path):
    found = cross_validate(dataclasses.replace(task, classes=6), "p2", tmp_path, 1, allow_partial=True)
    assert found.class_ids == SIX and len(found.names) == 36 and np.isnan(found.logits[:, [1, 7]]).all()


def test_data_that_is_not_the_protocols_is_refused(task, tmp_path):
    with pytest.raises(ValueError, match="ravdess is not whole: found 48 of 1440 clips"):
        cross_validate(task, "p2", tmp_path, 1)
    with pytest.raises(ValueError, match="holds ravdess, protocol p3 is made of cremad"):
        cross_validate(task, "p3", tmp_path, 1, allow_partial=True)
    with pytest.raises(ValueError, match="give its folder as test data"):
        cross_validate(task, "p4", tmp_path, 1, allow_partial=True)
    with pytest.raises(ValueError, match="leave the test data out"):
        cross_validate(task, "p2", tmp_path, 1, allow_partial=True, test_data="x")
    assert not list(tmp_path.iterdir())


def test_another_corpus_is_tested_among_the_classes_of_both(task, tmp_path):
    emodb = tmp_path / "emodb"
    emodb.mkdir()
    for speaker in (3, 8):
        for letter, class_id in (("F", 3), ("T", 4), ("N", 1)):
            sound = [(0, made_corpora.voice(class_id, speaker))]
            made_corpora.write_media(emodb / f"{speaker:02d}a01{letter}a.wav", sound=sound)
    found = cross_validate(task, "p4", tmp_path / "o", 1, allow_partial=True, test_data=str(emodb))
    assert (found.corpus, found.class_ids, len(found.names)) == ("emodb", SIX, 6)
    assert sorted(set(found.truth.tolist())) == [1, 3, 4] and np.isnan(found.logits[:, [1, 7]]).all()
    claimed = json.loads((tmp_path / "o" / "fold-1" / "run.json").read_text())
    assert claimed["learned"].startswith("48 clips of ravdess")


def test_epochs_are_followed_while_they_are_written(tmp_path):
    seen = []
    with epoch_log(tmp_path / "a") as log:
        log({"epoch": 1, "loss": 9.0})
        with following({"fold": tmp_path / "a", "none": tmp_path / "b"}, seen.append):
            log({"epoch": 2, "loss": 1.0})
    assert seen == [{"stage": "training", "fold": "fold", "epoch": 2, "loss": 1.0}]


def test_epochs_that_ran_twice_count_once_and_a_cut_line_not_at_all(tmp_path):
    path = tmp_path / "epochs.jsonl"
    path.write_text('{"epoch": 1, "loss": 3.0}\n{"epoch": 2, "loss": 2.0}\n{"epoch": 2, "loss": 1.5}\n{"epoch": 3, "lo')
    assert [one["loss"] for one in read_epochs(path)] == [3.0, 1.5]
    assert read_epochs(tmp_path / "none") == []


def test_settings_are_drawn_within_their_ranges_and_repeat():
    drawn = draw_settings(300, 4, True)
    rates, dropouts = np.array(drawn).T
    assert 1e-4 <= rates.min() < 1.3e-4 and 8e-3 < rates.max() <= 1e-2
    assert np.median(rates) == pytest.approx(1e-3, rel=0.35)
    assert 0.1 <= dropouts.min() < 0.12 and 0.48 < dropouts.max() <= 0.5
    assert draw_settings(300, 4, True) == drawn and draw_settings(3, 5, True) != drawn[:3]
    assert draw_settings(5, 4, False) == [(rate, None) for rate, _ in drawn[:5]]


def test_a_search_scores_the_inner_split_only_and_the_choices_are_each_folds_own(task, tmp_path):
    found = search(task, "p2", tmp_path / "s", 2, jobs=2, allow_partial=True)
    # Fold 3 would be validated on actors 13-16, who are not in this data.
    assert list(found["best"]) == ["actors 1-4", "actors 5-8"]
    assert [(trial["trial"], trial["fold"]) for trial in found["trials"]] == [
        (1, "actors 1-4"), (1, "actors 5-8"), (2, "actors 1-4"), (2, "actors 5-8"),
    ]  # fmt: skip
    validated = load_record(tmp_path / "s" / "trial-1" / "fold-1" / "predictions-p2.json")
    assert set(validated.actors.tolist()) == {5}
    claimed = json.loads((tmp_path / "s" / "trial-1" / "fold-1" / "run.json").read_text())
    assert claimed["learned"].startswith("16 clips")
    uars = {(trial["fold"], trial["trial"]): trial["uar"] for trial in found["trials"]}
    for fold, best in found["best"].items():
        assert best["uar"] == max(uars[fold, 1], uars[fold, 2])
    assert found["overall"]["uar"] == pytest.approx(
        max(np.mean([uars[fold, trial] for fold in found["best"]]) for trial in (1, 2))
    )
    with open(tmp_path / "s" / "search.csv", newline="") as stream:
        assert [float(row["uar"]) for row in csv.DictReader(stream)] == [t["uar"] for t in found["trials"]]
    assert json.loads((tmp_path / "s" / "search.json").read_text()) == found
    assert load_overall(tmp_path / "s" / "search.json", task)["rate"] == found["overall"]["rate"]
    assert found["data"] == {
        "corpus": "ravdess", "channel": "speech", "classes": list(range(1, 9)), "added": "none", "skip_frames": 0,
    }  # fmt: skip

    choices = load_choices(tmp_path / "s" / "search.json", task, "p2")
    assert {change.epochs for change in choices.values()} == {3}
    record = cross_validate(task, "p2", tmp_path / "cv", 1, allow_partial=True, choices=choices)
    used = {fold: recipe["optimisation"]["cycles"][0][1] for fold, recipe in record.recipe["chosen by fold"].items()}
    assert used["actors 1-4"] == found["best"]["actors 1-4"]["rate"]
    assert used["actors 9-12"] == 2e-3


def test_impossible_searches_are_refused(task, tmp_path):
    with pytest.raises(ValueError, match="trials 0"):
        search(task, "p2", tmp_path, 0, jobs=1, allow_partial=True)
    with pytest.raises(ValueError, match="no fold 6 in this data; it has 1, 2, 3"):
        search(task, "p2", tmp_path, 1, folds=[6], jobs=1, allow_partial=True)
    with pytest.raises(ValueError, match="actors 9-12 of p2 have no inner split"):
        search(task, "p2", tmp_path, 1, folds=[3], jobs=1, allow_partial=True)
    (tmp_path / "search.json").write_text("[]")
    with pytest.raises(ValueError, match="not the search.json of a search"):
        load_choices(tmp_path / "search.json", task, "p2")
    with pytest.raises(ValueError, match="not the search.json of a search"):
        load_overall(tmp_path / "search.json", task)


@pytest.fixture
def searched(task, tmp_path):
    one = {"trial": 1, "rate": 0.003, "dropout": 0.25, "uar": 0.5}
    found = {
        "model": "speech-cnn-s1", "protocol": "p2", "seed": 0, "best": {"actors 1-4": one}, "overall": one,
        "changes": dataclasses.asdict(dataclasses.replace(QUICK, seed=4)), "trials": [],
        "data": described_data(task),
    }  # fmt: skip
    (tmp_path / "search.json").write_text(json.dumps(found))
    return tmp_path / "search.json"


def both_loads(path, task):
    """Return what each way to take choices says against a task."""
    said = []
    for load in (lambda: load_choices(path, task, "p2"), lambda: load_overall(path, task)):
        with pytest.raises(ValueError) as caught:
            load()
        said.append(str(caught.value))
    assert said[0] == said[1]
    return said[0]


def test_choices_are_those_of_the_same_search_only(task, searched):
    changes = dataclasses.replace(QUICK, seed=7)
    task = dataclasses.replace(task, changes=changes)
    expected = {"actors 1-4": dataclasses.replace(changes, rate=0.003, dropout=0.25)}
    assert load_choices(searched, task, "p2") == load_choices(searched, task, "p5") == expected
    assert load_overall(searched, task) == {"rate": 0.003, "dropout": 0.25}
    with pytest.raises(ValueError, match="chosen on the folds of p2, not of p3"):
        load_choices(searched, task, "p3")

    def said(**more):
        return both_loads(searched, dataclasses.replace(task, **more))

    assert "a search for speech-cnn-s1, not for speech-cnn-s2" in said(model="S2")
    assert "searched with epochs 3, not None, batch 8, not None: give the same" in said(changes=Changes())
    assert "augmentation None, not paper" in said(changes=dataclasses.replace(changes, augmentation="paper"))
    assert "readings {}, not {'prelu': 'channel'}" in said(
        changes=dataclasses.replace(changes, readings={"prelu": "channel"})
    )
    assert "precision None, not bfloat16" in said(changes=dataclasses.replace(changes, precision="bfloat16"))
    assert "gives rate and dropout" in said(changes=dataclasses.replace(changes, rate=0.1))


def test_choices_are_those_of_the_same_data_only(task, searched, tmp_path):
    emodb, song = made_corpora.make_emodb(tmp_path / "emodb"), tmp_path / "song"
    song.mkdir()
    (song / "03-02-01-01-01-01-05.wav").write_bytes(b"")

    def said(**more):
        return both_loads(searched, dataclasses.replace(task, **more))

    assert "searched with classes [1, 2, 3, 4, 5, 6, 7, 8], not [1, 3, 4, 5, 6, 7]: give the same" in said(classes=6)
    assert "corpus ravdess, not emodb, classes [1, 2, 3, 4, 5, 6, 7, 8], not [1, 3, 4, 5, 6, 7]" in said(
        data=str(emodb)
    )
    assert "channel speech, not song" in said(data=str(song), channel="song")
    assert "searched with added none, not emodb: give" in said(added=str(emodb))
    found = json.loads(searched.read_text())
    del found["data"]
    searched.write_text(json.dumps(found))
    assert "does not say what data it is of: search again in its folder" in said()


def test_folds_that_nothing_was_chosen_for_are_told(task, searched, tmp_path, monkeypatch):
    monkeypatch.setattr(Corpus, "check_whole", lambda corpus: None)
    choices = load_choices(searched, task, "p2")
    with pytest.raises(ValueError, match="nothing was chosen for the folds actors 5-8, actors 9-12 of p2"):
        cross_validate(task, "p2", tmp_path / "o", 1, choices=choices)
    assert not (tmp_path / "o").exists()


def test_folds_use_one_thread_and_give_the_others_back():
    before = torch.get_num_threads()
    with folds.use_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
