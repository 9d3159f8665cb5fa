"""How well voice and face fuse, on the only real pairs at hand: RAVDESS sounds and their videos' action units.

A classifier on the action units stands for the face stream (``evaluation.action_unit_classifier``). Temperatures are
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
from emotion_recognition.evaluation.action_unit_classifier import ACTION_UNITS, FACE_NOISE, classify_action_units
from emotion_recognition.evaluation.calibration import calibration_error, fit_temperature, softmax
from emotion_recognition.evaluation.protocols import load_protocol
from emotion_recognition.evaluation.records import WHOLE, RunRecord, library_versions, load_record
from emotion_recognition.fusion.means import FLOOR, METHODS

SHORT = {"geometric": "gm", "arithmetic": "am"}
FACE_MISSING, VOICE_MISSING = "face missing", "voice missing"
COMMAND = "python -m emotion_recognition.evaluation.fused --run RECORD --action-units FILE --output FOLDER"


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
    face = replace(classify_action_units(units, clips.names, clips.actors, clips.truth, splits), command=COMMAND)
    return [face, *(fuse(voice, face, rule) for rule in METHODS)]


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
