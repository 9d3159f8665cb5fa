"""Random search of learning rate and dropout, scored on the inner split of a protocol's folds only.

A fold's choice is made by training on its ``train`` part and scoring on its ``validation`` part, so no clip that the
fold tests has any say in it; a cross-validation that is given the choices uses each fold's own. Bergstra & Bengio,
"Random Search for Hyper-Parameter Optimization", https://jmlr.org/papers/v13/bergstra12a.html.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emotion_recognition.evaluation.metrics import score
from emotion_recognition.evaluation.protocols import load_protocol
from emotion_recognition.evaluation.records import RunRecord
from emotion_recognition.models.configurations import FaceConfiguration, configuration, own_name
from emotion_recognition.training.changes import Changes
from emotion_recognition.training.cross_validation import following, ready_learner, split_clips
from emotion_recognition.training.folds import CHECKPOINT, EPOCHS, FoldTask, run_fold
from emotion_recognition.training.jobs import run_jobs
from emotion_recognition.training.learners import Task, described_data
from emotion_recognition.training.loop import Report

RATES = (1e-4, 1e-2)
DROPOUTS = (0.1, 0.5)
RESULTS_JSON, RESULTS_CSV = "search.json", "search.csv"
# What a search draws, and the seed: a choice holds for every one.
FREE = {"rate": None, "dropout": None, "seed": None}
COLUMNS = ("fold", "trial", "rate", "dropout", "uar", "accuracy", "validated")


@dataclass(frozen=True)
class Trial:
    """What a trial of a fold gave.

    Attributes:
        fold: its name.
        trial: number of the trial, from 1; the same settings in every fold.
        rate: peak learning rate.
        dropout: None for models that have none.
        uar, accuracy: on the fold's validation clips.
        validated: number of these.
    """

    fold: str
    trial: int
    rate: float
    dropout: float | None
    uar: float
    accuracy: float
    validated: int


def draw_settings(trials: int, seed: int, with_dropout: bool) -> list[tuple[float, float | None]]:
    """Return (rate, dropout) of each trial: the rate log-uniform in RATES, the dropout uniform in DROPOUTS.

    Raises:
        ValueError: ``trials`` is below 1.
    """
    if trials < 1:
        raise ValueError(f"trials {trials}: expected at least 1")
    rng = np.random.default_rng(seed)
    draws = rng.random((trials, 2))
    low, high = np.log(RATES)
    return [
        (
            float(f"{np.exp(low + rate * (high - low)):.4g}"),
            round(float(DROPOUTS[0] + dropout * (DROPOUTS[1] - DROPOUTS[0])), 3) if with_dropout else None,
        )
        for rate, dropout in draws
    ]


def search(
    task: Task,
    protocol: str,
    output: Path | str,
    trials: int = 20,
    seed: int = 0,
    folds: Sequence[int] = (),
    jobs: int | None = None,
    scheduler: str | None = None,
    report: Report | None = None,
    allow_partial: bool = False,
) -> dict[str, Any]:
    """Search and write ``search.json`` and ``search.csv``; a search that was killed goes on where it was.

    Args:
        task: the model and the data; what it changes besides rate and dropout holds for every trial.
        protocol: whose folds and inner splits.
        output: folder of everything that is written.
        trials: settings to try.
        seed: of the draw of the settings.
        folds: numbers of the folds to search in, from 1; all if left out.
        jobs, scheduler: see :func:`emotion_recognition.training.jobs.run_jobs`.
        report, allow_partial: as for a cross-validation.

    Returns:
        What ``search.json`` holds: ``model``, ``protocol``, ``seed``, ``data`` and ``changes`` (what choices hold for),
        ``trials`` (each as :class:`Trial`), ``best`` (by fold, the settings of the largest validation UAR) and
        ``overall`` (of the largest mean UAR over the folds, for a model that is trained on all data).

    Raises:
        ValueError: the protocol has no such fold, or no inner split; or as for a cross-validation.
        JobsFailed: a trial failed; the others are kept.
    """
    output = Path(output)
    found = load_protocol(protocol)
    learner = ready_learner(task, jobs, scheduler, report)
    splits = split_clips(found, learner, allow_partial)
    unknown = [number for number in folds if number - 1 not in {split.fold for split in splits}]
    if unknown:
        known = ", ".join(str(split.fold + 1) for split in splits)
        raise ValueError(f"protocol {protocol} has no fold {unknown[0]} in this data; it has {known}")
    splits = [split for split in splits if not folds or split.fold + 1 in folds]
    without = [split.name for split in splits if not len(split.validation) or not len(split.train)]
    splits = [split for split in splits if split.name not in without]
    if not splits or (without and not allow_partial):
        raise ValueError(
            f"folds {', '.join(without)} of {protocol} have no inner split in this data: nothing to learn from or "
            "nothing to validate on; complete the data set, or leave these folds out"
        )
    with_dropout = not isinstance(configuration(task.model), FaceConfiguration)
    settings = draw_settings(trials, seed, with_dropout)
    runs, names = [], []
    for number, (rate, dropout) in enumerate(settings, 1):
        for split in splits:
            name = f"trial-{number}/fold-{split.fold + 1}"
            names.append(name)
            runs.append(FoldTask(
                task=replace(task, changes=replace(task.changes, rate=rate, dropout=dropout)),
                protocol=protocol,
                number=split.fold,
                learned=tuple(learner.names[index] for index in split.train),
                tested=tuple(learner.names[index] for index in split.validation),
                folder=str(output / name),
            ))  # fmt: skip
    with following({name: output / name / EPOCHS for name in names}, report):
        records = run_jobs(run_trial, [(run,) for run in runs], jobs, scheduler, report, names)
    results = []
    for (number, split), record in zip(
        ((number, split) for number in range(len(settings)) for split in splits), records, strict=True
    ):
        results.append(_trial(split.name, number + 1, *settings[number], record))
    summary = {
        "model": learner.architecture,
        "protocol": protocol,
        "seed": seed,
        "data": described_data(task),
        "changes": asdict(task.changes),
        "best": {
            split.name: _settings(max((one for one in results if one.fold == split.name), key=_rank))
            for split in splits
        },
        "overall": _overall(results),
        "trials": [asdict(one) for one in results],
    }
    _write(output, summary, results)
    return summary


def run_trial(run: FoldTask) -> RunRecord:
    """Train and validate one trial; its checkpoint is not kept."""
    record = run_fold(run)
    (Path(run.folder) / CHECKPOINT).unlink(missing_ok=True)
    return record


def load_choices(path: Path | str, task: Task, protocol: str) -> dict[str, Changes]:
    """Return by fold what a search chose, as changes beside those that are given.

    Args:
        path: the search's ``search.json``.
        task: what the choices are for: model, data and changes as in the search; the seed alone may differ.
        protocol: that of the search, or one of the same folds (P5 after P2).

    Raises:
        CorpusError: see ``open_corpus``.
        ValueError: the file is no search's ``search.json``, or that of another search.
    """
    found = _read(path, task, "best")
    if load_protocol(found["protocol"]).folds != load_protocol(protocol).folds:
        raise ValueError(f"{path}: chosen on the folds of {found['protocol']}, not of {protocol}: search on {protocol}")
    return {fold: replace(task.changes, **chosen) for fold, chosen in found["best"].items()}


def load_overall(path: Path | str, task: Task) -> dict[str, Any]:
    """Return ``rate`` and ``dropout`` of a search's overall choice; for arguments and errors see `load_choices`."""
    return _read(path, task, "overall")["overall"]["overall"]


def _read(path: Path | str, task: Task, part: str) -> dict[str, Any]:
    """Return what a search's file holds, ``rate`` and ``dropout`` alone by fold in ``part``."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        choices = found[part] if part == "best" else {part: found[part]}
        found[part] = {name: {"rate": float(one["rate"]), "dropout": one["dropout"]} for name, one in choices.items()}
        searched, theirs = str(found["model"]), asdict(Changes(**{**found["changes"], **FREE}))
        theirs |= found.get("data", {})
        str(found["protocol"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not the {RESULTS_JSON} of a search ({error!r})") from error
    if task.changes.rate is not None or task.changes.dropout is not None:
        raise ValueError(f"{path}: it gives rate and dropout: leave those that are given besides out")
    if searched != own_name(task.model):
        raise ValueError(f"{path}: a search for {searched}, not for {own_name(task.model)}: search for this model")
    if "data" not in found:
        raise ValueError(
            f"{path}: it does not say what data it is of: search again in its folder, where trials are kept"
        )
    mine = asdict(replace(task.changes, **FREE)) | described_data(task)
    differing = [key for key, value in mine.items() if theirs.get(key) != value]
    if differing:
        raise ValueError(
            f"{path}: searched with "
            + ", ".join(f"{key} {theirs.get(key)}, not {mine[key]}" for key in differing)
            + ": give the same, or search with these (None: the recipe's own)"
        )
    return found


def _trial(fold: str, number: int, rate: float, dropout: float | None, record: RunRecord) -> Trial:
    found = score(record.truth, record.predicted, tuple(sorted(record.class_ids)))
    return Trial(fold, number, rate, dropout, found.uar, found.accuracy, found.count)


def _rank(trial: Trial) -> tuple[float, float]:
    """Order trials by UAR; of equals the one of the lower rate is better."""
    return trial.uar, -trial.rate


def _settings(trial: Trial) -> dict[str, Any]:
    return {"trial": trial.trial, "rate": trial.rate, "dropout": trial.dropout, "uar": trial.uar}


def _overall(results: list[Trial]) -> dict[str, Any]:
    means = []
    for number in dict.fromkeys(one.trial for one in results):
        part = [one for one in results if one.trial == number]
        means.append(replace(part[0], uar=float(np.mean([one.uar for one in part]))))
    return _settings(max(means, key=_rank))


def _write(output: Path, summary: dict[str, Any], results: list[Trial]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(summary, indent=1, allow_nan=False) + "\n"
    (output / RESULTS_JSON).write_text(text, encoding="utf-8")
    with open(output / RESULTS_CSV, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(one) for one in results)
