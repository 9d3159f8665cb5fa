"""Protocol P2: speaker-independent folds of RAVDESS, four actors each, two men and two women."""

import numpy as np

from emotion_recognition.datasets.ravdess import ACTORS

ACTORS_A_FOLD = 4
FOLDS = tuple(tuple(range(first, first + ACTORS_A_FOLD)) for first in range(1, ACTORS + 1, ACTORS_A_FOLD))


def actor_folds(actors: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (training indices, test indices) of the folds 1-4, 5-8, ... 21-24 for the actor of each clip.

    A fold none of whose actors occurs is left out.

    Raises:
        ValueError: an actor is not 1 to 24, or the clips fill fewer than two folds.
    """
    actors = np.asarray(actors)
    unknown = sorted(set(actors.tolist()) - set(range(1, ACTORS + 1)))
    if unknown:
        raise ValueError(f"actors {unknown}: expected 1 to {ACTORS}")
    folds = []
    for members in FOLDS:
        is_test = np.isin(actors, members)
        if is_test.any():
            folds.append((np.flatnonzero(~is_test), np.flatnonzero(is_test)))
    if len(folds) < 2:
        raise ValueError(
            f"clips of actors {sorted(set(actors.tolist()))} fill {len(folds)} of the folds {FOLDS}: expected two or "
            "more, or there is nothing to train on"
        )
    return folds
