"""Writes the fold files of ``evaluation/folds``: ``python -m emotion_recognition.evaluation.make_folds --data FOLDER``.

The files are committed, so this is run only to change a protocol. It needs scikit-learn, and RAVDESS speech for the
clips of ``p1``; every draw starts from seed 0.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from emotion_recognition.datasets.ravdess import find_clips
from emotion_recognition.emotions import SIX
from emotion_recognition.evaluation.protocols import FOLDER, clip_key

SEED = 0
PARTS = 5
RAVDESS_ACTORS = tuple(range(1, 25))
ACTORS_A_FOLD = 4
CREMAD_ACTORS = tuple(range(1001, 1092))
EMODB_ACTORS = (3, 8, 9, 10, 11, 12, 13, 14, 15, 16)
# The second of two byte-identical recordings; the corpus gives the first of them only.
RAVDESS_COPY = "01-03-01-02-02-07"
CONDITIONS = (
    "clips", "windows", "clips gain +12 dB", "clips gain -12 dB", "windows gain +12 dB", "windows gain -12 dB",
    "clips noise 20 dB", "clips noise 10 dB", "clips noise 0 dB", "face noise 0 dB", "face missing", "voice missing",
)  # fmt: skip


def stratified(names: list[str], class_ids: np.ndarray) -> dict[str, Any]:
    """Return P1: scikit-learn's StratifiedKFold over clips; each fold is validated on the next one's test clips."""
    from sklearn.model_selection import StratifiedKFold

    names = np.array(names)
    parts = [test for _, test in StratifiedKFold(PARTS, shuffle=True, random_state=SEED).split(names, class_ids)]
    folds = [
        {
            "name": f"part {number + 1}",
            "validation": sorted(names[parts[(number + 1) % PARTS]].tolist()),
            "test": sorted(names[part].tolist()),
        }
        for number, part in enumerate(parts)
    ]
    title = "RAVDESS speech, stratified 5-fold over the clips: every speaker is in training and test"
    return {"title": title, "corpus": "ravdess", "by": "clip", "left_out": [RAVDESS_COPY], "folds": folds}


def single_split(names: list[str], class_ids: np.ndarray) -> dict[str, Any]:
    """Return P1's single split: a stratified fifth tested, a stratified fifth of the rest for choices."""
    from sklearn.model_selection import train_test_split

    settings = {"test_size": 1 / PARTS, "random_state": SEED}
    names = np.array(names)
    rest, test = train_test_split(np.arange(len(names)), stratify=class_ids, **settings)
    train, validation = train_test_split(rest, stratify=class_ids[rest], **settings)
    parts = {"train": train, "validation": validation, "test": test}
    fold = {"name": "80/20", **{part: sorted(names[chosen].tolist()) for part, chosen in parts.items()}}
    title = "RAVDESS speech, one stratified 80/20 split: every speaker is in training and test"
    return {"title": title, "corpus": "ravdess", "by": "clip", "left_out": [RAVDESS_COPY], "folds": [fold]}


def ravdess_actors() -> dict[str, Any]:
    """Return P2: six folds of four actors, each validated on the actors of the next one."""
    groups = [list(RAVDESS_ACTORS[first : first + ACTORS_A_FOLD]) for first in range(0, 24, ACTORS_A_FOLD)]
    folds = [
        {"name": f"actors {test[0]}-{test[-1]}", "validation": groups[(number + 1) % len(groups)], "test": test}
        for number, test in enumerate(groups)
    ]
    title = "RAVDESS, speaker-independent: six folds of two men and two women"
    return {"title": title, "corpus": "ravdess", "by": "actor", "folds": folds}


def cremad_actors() -> dict[str, Any]:
    """Return P3: scikit-learn's GroupKFold over the actors, each fold validated on the next one's."""
    from sklearn.model_selection import GroupKFold

    actors = np.array(CREMAD_ACTORS)
    parts = [
        sorted(actors[test].tolist())
        for _, test in GroupKFold(PARTS, shuffle=True, random_state=SEED).split(actors, groups=actors)
    ]
    folds = [
        {"name": f"part {number + 1}", "validation": parts[(number + 1) % PARTS], "test": part}
        for number, part in enumerate(parts)
    ]
    title = "CREMA-D, speaker-independent: 5-fold over its 91 actors"
    return {"title": title, "corpus": "cremad", "by": "actor", "class_ids": SIX, "folds": folds}


def ravdess_to_emodb() -> dict[str, Any]:
    """Return P4: all RAVDESS actors to all EMO-DB speakers; choices on RAVDESS actors 21-24."""
    validation = list(RAVDESS_ACTORS[-ACTORS_A_FOLD:])
    fold = {
        "name": "ravdess to emodb",
        "train": list(RAVDESS_ACTORS[:-ACTORS_A_FOLD]),
        "validation": validation,
        "test": list(EMODB_ACTORS),
    }
    return {
        "title": "Learned from RAVDESS speech, tested on EMO-DB; predictions among the six classes of both",
        "corpus": "ravdess", "test_corpus": "emodb", "by": "actor", "class_ids": SIX, "folds": [fold],
    }  # fmt: skip


def conditions() -> dict[str, Any]:
    """Return P5: the folds of P2 with what is done to the test clips."""
    return {"title": "RAVDESS under other conditions, on the folds of p2", "folds_of": "p2", "conditions": CONDITIONS}


def make_folds(data: Path | str, output: Path | str) -> list[Path]:
    """Write all fold files.

    Args:
        data: folder of RAVDESS speech.
        output: folder to write to.

    Returns:
        The files.

    Raises:
        FileNotFoundError, ValueError: see :func:`find_clips`.
    """
    clips = find_clips(data)
    names = [clip_key("ravdess", clip.name) for clip in clips]
    class_ids = np.array([clip.class_id for clip in clips])
    files = {
        "p1": stratified(names, class_ids), "p1-split": single_split(names, class_ids), "p2": ravdess_actors(),
        "p3": cremad_actors(), "p4": ravdess_to_emodb(), "p5": conditions(),
    }  # fmt: skip
    written = []
    for name, content in files.items():
        path = Path(output) / f"{name}.json"
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        written.append(path)
    return written


def main() -> None:
    """Write the files of this package, or to another folder."""
    parser = argparse.ArgumentParser(description="Write the fold files of all protocols.")
    parser.add_argument("--data", required=True, help="folder of RAVDESS speech")
    parser.add_argument("--output", default=str(FOLDER), help="folder to write to (default: this package's)")
    arguments = parser.parse_args()
    for path in make_folds(arguments.data, arguments.output):
        print(path)


if __name__ == "__main__":
    main()
