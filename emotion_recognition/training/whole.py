"""Training on all clips of a data set: the model that a robot loads.

Its scores and its temperature are those of a cross-validation of the same recipe; it is never scored on what it learned
from.
"""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from emotion_recognition.evaluation.calibration import fit_temperature
from emotion_recognition.evaluation.recipes import completed
from emotion_recognition.evaluation.records import WHOLE, RunRecord
from emotion_recognition.evaluation.summary import summarise
from emotion_recognition.training.cross_validation import BY_FOLD
from emotion_recognition.training.folds import (
    CHECKPOINT,
    EPOCHS,
    claim,
    epoch_log,
    parameters,
    read_epochs,
    use_threads,
)
from emotion_recognition.training.learners import Learner, Task, check_whole, create_learner
from emotion_recognition.training.loop import Report

METRICS_JSON, METRICS_CSV = "metrics.json", "metrics.csv"
MIXED = ("p1", "p1-split")  # protocols that test speakers who are learned from


def train_model(
    task: Task,
    output: Path | str,
    name: str = "",
    record: RunRecord | None = None,
    report: Report | None = None,
    command: str = "",
    threads: int = 1,
    allow_partial: bool = False,
) -> Path:
    """Train on all clips and write the model; a training that was killed goes on from its checkpoint.

    Args:
        task: the model and the data.
        output: folder of the model's files, the checkpoint, ``metrics.json`` and ``metrics.csv`` (the epochs).
        name: the model's; the architecture and the data set if left out.
        record: a cross-validation of the same data set and recipe, by unseen speakers, for temperature and scores;
            rate and dropout may have been chosen by fold. Without it the temperature is 1 and the sidecar says that
            nothing was measured.
        report: called with figures: ``stage`` is "reading", "unreadable" or "training".
        command: kept in the sidecar.
        threads: of torch on the processor; a training that goes on with as many ends with the same weights.
        allow_partial: the data set, and the one added, may lack clips or actors.

    Returns:
        The model's sidecar.

    Raises:
        CorpusError, UnreadableFile, ValueError: the data cannot be used, the folder holds another run's checkpoint, or
            the record is another recipe's or data set's, or of mixed speakers.
        FloatingPointError: the loss was not finite.
        ModelError: the checkpoint cannot be used.
    """
    output = Path(output)
    learner = create_learner(task, report)
    if not allow_partial:
        check_whole(learner)
    recipe = json.loads(json.dumps(learner.described()))
    if record is not None:
        _check(record, learner, recipe)
    claim(output, learner, learner.names)
    with use_threads(threads), epoch_log(output / EPOCHS) as log:

        def tell(figures: dict[str, Any]) -> None:
            log(figures)
            if report:
                report({"stage": "training", **figures})

        model = learner.fit(np.arange(len(learner.clips)), output / CHECKPOINT, tell)
        scores: dict[str, Any] = {"recipe": recipe, "command": command, "protocol": "not measured"}
        temperature = 1.0
        if record is not None:
            scores |= {"protocol": record.protocol, "conditions": summarise(record)["conditions"]}
            temperature = record_temperature(record)
        sidecar = learner.exported(model, temperature, scores, output, name or default_name(learner))
    _write_metrics(output, learner, parameters(learner.network(model)), temperature, recipe)
    return sidecar


def default_name(learner: Learner) -> str:
    """Return the name of a model that is not given one, for instance ``speech-resnet_ravdess``."""
    return f"{learner.architecture}_{learner.corpus.name}"


def record_temperature(record: RunRecord) -> float:
    """Return the temperature that makes a record's out-of-fold predictions of whole clips calibrated."""
    whole = record.select(WHOLE) if WHOLE in record.conditions else record
    table = np.sort(np.array(whole.class_ids))
    return float(fit_temperature(whole.logits[:, table - 1], np.searchsorted(table, whole.truth) + 1))


def _check(record: RunRecord, learner: Learner, recipe: dict[str, Any]) -> None:
    if record.protocol in MIXED:
        raise ValueError(
            f"the cross-validation {record.name} is of {record.protocol}, whose tested speakers are learned from: its "
            "temperature and scores would be too sure of the people a robot meets: cross-validate under p2 or p3"
        )
    if record.corpus != learner.corpus.name or set(record.class_ids) != set(learner.class_table):
        raise ValueError(
            f"the cross-validation {record.name} is of {record.corpus} and classes {record.class_ids}; expected "
            f"{learner.corpus.name} and {learner.class_table}, which are trained now: cross-validate these"
        )
    compared, found = completed(recipe), [completed(record.recipe)]
    if BY_FOLD in record.recipe:
        # A search chose rate and dropout for each fold; all else is the recipe's.
        found = [_without_choice(completed(one)) for one in record.recipe[BY_FOLD].values()]
        compared = _without_choice(compared)
    differing = [one for one in found if one != compared]
    if record.model != learner.architecture or differing or not found:
        other = differing[0] if differing else compared if found else {}
        keys = sorted(key for key in {*compared, *other} if compared.get(key) != other.get(key))
        raise ValueError(
            f"the cross-validation {record.name} is of {record.model} and differs in {', '.join(keys) or 'nothing'}; "
            f"expected the recipe of {learner.architecture} that is trained now: cross-validate it first"
        )


def _without_choice(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe without rate and dropout."""
    optimisation = dict(recipe.get("optimisation", {}))
    optimisation["cycles"] = [epochs for epochs, _ in optimisation.get("cycles", [])]
    kept = {key: value for key, value in recipe.items() if key != "dropout"}
    return {**kept, "optimisation": optimisation}


def _write_metrics(
    output: Path, learner: Learner, count: int, temperature: float, recipe: dict[str, Any]
) -> None:  # fmt: skip
    epochs = read_epochs(output / EPOCHS)
    summary = {
        "model": learner.architecture,
        "corpus": learner.corpus.name,
        "clips": len(learner.clips),
        "unreadable": [str(problem.path) for problem in learner.unreadable],
        "class_ids": list(learner.class_table),
        "parameters": count,
        "temperature": temperature,
        "recipe": recipe,
        "epochs": epochs,
    }
    text = json.dumps(summary, indent=1, allow_nan=False) + "\n"
    (output / METRICS_JSON).write_text(text, encoding="utf-8")
    with open(output / METRICS_CSV, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(key for one in epochs for key in one)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(epochs)
