"""One fold of a run: a model trained on some clips and tested on others, kept in a folder of its own.

The folder holds ``checkpoint.safetensors``, from which a killed training goes on, ``epochs.jsonl``, a line of figures
an epoch, and at the end the predictions as a run record a protocol. A fold that is done is not trained again, and
another protocol that learns from the same clips (P5 after P2) tests the model that is there.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from emotion_recognition.datasets.reading import read_sound
from emotion_recognition.evaluation.conditions import under_conditions
from emotion_recognition.evaluation.protocols import Split
from emotion_recognition.evaluation.recipes import completed
from emotion_recognition.evaluation.records import WHOLE, RecordError, RunRecord, library_versions, load_record
from emotion_recognition.training.learners import Learner, Task, create_learner

CHECKPOINT, EPOCHS, CLAIM = "checkpoint.safetensors", "epochs.jsonl", "run.json"


@dataclass(frozen=True)
class FoldTask:
    """What a fold is.

    Attributes:
        task: the model and the data.
        protocol: name of the protocol.
        number: of the fold in the protocol, from 0.
        learned, tested: names of the clips.
        folder: of the fold.
        class_ids: classes that predictions are among; empty: those of the network.
        tested_on: folder of the corpus that is tested on, empty if it is the one learned from.
        conditions: under which the tested clips are classified (``evaluation.conditions``).
    """

    task: Task
    protocol: str
    number: int
    learned: tuple[str, ...]
    tested: tuple[str, ...]
    folder: str
    class_ids: tuple[int, ...] = ()
    tested_on: str = ""
    conditions: tuple[str, ...] = (WHOLE,)


def run_fold(fold: FoldTask) -> RunRecord:
    """Train and test a fold, or return its predictions if that is done; a killed training goes on.

    Raises:
        ValueError: the folder holds another fold's work, or what the learner raises.
        FloatingPointError: the loss was not finite.
        ModelError: the checkpoint cannot be used.
    """
    folder = Path(fold.folder)
    learner = create_learner(fold.task)
    claim(folder, learner, fold.learned)
    name = f"predictions-{fold.protocol}"
    done = _predictions(folder / f"{name}.json", fold)
    if done is not None:
        return done
    with use_threads(1), epoch_log(folder / EPOCHS) as log:
        model = learner.fit(learner.indices(fold.learned), folder / CHECKPOINT, log)
        tester = create_learner(elsewhere(fold.task, fold.tested_on)) if fold.tested_on else learner
        record = _test(fold, name, learner, tester, model)
    record.save(folder)
    # Read again, so that the logits are those to four decimals whether this fold was just trained or found done.
    return load_record(folder / f"{name}.json")


def _test(fold: FoldTask, name: str, learner: Learner, tester: Learner, model: Any) -> RunRecord:
    chosen = tester.indices(fold.tested)
    header = {
        "name": name,
        "model": learner.architecture,
        "protocol": fold.protocol,
        "corpus": tester.corpus.name,
        "class_ids": fold.class_ids or learner.class_table,
        "parameters": parameters(learner.network(model)),
        "recipe": _plain(learner),
        "seed": learner.recipe.optimisation.seed,
        "versions": library_versions(),
    }
    if fold.conditions != (WHOLE,):
        nothing = np.empty(0, np.int64)
        return under_conditions(
            tester.clips, [Split(fold.number, "", nothing, nothing, chosen)], fold.conditions, read_sound,
            lambda _, sounds: tester.hear(model, sounds, learner.class_table), **header,
        )  # fmt: skip
    return RunRecord(
        names=[tester.names[index] for index in chosen], actors=tester.actors[chosen],
        folds=np.full(len(chosen), fold.number), truth=tester.class_ids[chosen],
        logits=tester.logits(model, chosen, learner.class_table), **header,
    )  # fmt: skip


def _predictions(path: Path, fold: FoldTask) -> RunRecord | None:
    """Return a fold's predictions if they are there, whole, and of these clips and conditions."""
    try:
        found = load_record(path)
    except RecordError:
        return None
    same = set(found.names) == set(fold.tested) and set(found.conditions) == set(fold.conditions)
    return found if same and found.class_ids == (fold.class_ids or found.class_ids) else None


def elsewhere(task: Task, folder: str) -> Task:
    """Return the task that reads another corpus for the same model."""
    return Task(task.model, folder, changes=task.changes, on_unreadable=task.on_unreadable, cache=task.cache)


def parameters(network: nn.Module) -> int:
    """Return the number of a network's parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


@contextlib.contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Let torch use so many threads; the same number gives the same weights again, on the processor."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def epoch_log(path: Path) -> Iterator[Any]:
    """Give a report function that appends a line of JSON an epoch."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as stream:

        def report(figures: dict[str, Any]) -> None:
            stream.write(json.dumps(figures) + "\n")
            stream.flush()

        yield report


def read_epochs(path: Path) -> list[dict[str, Any]]:
    """Return the figures of each epoch, in order; of an epoch that ran twice the last; none if there is no file."""
    found: dict[int, dict[str, Any]] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):  # a line that a kill cut off
                figures = json.loads(line)
                found[figures["epoch"]] = figures
    return [found[epoch] for epoch in sorted(found)]


def _plain(learner: Learner) -> dict[str, Any]:
    return json.loads(json.dumps(learner.described()))


def claim(folder: Path, learner: Learner, learned: Sequence[str]) -> None:
    """Write what a folder is for, or check that it is for this.

    Raises:
        ValueError: the folder holds another run.
    """
    text, of = "\n".join(sorted(learned)), f"{len(learned)} clips of {learner.corpus.name}"
    if learner.added is not None:
        text += "\n\n" + "\n".join(sorted(learner.added.names))
        of += f" and {len(learner.added.names)} of {learner.added.corpus.name}"
    digest = hashlib.sha256(text.encode()).hexdigest()
    identity = {
        "model": learner.architecture,
        "recipe": completed(_plain(learner)),
        "classes": list(learner.class_table),
        "learned": f"{of}, {digest[:16]}",
        "skip_frames": learner.task.skip_frames,
    }
    path = folder / CLAIM
    if path.is_file():
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            found["recipe"] = completed(found["recipe"])
        except (ValueError, KeyError, TypeError):
            found = {}
        differing = [key for key in identity if found.get(key) != identity[key]]
        if differing:
            raise ValueError(
                f"{folder} holds another run: "
                + "; ".join(f"{key} {found.get(key)!r}, not {identity[key]!r}" for key in differing)
                + ": give another folder, or the same settings"
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(identity, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
