"""Every figure of a run record: what a protocol reports."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from emotion_recognition.evaluation.calibration import calibration_error
from emotion_recognition.evaluation.confidence import interval
from emotion_recognition.evaluation.metrics import score
from emotion_recognition.evaluation.records import RunRecord

BY_FOLD = ("accuracy", "uar", "macro_f1")


def summarise(record: RunRecord, resamples: int = 2000) -> dict[str, Any]:
    """Return the figures of a record as a dictionary that JSON can hold.

    Returns:
        ``name``, ``model``, ``protocol``, ``corpus``, ``parameters``, ``macs``, ``seed`` and, under ``conditions``, for
        each condition: all of :class:`~emotion_recognition.evaluation.metrics.Scores` over the predictions of all
        folds pooled, ``ece`` (15 bins, pooled), ``interval`` (95 %, of pooled accuracy and UAR, by resampling
        actors), ``folds`` (accuracy, UAR and macro-F1 of each), ``mean`` and ``std`` of these three over the folds, and
        ``mean_interval`` (as ``interval``, of the means of accuracy and UAR).

    Raises:
        ImportError: scikit-learn is not installed.
    """
    conditions = {name: _condition(record.select(name), resamples) for name in dict.fromkeys(record.conditions)}
    keys = ("name", "model", "protocol", "corpus", "parameters", "macs", "seed")
    return {**{key: getattr(record, key) for key in keys}, "conditions": conditions}


def write_metrics(record: RunRecord, folder: Path | str, resamples: int = 2000) -> tuple[Path, Path]:
    """Write :func:`summarise` of a record as JSON, and as CSV with one figure a row.

    The files are named by the protocol, ``metrics-p2.json`` and ``metrics-p2.csv``, as a folder may hold several.
    The columns are ``condition``, ``fold`` (a number, ``pooled``, ``mean`` or ``std``), ``class_id`` (empty where the
    figure is of no class), ``metric`` and ``value``.

    Returns:
        Both files.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    summary = summarise(record, resamples)
    as_json, as_csv = (folder / f"metrics-{record.protocol}.{suffix}" for suffix in ("json", "csv"))
    as_json.write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    with open(as_csv, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("condition", "fold", "class_id", "metric", "value"))
        for condition, figures in summary["conditions"].items():
            writer.writerows((condition, *row) for row in _rows(figures))
    return as_json, as_csv


def _condition(record: RunRecord, resamples: int) -> dict[str, Any]:
    table = tuple(sorted(record.class_ids))
    folds = []
    for number in sorted(set(record.folds.tolist())):
        part = record.select(fold=number)
        found = score(part.truth, part.predicted, table)
        folds.append({"fold": number, "count": found.count, **{key: getattr(found, key) for key in BY_FOLD}})
    parts = (record.truth, record.predicted, record.actors)
    values = {key: [fold[key] for fold in folds] for key in BY_FOLD}
    return {
        **score(record.truth, record.predicted, table).to_json(),
        "ece": calibration_error(record.truth, record.probabilities, record.class_ids),
        "interval": interval(*parts, resamples=resamples).to_json(),
        "folds": folds,
        "mean": {key: float(np.mean(values[key])) for key in BY_FOLD},
        "std": {key: float(np.std(values[key])) for key in BY_FOLD},
        "mean_interval": interval(*parts, resamples=resamples, folds=record.folds).to_json(),
    }


def _rows(figures: dict[str, Any]) -> Iterator[tuple]:
    for key in ("count", *BY_FOLD, "ece"):
        yield "pooled", "", key, figures[key]
    for key in ("accuracy", "uar"):
        low, high = figures["interval"][key]
        yield "pooled", "", f"{key}_low", low
        yield "pooled", "", f"{key}_high", high
    for one in figures["classes"]:
        for key in ("precision", "recall", "f1", "support"):
            yield "pooled", one["class_id"], key, "" if one[key] is None else one[key]
    for fold in figures["folds"]:
        for key in ("count", *BY_FOLD):
            yield fold["fold"], "", key, fold[key]
    for key in ("accuracy", "uar"):
        low, high = figures["mean_interval"][key]
        yield "mean", "", f"{key}_low", low
        yield "mean", "", f"{key}_high", high
    for kind in ("mean", "std"):
        for key in BY_FOLD:
            yield kind, "", key, figures[kind][key]
