import csv
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sklearn")

from emotion_recognition.evaluation import RunRecord, interval, score, summarise, write_metrics  # noqa: E402
from emotion_recognition.evaluation.calibration import calibration_error, reliability  # noqa: E402

CLASSES = (1, 3, 5, 7)


def test_every_score_by_hand():
    found = score(np.array([1, 1, 1, 1, 3, 3]), np.array([1, 1, 1, 3, 3, 5]), CLASSES)
    assert found.count == 6 and found.accuracy == pytest.approx(4 / 6)
    assert found.uar == pytest.approx((3 / 4 + 1 / 2) / 2)
    # Class 1: precision 3/3, recall 3/4; class 3: 1/2 and 1/2.
    assert found.macro_f1 == pytest.approx((6 / 7 + 1 / 2) / 2)
    assert found.confusion == ((3, 1, 0, 0), (0, 1, 1, 0), (0, 0, 0, 0), (0, 0, 0, 0))
    one, three, five, seven = found.classes
    assert (one.precision, one.recall, one.support) == (1, pytest.approx(3 / 4), 4)
    assert (three.precision, three.recall, three.f1, three.support) == (0.5, 0.5, pytest.approx(0.5), 2)
    assert (five.precision, five.recall, five.f1, five.support) == (0, None, 0, 0)
    assert (seven.precision, seven.recall, seven.f1, seven.support) == (None, None, None, 0)
    json.dumps(found.to_json(), allow_nan=False)


@given(st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1, max_size=30))
def test_scores_follow_from_the_confusion(pairs):
    truth, predicted = np.array(pairs).T
    found = score(truth, predicted, CLASSES)
    confusion = np.array(found.confusion)
    assert confusion.sum() == len(pairs)
    assert found.accuracy == pytest.approx(np.trace(confusion) / len(pairs))
    support = confusion.sum(axis=1)
    assert found.uar == pytest.approx((np.diag(confusion)[support > 0] / support[support > 0]).mean())
    for value in (found.accuracy, found.uar, found.macro_f1):
        assert 0 <= value <= 1


def test_reliability_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.92, 0.08], [0.45, 0.55], [1.0, 0.0]])
    bins = reliability(np.array([1, 2, 2, 1]), probabilities, (1, 2), bins=10)
    assert [one.count for one in bins] == [0, 0, 0, 0, 0, 1, 0, 0, 0, 3]
    assert bins[9].confidence == pytest.approx((0.9 + 0.92 + 1) / 3) and bins[9].accuracy == pytest.approx(2 / 3)
    assert bins[0].accuracy is None and (bins[5].lower, bins[5].upper) == (0.5, 0.6)
    error = calibration_error(np.array([1, 2, 2, 1]), probabilities, (1, 2), bins=10)
    assert error == pytest.approx((3 * (0.94 - 2 / 3) + 0.45) / 4)
    with pytest.raises(ValueError, match="expected .clips, classes"):
        reliability(np.array([1]), probabilities, (1, 2))


def test_interval_of_alike_clips_is_as_wide_as_the_actors_differ():
    # 24 actors of 60 clips: all right for 12 of them, all wrong for the others.
    actors = np.repeat(np.arange(1, 25), 60)
    truth = np.tile([1, 3], 720)
    predicted = np.where(actors % 2 == 0, truth, 4 - truth)
    by_actor = interval(truth, predicted, actors)
    by_clip = interval(truth, predicted, np.zeros(1440, int))
    assert (by_actor.resampled, by_actor.units, by_clip.resampled, by_clip.units) == ("actors", 24, "examples", 1440)
    for found, units in ((by_actor, 24), (by_clip, 1440)):
        spread = 1.96 * np.sqrt(0.25 / units)
        assert found.accuracy == pytest.approx((0.5 - spread, 0.5 + spread), abs=0.02)
        assert found.uar == pytest.approx(found.accuracy, abs=0.01)
    assert interval(truth, predicted, actors) == by_actor
    assert interval(truth, truth, actors).uar == (1, 1)


def test_interval_of_a_mean_of_folds_is_not_that_of_all_clips():
    # Actor 1 has nine clips in fold 0, all right; actor 2 one in fold 1, wrong.
    truth, predicted = np.ones(10, int), np.array([1] * 9 + [2])
    actors, folds = np.array([1] * 9 + [2]), np.array([0] * 9 + [1])
    pooled = interval(truth, predicted, actors, level=0.2)
    means = interval(truth, predicted, actors, level=0.2, folds=folds)
    assert pooled.accuracy == (0.9, 0.9) and means.accuracy == (0.5, 0.5) and means.uar == (0.5, 0.5)
    assert interval(truth, predicted, actors, folds=np.zeros(10)) == interval(truth, predicted, actors)
    with pytest.raises(ValueError, match=r"folds of shape \(2,\): expected \(10,\)"):
        interval(truth, predicted, actors, folds=np.zeros(2))


def test_interval_of_bad_input():
    with pytest.raises(ValueError, match="three of"):
        interval(np.array([1]), np.array([1, 1]), np.array([1]))
    with pytest.raises(ValueError, match="from 1000"):
        interval(np.array([1]), np.array([1]), np.array([1]), resamples=10)


def made_run():
    truth = np.array([1, 3, 1, 3, 1, 3])
    predicted = np.array([1, 3, 3, 3, 1, 1])
    logits = np.full((6, 8), -2.0)
    logits[np.arange(6), predicted - 1] = 2.0
    return RunRecord(
        "run", "a-model", "p2", "ravdess", [f"clip {row}" for row in range(6)], [1, 1, 5, 5, 1, 5],
        [0, 0, 1, 1, 0, 1], truth, logits, ["clips"] * 4 + ["windows"] * 2,
    )  # fmt: skip


def test_summary_of_a_run():
    summary = summarise(made_run())
    clips, windows = summary["conditions"]["clips"], summary["conditions"]["windows"]
    assert (clips["count"], clips["accuracy"], windows["count"], windows["accuracy"]) == (4, 0.75, 2, 0.5)
    assert [fold["uar"] for fold in clips["folds"]] == [1.0, 0.5]
    assert clips["mean"]["uar"] == 0.75 and clips["std"]["uar"] == 0.25
    confidence = np.exp(2) / (np.exp(2) + 7 * np.exp(-2))
    assert clips["ece"] == pytest.approx(abs(confidence - 0.75))
    assert clips["interval"]["resampled"] == "actors" and clips["interval"]["units"] == 2
    assert clips["interval"]["accuracy"] == (0.5, 1.0)


def test_metrics_files_hold_the_summary(tmp_path):
    record = made_run()
    as_json, as_csv = write_metrics(record, tmp_path / "out")
    assert (as_json.name, as_csv.name) == (f"metrics-{record.protocol}.json", f"metrics-{record.protocol}.csv")
    assert json.loads(as_json.read_text()) == json.loads(json.dumps(summarise(record)))
    with open(as_csv, newline="") as stream:
        rows = {tuple(row[:4]): row[4] for row in csv.reader(stream)}
    assert float(rows["clips", "pooled", "", "accuracy"]) == 0.75
    assert float(rows["clips", "1", "", "uar"]) == 0.5
    assert float(rows["clips", "mean", "", "uar"]) == 0.75
    assert float(rows["clips", "pooled", "3", "recall"]) == 1.0
    assert rows["clips", "pooled", "8", "recall"] == ""
