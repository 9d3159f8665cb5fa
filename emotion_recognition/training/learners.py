"""One kind of thing that every protocol can train and test: a model's recipe on a data set.

A :class:`Task` is plain data, so that a worker process can be given it; :func:`create_learner` makes the learner of it,
which reads its files through the cache on disk. Each kind of learner wraps one training module.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from emotion_recognition.datasets.cache import DiskCache
from emotion_recognition.datasets.clips import Clip, Corpus
from emotion_recognition.datasets.corpora import open_corpus
from emotion_recognition.datasets.reading import UnreadableFile, read_all
from emotion_recognition.emotions import CLASS_IDS, SIX
from emotion_recognition.models.configurations import FaceConfiguration, configuration, own_name
from emotion_recognition.training.changes import Changes
from emotion_recognition.training.loop import Report
from emotion_recognition.training.networks import widened

CORPUS_CLASSES = {
    ("ravdess", "speech"): CLASS_IDS,
    ("ravdess", "song"): (1, 2, 3, 4, 5, 6),
    ("ravdess", "all"): CLASS_IDS,
    ("cremad", "speech"): SIX,
    ("emodb", "speech"): SIX,
}
# Of the weights that come of a data set.
LICENCES = {
    "ravdess": "CC BY-NC-SA 4.0 (https://creativecommons.org/licenses/by-nc-sa/4.0/), as RAVDESS",
    "cremad": "Open Database License 1.0 (https://opendatacommons.org/licenses/odbl/1-0/), as CREMA-D",
    "emodb": "no licence stated by EMO-DB; weights for research use",
}
SOURCES = {
    "ravdess": "RAVDESS (Livingstone & Russo 2018, PLoS ONE 13(5): e0196391)",
    "cremad": "CREMA-D (Cao et al. 2014, IEEE Transactions on Affective Computing 5(4): 377-390)",
    "emodb": "EMO-DB (Burkhardt et al. 2005, Interspeech)",
}


@dataclass(frozen=True)
class Task:
    """What to train on what.

    Attributes:
        model: registry or paper name.
        data: folder of the data set.
        corpus: name of the data set, empty to find it out.
        channel: RAVDESS's ``speech``, ``song`` or ``all``.
        classes: 8, 6 (neutral, happy, sad, angry, fearful, disgust: others are left out) or 0: those the set has.
        changes: to the model's recipe.
        on_unreadable: ``skip`` or ``stop``.
        cache: folder of crops and features, empty for the user's.
        skip_frames: video frames left out at the start of a clip.
        added: folder of another data set, all of which every training learns from as well; nothing is tested on it,
            so it can be no part of what a protocol tests.
    """

    model: str
    data: str
    corpus: str = ""
    channel: str = "speech"
    classes: int = 0
    changes: Changes = field(default_factory=Changes)
    on_unreadable: str = "skip"
    cache: str = ""
    skip_frames: int = 0
    added: str = ""


class Learner(ABC):
    """A recipe and the clips of a data set.

    Attributes:
        task: what it was made of.
        architecture: the model's own name.
        corpus: the data set as found.
        class_table: class ids of the network's columns, in order.
        clips: those that can be read and are of these classes.
        names, class_ids, actors: of the clips; the arrays int64 (N,).
        unreadable: files that were left out because they cannot be used.
        recipe: with the task's changes.
        added: learner of the task's other data set, None without one.
    """

    modalities: tuple[str, ...] = ("audio",)
    takes_added = False

    def __init__(self, task: Task, report: Report | None = None, share: tuple[int, int] = (0, 1)):
        """Read the clips.

        Args:
            task: what to train on what.
            share: (first, step) takes only every so many-th clip, so that several processes can fill the cache.
            report: called with ``stage`` ("reading"), ``done``, ``of``, and for a file that cannot be used with
                ``stage`` ("unreadable"), ``path``, ``reason``.

        Raises:
            CorpusError, ValueError: see ``open_corpus``; the set does not have the classes; nothing is readable.
            UnreadableFile: a file is, and the task says ``stop``.
        """
        self.task = task
        self.architecture = own_name(task.model)
        if task.skip_frames and "video" not in self.modalities:
            raise ValueError(f"skip_frames {task.skip_frames}: {self.architecture} reads no video; leave it out")
        self.recipe = task.changes.applied(self._default_recipe())
        self.corpus = _open(task, self.modalities)
        self.class_table = class_table(task, self.corpus.name)
        self._cache = DiskCache(task.cache or None)
        clips = [clip for clip in self.corpus.clips if clip.class_id in self.class_table][share[0] :: share[1]]
        results, self.unreadable = read_all(
            _counted(clips, report), self._read, task.on_unreadable, _unreadable_report(report)
        )
        kept = [number for number, result in enumerate(results) if result is not None]
        if not kept:
            raise ValueError(
                f"{task.data}: none of {len(clips)} {self.corpus.name} clips of classes {self.class_table} can be "
                f"used" + (f"; the first: {self.unreadable[0]}" if self.unreadable else "")
            )
        self.clips: tuple[Clip, ...] = tuple(clips[number] for number in kept)
        self.names = tuple(clip.name for clip in self.clips)
        self.class_ids = np.array([clip.class_id for clip in self.clips], np.int64)
        self.actors = np.array([clip.actor for clip in self.clips], np.int64)
        self._gather([results[number] for number in kept])
        self.added = self._added(report) if task.added and share == (0, 1) else None

    @property
    def readings(self) -> dict[str, Any]:
        """Readings of the paper's open points that the model has and that are not the default."""
        return dict(getattr(self.recipe, "readings", {}))

    @property
    def columns(self) -> np.ndarray:
        """Column of the network's output for each clip, int64 (N,)."""
        return np.searchsorted(self.class_table, self.class_ids)

    def indices(self, names: Sequence[str]) -> np.ndarray:
        """Return the indices of clips by their names, sorted.

        Raises:
            ValueError: a clip is not there (the files changed, or differ between machines).
        """
        places = {name: number for number, name in enumerate(self.names)}
        missing = [name for name in names if name not in places]
        if missing:
            raise ValueError(f"{self.task.data}: {len(missing)} clips are gone, the first {missing[0]}; start again")
        return np.array(sorted(places[name] for name in names), np.int64)

    def logits(self, model: Any, chosen: np.ndarray, table: Sequence[int] = ()) -> np.ndarray:
        """Return logits of chosen clips.

        Args:
            model: what :meth:`fit` of this or of another learner of the same model returned.
            chosen: indices of the clips.
            table: class ids of the network's columns; empty: those of this learner.

        Returns:
            float64 (n, 8), column k for class k + 1, NaN in the columns of classes that the network lacks.
        """
        return self._placed(self._raw_logits(model, chosen), table)

    def hear(self, model: Any, sounds: Sequence[np.ndarray], table: Sequence[int] = ()) -> np.ndarray:
        """Return logits (n, 8) of sounds, each (samples,) float32 at 16 kHz; see :meth:`logits`.

        Raises:
            ValueError: the model does not listen.
        """
        return self._placed(self._raw_heard(model, sounds), table)

    def _placed(self, raw: np.ndarray, table: Sequence[int]) -> np.ndarray:
        out = np.full((len(raw), len(CLASS_IDS)), np.nan)
        out[:, np.array(table or self.class_table) - 1] = raw
        return out

    def _raw_heard(self, model: Any, sounds: Sequence[np.ndarray]) -> np.ndarray:
        raise ValueError(f"{self.architecture} does not listen: expected a speech model for conditions of sound")

    def _added(self, report: Report | None) -> "Learner":
        if not self.takes_added:
            raise ValueError(f"{self.architecture} learns from one data set; {self.task.added} cannot be added")
        task = _of_added(self.task)
        name = _open(task, self.modalities).name
        if name == self.corpus.name:
            raise ValueError(
                f"{self.task.added} holds {name} as {self.task.data} does: models would learn from the clips that they "
                "are tested on; add another data set"
            )
        found = type(self)(task, report)
        if not set(found.class_table) <= set(self.class_table):
            raise ValueError(
                f"{self.task.added}: {found.corpus.name} has classes {found.class_table}, expected some of "
                f"{self.class_table}"
            )
        return found

    def described(self) -> dict[str, Any]:
        """Return the recipe as JSON can hold it."""
        return asdict(self.recipe) | ({"added": self.added.corpus.name} if self.task.added else {})

    def exported(self, model: Any, temperature: float, scores: dict[str, Any], output: Path, name: str) -> Path:
        """Write the files that the robot loads and return the sidecar.

        Raises:
            ModelError: see ``engines.export``.
        """
        fields = {
            "class_ids": list(self.class_table),
            "preprocessing": self._preprocessing(model),
            "temperature": temperature,
            "licence": "; ".join(LICENCES[learner.corpus.name] for learner in sources(self)),
            "trained_on": "; ".join(
                f"{SOURCES[learner.corpus.name]}: {len(learner.clips)} clips ({learner.task.channel}) of "
                f"{len(set(learner.actors.tolist()))} actors"
                for learner in sources(self)
            ),
            "scores": scores,
            "readings": self.readings,
        }
        network = widened(self.network(model), self.architecture, self.class_table, self.readings)
        return self._export(network, fields, output, name)

    def network(self, model: Any) -> nn.Module:
        """Return the torch module of what :meth:`fit` returned."""
        return model

    @abstractmethod
    def fit(self, chosen: np.ndarray, checkpoint: Path | None = None, report: Report | None = None) -> Any:
        """Train on chosen clips; for arguments and errors see :func:`emotion_recognition.training.loop.train`."""

    @abstractmethod
    def _default_recipe(self) -> Any:
        """Return the recipe before the task's changes."""

    @abstractmethod
    def _read(self, clip: Clip) -> Any:
        """Return what is kept of a clip; UnreadableFile if it cannot be used."""

    @abstractmethod
    def _gather(self, results: list[Any]) -> None:
        """Take in what was read of the clips that are kept."""

    @abstractmethod
    def _raw_logits(self, model: Any, chosen: np.ndarray) -> np.ndarray:
        """Return logits (n, columns)."""

    @abstractmethod
    def _preprocessing(self, model: Any) -> dict[str, Any]:
        """Return what the sidecar says of the input."""

    @abstractmethod
    def _export(self, network: nn.Module, fields: dict[str, Any], output: Path, name: str) -> Path:
        """Write the files."""


def create_learner(task: Task, report: Report | None = None, share: tuple[int, int] = (0, 1)) -> Learner:
    """Return the learner of a task; see :class:`Learner` for arguments and errors."""
    return _kind(task)(task, report, share)


def _kind(task: Task) -> type[Learner]:
    found = configuration(task.model)
    if isinstance(found, FaceConfiguration):
        from emotion_recognition.training.face_learner import FaceClipLearner

        return FaceClipLearner
    from emotion_recognition.training.speech_learners import SpeechMatrixLearner, SpeechMeanLearner

    return SpeechMatrixLearner if found.reads_matrix else SpeechMeanLearner


def sources(learner: Learner) -> tuple[Learner, ...]:
    """Return the learners of all data sets that are learned from: that of the task, and the added one."""
    return (learner,) if learner.added is None else (learner, learner.added)


def check_whole(learner: Learner) -> None:
    """Check that all data sets that are learned from are whole.

    Raises:
        CorpusError: one is not.
    """
    for source in sources(learner):
        source.corpus.check_whole()


def described_data(task: Task) -> dict[str, Any]:
    """Return what a task is about beside its recipe, by the names of the files alone.

    Raises:
        CorpusError, ValueError: a folder holds no such data set, or it has no such classes.
    """
    modalities = _kind(task).modalities
    corpus = _open(task, modalities).name
    return {
        "corpus": corpus,
        "channel": task.channel,
        "classes": list(class_table(task, corpus)),
        "added": _open(_of_added(task), modalities).name if task.added else "none",
        "skip_frames": task.skip_frames,
    }


def fill_cache(task: Task, first: int, step: int) -> int:
    """Compute crops or features of every ``step``-th clip from ``first`` on, and return the number of readable ones.

    What is wrong with the data is left for :func:`create_learner` to tell.
    """
    try:
        return len(create_learner(task, share=(first, step)).clips)
    except ValueError:
        return 0


def class_table(task: Task, corpus: str) -> tuple[int, ...]:
    """Return the class ids that a task is about.

    Raises:
        ValueError: another number than 0, 6 or 8, or the data set has no such classes.
    """
    has = CORPUS_CLASSES[corpus, task.channel if corpus == "ravdess" else "speech"]
    wanted = {0: has, 6: SIX, 8: CLASS_IDS}.get(task.classes)
    if wanted is None or not set(wanted) <= set(has):
        raise ValueError(
            f"{task.classes} classes: {corpus} ({task.channel}) has the classes {', '.join(map(str, has))}; expected "
            "8 or 6 (neutral, happy, sad, angry, fearful, disgust), or none for those it has"
        )
    return wanted


def _of_added(task: Task) -> Task:
    """Return the task that reads the added data set alone."""
    return replace(task, data=task.added, corpus="", channel="speech", added="")


def _open(task: Task, modalities: tuple[str, ...]) -> Corpus:
    """Open the first of several modalities that the folder has; the first one's error if none."""
    problem = None
    for modality in modalities:
        try:
            return open_corpus(task.data, task.corpus or None, modality, task.channel)
        except ValueError as error:
            problem = problem or error
    raise problem


def _counted(clips: list[Clip], report: Report | None) -> Iterable[Clip]:
    for number, clip in enumerate(clips):
        yield clip
        if report:
            report({"stage": "reading", "done": number + 1, "of": len(clips)})


def _unreadable_report(report: Report | None) -> Callable[[UnreadableFile], None] | None:
    if report is None:
        return None
    return lambda problem: report({"stage": "unreadable", "path": str(problem.path), "reason": problem.reason})
