"""The classifier on action units that stands for the face stream where the rule of fusion is tested.

Logistic regression on scaled units, extremely randomised trees (Geurts et al. 2006,
https://doi.org/10.1007/s10994-006-6226-1), or the geometric mean of their probabilities, whichever loses least on a
fold's validation actors; it then learns from training and validation actors. It is not shipped and counts among no
network's parameters.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from emotion_recognition.emotions import CLASS_IDS
from emotion_recognition.evaluation.protocols import Split
from emotion_recognition.evaluation.records import WHOLE, RunRecord, library_versions

ACTION_UNITS = "action-units"
FACE_NOISE = "face noise 0 dB"
# Intensities are skewed; a power transform (Yeo and Johnson 2000) makes them nearly normal.
SCALINGS = ("standard", "power")
STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)  # inverse regularisation, scikit-learn's C
KINDS = ("logistic", "trees", "logistic and trees")
TREES = 500
SEED = 0

Choice = tuple[str, str, float]  # kind, scaling and strength of its logistic part


def classify_action_units(
    units: np.ndarray, names: Sequence[str], actors: np.ndarray, truth: np.ndarray, splits: Sequence[Split]
) -> RunRecord:
    """Return the out-of-fold predictions of the classifier on the action units.

    Args:
        units: (N, 35).
        names, actors, truth: of the clips, (N,).
        splits: folds as indices into them; clips tested by none are left out.

    Returns:
        A record with condition ``clips`` and, with noise as strong as the units vary, ``face noise 0 dB``.
    """
    noise = np.random.default_rng(SEED).standard_normal(units.shape) * units.std(axis=0)
    chosen, rows, folds, logits = [], [], [], {WHOLE: [], FACE_NOISE: []}
    for split in splits:
        chosen.append(_choose(units, truth, split))
        fitted = _fit(units[split.learning], truth[split.learning], chosen[-1])
        rows.append(split.test)
        folds.append(np.full(len(split.test), split.fold))
        for condition, values in ((WHOLE, units), (FACE_NOISE, units + noise)):
            logits[condition].append(_log_probabilities(fitted, values[split.test]))
    row, fold = np.concatenate(rows), np.concatenate(folds)
    return RunRecord(
        name=f"{ACTION_UNITS}-p2",
        model=ACTION_UNITS,
        protocol="p2",
        corpus="ravdess",
        names=tuple(names[index] for index in row) * 2,
        actors=np.tile(actors[row], 2),
        folds=np.tile(fold, 2),
        truth=np.tile(truth[row], 2),
        logits=np.concatenate(logits[WHOLE] + logits[FACE_NOISE]),
        conditions=(WHOLE,) * len(row) + (FACE_NOISE,) * len(row),
        recipe={
            "classifier": f"logistic regression on scaled action units, {TREES} extremely randomised trees, or both",
            "kind, scaling and C": chosen,
        },
        seed=SEED,
        versions=library_versions(),
        notes="Action units stand for the face stream; they test the rule of fusion only.",
    )


def _choose(units: np.ndarray, truth: np.ndarray, split: Split) -> Choice:
    """Return the classifier with the least loss on a fold's validation actors."""
    if not len(split.train) or not len(split.validation):
        return KINDS[0], SCALINGS[0], 0.1
    learned, tested = units[split.train], units[split.validation]
    known, target = truth[split.train], truth[split.validation]

    def loss(*fitted: Any) -> float:
        return -float(np.mean(_log_probabilities(fitted, tested)[np.arange(len(target)), target - 1]))

    logistic = {
        (scaling, c): _fit(learned, known, (KINDS[0], scaling, c))[0] for scaling in SCALINGS for c in STRENGTHS
    }
    best = min(logistic, key=lambda setting: loss(logistic[setting]))
    (trees,) = _fit(learned, known, (KINDS[1], *best))
    losses = (loss(logistic[best]), loss(trees), loss(logistic[best], trees))
    return KINDS[int(np.argmin(losses))], *best


def _fit(units: np.ndarray, truth: np.ndarray, choice: Choice) -> list[Any]:
    """Return the fitted classifiers whose mean is to be taken."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PowerTransformer, StandardScaler

    kind, scaling, strength = choice
    parts = []
    if kind != KINDS[1]:
        scaler = StandardScaler() if scaling == "standard" else PowerTransformer()
        parts.append(make_pipeline(scaler, LogisticRegression(C=strength, max_iter=5000)))
    if kind != KINDS[0]:
        parts.append(ExtraTreesClassifier(TREES, random_state=SEED))
    return [part.fit(units, truth) for part in parts]


def _log_probabilities(fitted: Sequence[Any], units: np.ndarray) -> np.ndarray:
    """Return (N, 8), the logarithms of the probabilities that the classifiers' geometric mean gives.

    None of a classifier's is under half a tree's vote; so much has a class that was not among the training clips.
    """
    logarithms = np.zeros((len(units), len(CLASS_IDS)))
    for part in fitted:
        found = np.zeros_like(logarithms)
        found[:, part.classes_ - 1] = part.predict_proba(units)
        logarithms += np.log(np.maximum(found, 0.5 / TREES)) / len(fitted)
    return logarithms - np.log(np.exp(logarithms).sum(axis=1, keepdims=True))
