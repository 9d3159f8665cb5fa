"""Protocols: who is learned from and who is tested, read from the fold files in ``evaluation/folds``.

``p1``        RAVDESS speech, stratified 5-fold over the clips, speakers mixed (the paper's words)
``p1-split``  RAVDESS speech, one stratified 80/20 split, speakers mixed (what the paper's figures are)
``p2``        RAVDESS, speaker-independent: six folds of two men and two women
``p3``        CREMA-D, speaker-independent: grouped 5-fold over its 91 actors
``p4``        learned from RAVDESS, tested on EMO-DB, on the six classes of both
``p5``        the folds of ``p2`` under other conditions: windows, gain, noise, one stream missing

``python -m emotion_recognition.evaluation.make_folds`` writes the files. Nothing here needs more than numpy.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from emotion_recognition.emotions import CLASS_IDS

FOLDER = Path(__file__).parent / "folds"
PROTOCOLS = ("p1", "p1-split", "p2", "p3", "p4", "p5")
SHOWN = 5


@dataclass(frozen=True)
class Fold:
    """Members of one fold: clip names or actors, as :attr:`Protocol.by` says.

    ``train`` and ``validation`` together are what a model that is tested on ``test`` learns from. A choice (learning
    rate, number of epochs) is made by learning from ``train`` alone and scoring on ``validation``.
    """

    name: str
    train: tuple
    validation: tuple
    test: tuple


@dataclass(frozen=True, eq=False)
class Split:
    """One fold as indices into the clips that :meth:`Protocol.indices` was given; unpacks to train, validation, test.

    Attributes:
        fold: number of the fold in the protocol, from 0.
        name: the fold's name.
        train, validation, test: sorted int64, no index in two of them. See :class:`Fold`.
    """

    fold: int
    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter((self.train, self.validation, self.test))

    @property
    def learning(self) -> np.ndarray:
        """Training and validation clips together: what the model that is tested learns from."""
        return np.union1d(self.train, self.validation)


@dataclass(frozen=True)
class Protocol:
    """A protocol as its fold file gives it.

    Attributes:
        name: one of PROTOCOLS.
        title: what it is, in words.
        corpus: what is learned from: ``ravdess``, ``cremad``.
        test_corpus: what is tested on; differs from ``corpus`` across corpora only.
        by: ``clip`` or ``actor``: what the folds list. RAVDESS clips are listed without the first field of their name,
            so that one file serves sound, video and both.
        class_ids: classes that count at test; the classes of both corpora where they differ.
        folds: in order.
        left_out: clips that belong to no fold, because they are copies of others.
        conditions: under which the test clips are classified.
    """

    name: str
    title: str
    corpus: str
    test_corpus: str
    by: str
    class_ids: tuple[int, ...]
    folds: tuple[Fold, ...]
    left_out: tuple[str, ...] = ()
    conditions: tuple[str, ...] = field(default=("clips",))

    @property
    def across_corpora(self) -> bool:
        """Whether the test clips are another corpus's."""
        return self.corpus != self.test_corpus

    def indices(self, names: Sequence[str], actors: Sequence[int], allow_partial: bool = False) -> list[Split]:
        """Return the folds as indices into a corpus's clips.

        Across corpora these are the clips of the corpus learned from, ``test`` is empty, and
        :meth:`test_indices` gives the rest.

        Args:
            names: of the clips, (N,), as ``Clip.name``.
            actors: of the clips, (N,).
            allow_partial: clips or actors may be missing; a fold left without training or test clips is dropped.

        Raises:
            ValueError: lengths differ, clips or actors that the protocol does not know, some that it lists missing
                (unless ``allow_partial``), or no fold left.
        """
        keys = self._keys(names, actors)
        self._check(keys, {member for fold in self.folds for member in self._learned_from(fold)}, allow_partial)
        splits = []
        for number, fold in enumerate(self.folds):
            parts = [_among(keys, part) for part in (fold.train, fold.validation, fold.test)]
            if self.across_corpora:
                parts[2] = np.empty(0, np.int64)
            has_test = self.across_corpora or len(parts[2])
            if has_test and len(parts[0]) + len(parts[1]):
                splits.append(Split(number, fold.name, *parts))
        if not splits:
            raise ValueError(
                f"protocol {self.name}: {len(names)} clips leave no fold with both training and test clips; "
                f"it is made of {self._example()}"
            )
        return splits

    def test_indices(self, names: Sequence[str], actors: Sequence[int], allow_partial: bool = False) -> np.ndarray:
        """Return the indices of the test clips of ``test_corpus``, all folds together; see :meth:`indices`."""
        keys = self._keys(names, actors)
        listed = {member for fold in self.folds for member in fold.test}
        self._check(keys, listed, allow_partial)
        return _among(keys, listed)

    def _learned_from(self, fold: Fold) -> tuple:
        return fold.train + fold.validation + (() if self.across_corpora else fold.test)

    def _keys(self, names: Sequence[str], actors: Sequence[int]) -> list:
        if len(names) != len(actors) or not len(names):
            raise ValueError(
                f"{len(names)} names, {len(actors)} actors: expected one of each a clip, at least one clip"
            )
        if self.by == "actor":
            return [int(actor) for actor in actors]
        return [clip_key(self.corpus, name) for name in names]

    def _check(self, keys: list, listed: set, allow_partial: bool) -> None:
        found = set(keys)
        unknown = sorted(found - listed - set(self.left_out))
        if unknown:
            raise ValueError(
                f"protocol {self.name} does not know {_some(unknown, self.by)}; it is made of {self._example()}"
            )
        missing = sorted(listed - found)
        if missing and not allow_partial:
            raise ValueError(
                f"protocol {self.name} lacks {_some(missing, self.by)} in the data: complete the data set, or allow "
                "partial data for a figure that is not the protocol's"
            )

    def _example(self) -> str:
        return f"{len(self.folds)} folds of {self.by}s of {self.corpus} such as {self.folds[0].test[0]}"


def load_protocol(name: str, folder: Path | str = FOLDER) -> Protocol:
    """Return a protocol by its name, from its fold file.

    Raises:
        ValueError: the name is not known, or the file is not a fold file: fields missing, a member in two parts of a
            fold, or tested twice.
    """
    if name not in PROTOCOLS:
        raise ValueError(f"protocol {name!r} is not known; expected one of {', '.join(PROTOCOLS)}")
    path = Path(folder) / f"{name}.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if "folds_of" in found:
            base = load_protocol(found["folds_of"], folder)
            return Protocol(
                name, found["title"], base.corpus, base.test_corpus, base.by, base.class_ids, base.folds,
                base.left_out, tuple(found["conditions"]),
            )  # fmt: skip
        protocol = Protocol(
            name=name,
            title=found["title"],
            corpus=found["corpus"],
            test_corpus=found.get("test_corpus", found["corpus"]),
            by=found["by"],
            class_ids=tuple(found.get("class_ids", CLASS_IDS)),
            folds=_folds(found["folds"]),
            left_out=tuple(found.get("left_out", ())),
        )
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as problem:
        raise ValueError(f"{path}: not a fold file ({problem!r}); write it with evaluation.make_folds") from problem
    _check_folds(path, protocol)
    return protocol


def clip_key(corpus: str, name: str) -> str:
    """Return what a fold file calls a clip: for RAVDESS its name without the modality (``01-``, ``02-``, ``03-``)."""
    return name[3:] if corpus == "ravdess" and name[:3] in ("01-", "02-", "03-") and name.count("-") == 6 else name


def _folds(found: list[dict]) -> tuple[Fold, ...]:
    """Return folds; where a fold does not list its training members, they are all others that the file names."""
    members = sorted(
        {member for fold in found for part in ("train", "validation", "test") for member in fold.get(part, ())}
    )
    folds = []
    for fold in found:
        test, validation = tuple(fold["test"]), tuple(fold.get("validation", ()))
        rest = tuple(member for member in members if member not in {*test, *validation})
        folds.append(Fold(fold["name"], tuple(fold.get("train", rest)), validation, test))
    return tuple(folds)


def _check_folds(path: Path, protocol: Protocol) -> None:
    tested: set = set()
    for fold in protocol.folds:
        parts = [set(fold.train), set(fold.validation)] + ([] if protocol.across_corpora else [set(fold.test)])
        if sum(map(len, parts)) != len(set.union(*parts)):
            raise ValueError(f"{path}: fold {fold.name!r} has a member in two of train, validation and test")
        if tested & set(fold.test) or not fold.test or not fold.train:
            raise ValueError(f"{path}: fold {fold.name!r} is empty or tests what another fold tests")
        tested |= set(fold.test)


def _among(keys: list, members) -> np.ndarray:
    wanted = set(members)
    return np.array([index for index, key in enumerate(keys) if key in wanted], np.int64)


def _some(items: list, kind: str) -> str:
    shown = ", ".join(map(str, items[:SHOWN])) + (", …" if len(items) > SHOWN else "")
    return f"{len(items)} {kind}{'s' if len(items) > 1 else ''} ({shown})"
