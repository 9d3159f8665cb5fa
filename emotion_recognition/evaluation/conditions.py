"""Protocol P5: the same test clips under other conditions.

A condition's name says all about it: ``clips`` or ``windows`` (3 s, as the robot cuts them), then what is done to the
sound before: ``gain +12 dB`` (cut at full scale, as a microphone does) or ``noise 10 dB`` (white, at that
signal-to-noise ratio). Conditions of the face, ``face noise 0 dB``, ``face missing`` and ``voice missing``, are of the
fusion and made by :mod:`emotion_recognition.evaluation.fused`.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

import numpy as np

from emotion_recognition.audio.windows import AudioWindows
from emotion_recognition.evaluation.protocols import Split
from emotion_recognition.evaluation.records import RunRecord

RATE = 16000
HOP_S = 0.5  # of the windows
_SOUND = re.compile(r"(clips|windows)(?: (gain|noise) ([+-]?\d+(?:\.\d+)?) dB)?")

# Logits (N, 8) of N sounds, each (n,) float32 at 16 kHz, by the model that has not heard a fold's test clips.
Classify = Callable[[int, Sequence[np.ndarray]], np.ndarray]


def is_of_sound(condition: str) -> bool:
    """Say whether a condition is made from the sound alone."""
    return _SOUND.fullmatch(condition) is not None


def apply_condition(sound: np.ndarray, condition: str, rng: np.random.Generator) -> list[np.ndarray]:
    """Return what is classified of a clip under a condition: the whole of it, or its windows.

    Args:
        sound: (n,) float32 in [-1, 1] at 16 kHz.
        condition: its name.
        rng: where noise is drawn from.

    Raises:
        ValueError: no such condition of sound.
    """
    found = _SOUND.fullmatch(condition)
    if found is None:
        raise ValueError(
            f"condition {condition!r}: expected one such as 'clips', 'windows gain -12 dB', 'clips noise 0 dB'"
        )
    kind, change, amount = found.groups()
    sound = np.asarray(sound, np.float32)
    if change == "gain":
        sound = np.clip(sound * np.float32(10 ** (float(amount) / 20)), -1, 1)
    elif change == "noise":
        level = np.sqrt(np.mean(np.square(sound, dtype=np.float64)) * 10 ** (-float(amount) / 10))
        sound = sound + np.float32(level) * rng.standard_normal(len(sound), np.float32)
    return [sound] if kind == "clips" else windows(sound)


def windows(sound: np.ndarray) -> list[np.ndarray]:
    """Return windows of a sound as a robot cuts them, of 3 s, one every 0.5 s, the shortest 1 s; at least one."""
    cut = [window.samples for window in AudioWindows(hop_s=HOP_S).push(np.asarray(sound, np.float32), 0, 0)]
    return cut or [np.asarray(sound, np.float32)]


def under_conditions(
    clips: Sequence[Any],
    splits: Sequence[Split],
    conditions: Sequence[str],
    read: Callable[[Any], np.ndarray],
    classify: Classify,
    seed: int = 0,
    report: Callable[[str, int, int], None] | None = None,
    **header: Any,
) -> RunRecord:
    """Classify the test clips of every fold under each condition.

    Args:
        clips: of the corpus, with ``name``, ``actor`` and ``class_id``.
        splits: folds of the protocol, as indices into ``clips``.
        conditions: names; those that are not of sound are left out.
        read: gives a clip's sound.
        classify: see :data:`Classify`.
        seed: of the noise: a clip gets the same under every condition and in every run, whatever the other clips.
        report: called with the condition, folds done and folds in all.
        header: what else the record says: ``name``, ``model``, ``protocol``, ``corpus``, ...

    Returns:
        The record of all conditions; under ``windows`` a clip has one prediction a window.

    Raises:
        ValueError: no condition of sound, or ``classify`` gives other than (N, 8).
    """
    chosen = [condition for condition in conditions if is_of_sound(condition)]
    if not chosen:
        raise ValueError(f"conditions {list(conditions)}: none of them is of sound")
    rows: list[tuple[int, int, str]] = []
    logits = []
    for number, split in enumerate(splits):
        sounds = [read(clips[index]) for index in split.test]
        for condition in chosen:
            pieces, owners = [], []
            for index, sound in zip(split.test.tolist(), sounds, strict=True):
                made = apply_condition(
                    sound, condition, np.random.default_rng((seed, crc32(clips[index].name.encode())))
                )
                pieces += made
                owners += [(index, split.fold, condition)] * len(made)
            found = np.asarray(classify(split.fold, pieces), np.float64)
            if found.shape != (len(pieces), 8):
                raise ValueError(
                    f"classify gave shape {found.shape} for {len(pieces)} sounds, expected one row of 8 each"
                )
            rows += owners
            logits.append(found)
            if report:
                report(condition, number + 1, len(splits))
    indices = [index for index, _, _ in rows]
    return RunRecord(
        names=tuple(clips[index].name for index in indices),
        actors=np.array([clips[index].actor for index in indices]),
        truth=np.array([clips[index].class_id for index in indices]),
        folds=np.array([fold for _, fold, _ in rows]),
        conditions=tuple(condition for _, _, condition in rows),
        logits=np.concatenate(logits),
        **header,
    )
