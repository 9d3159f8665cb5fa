"""Cross-validation: a model's recipe scored under a protocol, one model a fold.

The output folder holds a folder a fold (``training.folds``), the predictions of all folds as a run record in ``runs``,
and ``metrics-<protocol>.json`` and ``.csv``. A run that was killed and is started again goes on where it was.
"""

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from emotion_recognition.evaluation.conditions import is_of_sound
from emotion_recognition.evaluation.protocols import Protocol, Split, load_protocol
from emotion_recognition.evaluation.records import RunRecord, join
from emotion_recognition.evaluation.summary import write_metrics
from emotion_recognition.training.changes import Changes
from emotion_recognition.training.folds import EPOCHS, FoldTask, elsewhere, read_epochs, run_fold
from emotion_recognition.training.jobs import cores, run_jobs
from emotion_recognition.training.learners import Learner, Task, check_whole, create_learner, fill_cache, sources
from emotion_recognition.training.loop import Report

RUNS = "runs"
BY_FOLD = "chosen by fold"
LOOK_EVERY_S = 0.5


def cross_validate(
    task: Task,
    protocol: str,
    output: Path | str,
    jobs: int | None = None,
    scheduler: str | None = None,
    report: Report | None = None,
    name: str = "",
    allow_partial: bool = False,
    test_data: str = "",
    choices: Mapping[str, Changes] | None = None,
    command: str = "",
) -> RunRecord:
    """Train and test one model a fold.

    Args:
        task: the model and the data.
        protocol: ``p1``, ``p1-split``, ``p2``, ``p3``, ``p4`` or ``p5``.
        output: folder of everything that is written.
        jobs, scheduler: see :func:`emotion_recognition.training.jobs.run_jobs`.
        report: called with figures: ``stage`` is "reading", "unreadable", "training" (with ``fold``, ``epoch``, ``of``,
            ``loss``) or "jobs".
        name: of the run record; the model and the protocol if left out.
        allow_partial: the data set may lack clips or actors of the protocol, and the one added may be partial.
        test_data: folder of the corpus that is tested on, for a protocol across corpora.
        choices: changes to the recipe by fold, as a search made them on the inner splits; of every fold, unless
            ``allow_partial``: then the others take the recipe as it is.
        command: kept in the record.

    Raises:
        CorpusError, UnreadableFile, ValueError: the data is not what the protocol is made of, or the output folder
            holds another run, or a fold has no choice.
        JobsFailed: a fold failed; the others are kept.
    """
    output = Path(output)
    found = load_protocol(protocol)
    learner = ready_learner(task, jobs, scheduler, report)
    splits = split_clips(found, learner, allow_partial)
    without = [split.name for split in splits if choices is not None and split.name not in choices]
    if without and not allow_partial:
        raise ValueError(f"nothing was chosen for the folds {', '.join(without)} of {protocol}: search in them, too")
    read, tested_names = [*sources(learner)], None
    if found.across_corpora:
        tester = _other_corpus(found, task, test_data, report)
        if not allow_partial:
            tester.corpus.check_whole()
        found.test_indices(tester.corpus.names, tester.corpus.actors, allow_partial)
        read.append(tester)
        chosen = found.test_indices(tester.names, tester.actors, allow_partial=True)
        tested_names = tuple(tester.names[index] for index in chosen)
    elif test_data:
        raise ValueError(f"protocol {protocol} is tested on the data that is learned from; leave the test data out")
    classes = tuple(number for number in found.class_ids if number in learner.class_table)
    folds = []
    for split in splits:
        changes = (choices or {}).get(split.name)
        folds.append(
            FoldTask(
                task=replace(task, changes=changes) if changes else task,
                protocol=protocol,
                number=split.fold,
                learned=_names(learner, split.learning),
                tested=tested_names or _names(learner, split.test),
                folder=str(output / f"fold-{split.fold + 1}"),
                class_ids=classes,
                tested_on=test_data,
                conditions=tuple(condition for condition in found.conditions if is_of_sound(condition)),
            )
        )
    names = [split.name for split in splits]
    with following({fold: Path(one.folder) / EPOCHS for fold, one in zip(names, folds, strict=True)}, report):
        records = run_jobs(run_fold, [(fold,) for fold in folds], jobs, scheduler, report, names)
    if choices:
        # The folds' recipes differ by what was chosen for each: the record says which, and carries the first one's.
        records = [replace(record, recipe={BY_FOLD: _by_fold(names, records)}) for record in records]
    name = name or f"{learner.architecture}-{protocol}"
    record = replace(join(name, records), command=command, macs=_macs(learner), notes=_notes(read, allow_partial))
    record.save(output / RUNS)
    write_metrics(record, output)
    return record


def ready_learner(task: Task, jobs: int | None, scheduler: str | None, report: Report | None) -> Learner:
    """Return a task's learner, its crops or features computed on all cores or the cluster first."""
    parts = 1 if jobs == 1 and not scheduler else max(2, 2 * (jobs or cores()))
    if parts > 1:
        run_jobs(fill_cache, [(task, part, parts) for part in range(parts)], jobs, scheduler)
    return create_learner(task, report)


def split_clips(protocol: Protocol, learner: Learner, allow_partial: bool) -> list[Split]:
    """Return the folds of a protocol as indices into a learner's clips.

    Raises:
        CorpusError: the data set, or the one added, is not whole.
        ValueError: the data set is not the protocol's, or the one added is one that the protocol tests.
    """
    if learner.corpus.name != protocol.corpus:
        raise ValueError(
            f"{learner.task.data} holds {learner.corpus.name}, protocol {protocol.name} is made of {protocol.corpus}"
        )
    if learner.added is not None and learner.added.corpus.name in (protocol.corpus, protocol.test_corpus):
        raise ValueError(
            f"{learner.task.added} holds {learner.added.corpus.name}, which {protocol.name} tests: nothing that is "
            "tested may be learned from; add another data set"
        )
    corpus = learner.corpus
    if not allow_partial:
        check_whole(learner)
    # By what was found on disk: files that cannot be read and classes left out on purpose are not missing. Actors
    # that a whole set lacks were never published: actor 18 of RAVDESS did not sing.
    unpublished = protocol.by == "actor" and corpus.extent is not None
    protocol.indices(corpus.names, corpus.actors, allow_partial or unpublished)
    return protocol.indices(learner.names, learner.actors, allow_partial=True)


@contextlib.contextmanager
def following(logs: Mapping[str, Path], report: Report | None) -> Iterator[None]:
    """Report the epochs that folds write to their logs, wherever they run, while the block runs."""
    if report is None:
        yield
        return
    told = {name: len(read_epochs(path)) for name, path in logs.items()}
    ended = threading.Event()

    def look() -> None:
        for name, path in logs.items():
            for figures in read_epochs(path)[told[name] :]:
                told[name] += 1
                report({"stage": "training", "fold": name, **figures})

    def keep_looking() -> None:
        while not ended.wait(LOOK_EVERY_S):
            look()

    follower = threading.Thread(target=keep_looking, daemon=True)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()
        look()


def _other_corpus(protocol: Protocol, task: Task, test_data: str, report: Report | None) -> Learner:
    if not test_data:
        raise ValueError(f"protocol {protocol.name} is tested on {protocol.test_corpus}: give its folder as test data")
    tester = create_learner(elsewhere(task, test_data), report)
    if tester.corpus.name != protocol.test_corpus:
        raise ValueError(f"{test_data} holds {tester.corpus.name}, {protocol.name} is tested on {protocol.test_corpus}")
    return tester


def _names(learner: Learner, chosen: np.ndarray) -> tuple[str, ...]:
    return tuple(learner.names[index] for index in chosen)


def _by_fold(names: Sequence[str], records: Sequence[RunRecord]) -> dict:
    return {name: dict(record.recipe) for name, record in zip(names, records, strict=True)}


def _macs(learner: Learner) -> int:
    from emotion_recognition.models.cost import count_macs

    return count_macs(learner.architecture, len(learner.class_table), learner.readings)


def _notes(read: Sequence[Learner], allow_partial: bool) -> str:
    notes = []
    unreadable = sum(len(learner.unreadable) for learner in read)
    if unreadable:
        notes.append(f"{unreadable} files could not be read and were left out.")
    missing = sum(learner.corpus.missing.clips for learner in read)
    if allow_partial and missing:
        notes.append(f"Partial data: {missing} clips are missing, so this is not the protocol's.")
    return " ".join(notes)
