"""How well voice and face fuse, on the only real pairs at hand: RAVDESS sounds and their videos' action units.

A logistic classifier on the action units stands for the face stream: it tests the rule of fusion, is not shipped and
counts among no network's parameters. Its scaling and regularisation are chosen on each fold's validation actors; it
then learns from training and validation actors, and all its predictions are of actors it has not seen. Temperatures are
those of the robot: one of each stream, and one of what is fused; see :func:`fuse`.
Run ``python -m emotion_recognition.evaluation.fused --help``.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emotion_recognition.datasets.action_units import load_action_units
from emotion_recognition.emotions import CLASS_IDS
from emotion_recognition.evaluation.calibration import calibration_error, fit_temperature, softmax
from emotion_recognition.evaluation.protocols import Split, load_protocol
from emotion_recognition.evaluation.records import WHOLE, RunRecord, library_versions, load_record
from emotion_recognition.fusion.means import FLOOR, METHODS

ACTION_UNITS = "action-units"
# Intensities are skewed; a power transform (Yeo and Johnson 2000) makes them nearly normal.
SCALINGS = ("standard", "power")
STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)  # inverse regularisation, scikit-learn's C
SHORT = {"geometric": "gm", "arithmetic": "am"}
FACE_NOISE = "face noise 0 dB"
FACE_MISSING, VOICE_MISSING = "face missing", "voice missing"
COMMAND = "python -m emotion_recognition.evaluation.fused --run RECORD --action-units FILE --output FOLDER"
SEED = 0
LEAST = 1e-12


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
        fitted = _fit(units[split.learning], truth[split.learning], *chosen[-1])
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
        recipe={"classifier": "logistic regression on scaled action units", "scaling and C": chosen},
        seed=SEED,
        versions=library_versions(),
        command=COMMAND,
        notes="Action units stand for the face stream; they test the rule of fusion only.",
    )


def fuse(voice: RunRecord, face: RunRecord, rule: str) -> RunRecord:
    """Return the fused predictions of two records of the same protocol, tempered as the robot tempers them.

    Each stream is tempered, then the mean is taken, then that is tempered (``FusionSettings.temperature``). A fold's
    three temperatures are fitted on the whole clips of the other folds only. Every condition of ``voice`` with one
    prediction a clip is fused with the face's whole clips, its whole clips with the face's noisy ones; where one stream
    is missing, the other one's tempered probabilities stand, as in :mod:`emotion_recognition.fusion`.

    Args:
        voice, face: records; clips are matched by name, the modality aside.
        rule: ``geometric`` or ``arithmetic``.

    Returns:
        A record with logarithms of probabilities as logits. Its recipe holds ``temperatures`` by fold, of ``voice``,
        ``face`` and ``fused``; ``fused_temperature``, the one fitted on all folds, with streams tempered on all folds,
        which is what the robot's parameter of that name should be by default; and ``ece_without_fused_temperature``.

    Raises:
        ValueError: an unknown rule, another protocol, fewer than two folds, or clips whose fold or class differ between
            the records.
    """
    if rule not in METHODS:
        raise ValueError(f"rule {rule!r}: expected one of {', '.join(METHODS)}")
    if voice.protocol not in (face.protocol, "p5"):
        raise ValueError(f"{voice.name} is of protocol {voice.protocol}, {face.name} of {face.protocol}: expected one")
    if voice.class_ids != CLASS_IDS or face.class_ids != CLASS_IDS:
        raise ValueError(f"{voice.name}, {face.name}: classes {voice.class_ids}, {face.class_ids}, expected all eight")
    sound = {name: _once(voice.select(name), name) for name in dict.fromkeys(voice.conditions) if "windows" not in name}
    picture = {name: _beside(voice.name, sound[WHOLE], face, name) for name in dict.fromkeys(face.conditions)}
    whole, seen = sound[WHOLE], picture[WHOLE]
    numbers = sorted(set(whole.folds.tolist()))
    if len(numbers) < 2:
        raise ValueError(f"{voice.name}: folds {numbers}, expected two at least: temperatures come from the other ones")
    fitted = {fold: _Temperatures.fit(whole, seen, rule, whole.folds != fold) for fold in numbers}
    pairs = {name: (record, _beside(voice.name, record, face, WHOLE)) for name, record in sound.items()}
    if FACE_NOISE in picture:
        pairs[FACE_NOISE] = (whole, picture[FACE_NOISE])
    parts = [(name, _by_fold(fitted, *pair, rule), pair[0]) for name, pair in pairs.items()]
    parts += [(FACE_MISSING, _divided(whole, {fold: one.voice for fold, one in fitted.items()}), whole)]
    parts += [(VOICE_MISSING, _divided(seen, {fold: one.face for fold, one in fitted.items()}), seen)]
    untempered = _by_fold({fold: replace(one, fused=1.0) for fold, one in fitted.items()}, whole, seen, rule)
    return replace(
        voice,
        name=f"{voice.name}-{ACTION_UNITS}-{SHORT[rule]}",
        model=f"{voice.model} + {ACTION_UNITS}",
        protocol=voice.protocol,
        names=sum((record.names for _, _, record in parts), ()),
        conditions=sum(((name,) * len(record.names) for name, _, record in parts), ()),
        **{
            key: np.concatenate([getattr(record, key) for _, _, record in parts])
            for key in ("actors", "folds", "truth")
        },
        logits=np.concatenate([logits for _, logits, _ in parts]),
        recipe={
            "rule": rule,
            "voice": voice.name,
            "face": face.name,
            "temperatures": {
                key: [round(getattr(one, key), 4) for one in fitted.values()] for key in ("voice", "face", "fused")
            },
            "fused_temperature": round(_Temperatures.fit(whole, seen, rule, whole.folds >= 0).fused, 4),
            "ece_without_fused_temperature": round(calibration_error(whole.truth, softmax(untempered), CLASS_IDS), 4),
        },
        versions=library_versions(),
        command=COMMAND,
        notes=face.notes,
    )


@dataclass(frozen=True)
class _Temperatures:
    """Of the voice, the face and what is fused of both, each above 0."""

    voice: float
    face: float
    fused: float

    @classmethod
    def fit(cls, voice: RunRecord, face: RunRecord, rule: str, used: np.ndarray) -> "_Temperatures":
        """Fit all three on the rows ``used`` (N,) bool of two records of the same clips."""
        truth = voice.truth[used]
        streams = [fit_temperature(record.logits[used], truth) for record in (voice, face)]
        fused = cls(*streams, 1.0).fuse(voice.logits[used], face.logits[used], rule)
        return cls(*streams, fit_temperature(fused, truth))

    def fuse(self, voice: np.ndarray, face: np.ndarray, rule: str) -> np.ndarray:
        """Return the logarithms (N, 8), but for a constant a row, of what logits (N, 8) of both streams fuse to."""
        pairs = zip(softmax(voice / self.voice), softmax(face / self.face), strict=True)
        # The floor is that of fusion.means.temper.
        return np.log(np.maximum([METHODS[rule](p, q) for p, q in pairs], FLOOR)) / self.fused


def fuse_with_action_units(voice: RunRecord, action_units: Path | str) -> list[RunRecord]:
    """Return the records of the action units alone and of each rule, for a voice record of P2 or P5 on RAVDESS.

    Raises:
        ValueError: a record of another protocol or corpus; see :func:`load_action_units` too.
    """
    if voice.corpus != "ravdess" or voice.protocol not in ("p2", "p5"):
        raise ValueError(f"{voice.name}: protocol {voice.protocol} of {voice.corpus}, expected p2 or p5 of ravdess")
    clips = _once(voice.select(WHOLE), WHOLE)
    units = load_action_units(action_units, clips.names).astype(np.float64)
    splits = load_protocol("p2").indices(clips.names, clips.actors.tolist(), allow_partial=True)
    face = classify_action_units(units, clips.names, clips.actors, clips.truth, splits)
    return [face, *(fuse(voice, face, rule) for rule in METHODS)]


def _choose(units: np.ndarray, truth: np.ndarray, split: Split) -> tuple[str, float]:
    """Return the scaling and the strength with the least loss on a fold's validation actors."""
    if not len(split.train) or not len(split.validation):
        return SCALINGS[0], 0.1
    rows, losses = np.arange(len(split.validation)), {}
    for scaling in SCALINGS:
        scaler = _scaler(scaling).fit(units[split.train])
        learned, tested = scaler.transform(units[split.train]), scaler.transform(units[split.validation])
        for strength in STRENGTHS:
            found = _log_probabilities(_classifier(strength).fit(learned, truth[split.train]), tested)
            losses[scaling, strength] = -float(np.mean(found[rows, truth[split.validation] - 1]))
    return min(losses, key=losses.get)


def _fit(units: np.ndarray, truth: np.ndarray, scaling: str, strength: float):
    from sklearn.pipeline import make_pipeline

    return make_pipeline(_scaler(scaling), _classifier(strength)).fit(units, truth)


def _scaler(scaling: str):
    from sklearn.preprocessing import PowerTransformer, StandardScaler

    return StandardScaler() if scaling == "standard" else PowerTransformer()


def _classifier(strength: float):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=5000)


def _log_probabilities(fitted, units: np.ndarray) -> np.ndarray:
    """Return (N, 8); a class that was not among the training clips has next to none."""
    found = np.full((len(units), len(CLASS_IDS)), LEAST)
    found[:, fitted.classes_ - 1] = fitted.predict_proba(units)
    return np.log(np.maximum(found, LEAST))


def _once(record: RunRecord, condition: str) -> RunRecord:
    if len(set(record.names)) != len(record.names):
        raise ValueError(f"{record.name}: a clip has several predictions of condition {condition}, expected one")
    return record


def _beside(title: str, voice: RunRecord, face: RunRecord, condition: str) -> RunRecord:
    """Return the face's predictions of a condition for the clips of the voice, in their order."""
    face = _once(face.select(condition), condition)
    place = {name[3:]: row for row, name in enumerate(face.names)}
    lacking = [name for name in voice.names if name[3:] not in place]
    if lacking:
        raise ValueError(f"{face.name} lacks {len(lacking)} clips of {title}, the first {lacking[0]}")
    other = face.take([place[name[3:]] for name in voice.names])
    if (other.truth != voice.truth).any() or (other.folds != voice.folds).any():
        raise ValueError(f"{title} and {face.name} differ in fold or class of a clip: make both on the same folds")
    return other


def _by_fold(fitted: Mapping[int, _Temperatures], voice: RunRecord, face: RunRecord, rule: str) -> np.ndarray:
    """Return what both fuse to, (N, 8), each fold with its own temperatures."""
    out = np.empty_like(voice.logits)
    for fold, temperatures in fitted.items():
        rows = voice.folds == fold
        if rows.any():
            out[rows] = temperatures.fuse(voice.logits[rows], face.logits[rows], rule)
    return out


def _divided(record: RunRecord, temperatures: Mapping[int, float]) -> np.ndarray:
    return record.logits / np.array([temperatures[fold] for fold in record.folds.tolist()])[:, None]


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Fuse a voice record with the action units and write the records; print and return their accuracies."""
    parser = argparse.ArgumentParser(description="Fuse a voice's P2 or P5 record with RAVDESS's action units.")
    parser.add_argument("--run", required=True, help="the voice record's .json")
    parser.add_argument("--action-units", required=True, help="the .npz of the action units")
    parser.add_argument("--output", required=True, help="folder for the records")
    given = parser.parse_args(arguments)
    accuracies = {}
    for record in fuse_with_action_units(load_record(given.run), given.action_units):
        record.save(given.output)
        whole = record.select(WHOLE)
        accuracies[record.name] = float(np.mean(whole.predicted == whole.truth))
        print(f"{record.name}: accuracy {accuracies[record.name]:.4f}")
    return accuracies


if __name__ == "__main__":
    main()
