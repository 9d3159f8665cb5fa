"""RAVDESS speech: 24 actors, two sentences, eight emotions.

S. R. Livingstone and F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS)", PLoS ONE
13(5): e0196391, https://doi.org/10.1371/journal.pone.0196391; data at https://zenodo.org/record/1188976, CC BY-NC-SA
4.0. A file name holds seven numbers: modality, vocal channel, emotion, intensity, statement, repetition, actor. The set
holds one recording under two names; :func:`find_clips` keeps the first.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emotion_recognition.emotions import CLASS_IDS

AUDIO_ONLY = 3
SPEECH = 1
ACTORS = 24
SUFFIXES = (".flac", ".wav")
EXPECTED = "03-01-EE-II-SS-RR-AA.wav or .flac"
_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")


@dataclass(frozen=True, order=True)
class Clip:
    """One recording: its file, what its name says. The emotion's number is the class id. Odd actors are male."""

    name: str
    path: Path
    class_id: int
    intensity: int
    statement: int
    repetition: int
    actor: int


def find_clips(folder: Path | str) -> list[Clip]:
    """Return the speech clips below a folder in the order of their names, without copies.

    Files of other modalities or of song are left out, as are files that do not look like RAVDESS's at all.

    Raises:
        FileNotFoundError: the folder is not there, or it holds no speech clip.
        ValueError: a number in a name is out of its range, or a name occurs twice with different content.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}: expected RAVDESS speech as Actor_NN/{EXPECTED}")
    files = sorted((path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES), key=lambda path: path.stem)
    clips: list[Clip] = []
    seen: dict[bytes, str] = {}
    names: set[str] = set()
    for path in files:
        clip = _parse(path)
        if clip is None:
            continue
        digest = hashlib.sha256(path.read_bytes()).digest()
        if digest in seen:
            continue
        if clip.name in names:
            raise ValueError(f"{path}: another file of that name has different content; give a folder with one copy")
        seen[digest] = clip.name
        names.add(clip.name)
        clips.append(clip)
    if not clips:
        found = f"{len(files)} sound files, the first '{files[0].name}'" if files else "no .wav or .flac file"
        raise FileNotFoundError(f"{folder}: found {found}; expected RAVDESS speech named {EXPECTED}")
    return clips


def read_clip(clip: Clip, rate: int = 16000) -> np.ndarray:
    """Return a clip's sound, mono float32 (n,) at ``rate`` Hz, resampled by soxr if the file has another rate.

    Raises:
        ValueError: the file cannot be read or holds no sound.
        ImportError: soundfile is not installed.
    """
    import soundfile
    import soxr

    try:
        sound, found_rate = soundfile.read(clip.path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise ValueError(f"{clip.path}: cannot be read ({error}); fetch the file again") from error
    if not len(sound) or not np.isfinite(sound).all():
        raise ValueError(f"{clip.path}: no sound or not finite; fetch the file again")
    mono = sound.mean(axis=1)
    return mono if found_rate == rate else soxr.resample(mono, found_rate, rate)


def _parse(path: Path) -> Clip | None:
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    modality, channel, emotion, intensity, statement, repetition, actor = map(int, match.groups())
    if modality != AUDIO_ONLY or channel != SPEECH:
        return None
    ranges = {
        "emotion": (emotion, len(CLASS_IDS)), "intensity": (intensity, 2), "statement": (statement, 2),
        "repetition": (repetition, 2), "actor": (actor, ACTORS),
    }  # fmt: skip
    for what, (value, most) in ranges.items():
        if not 1 <= value <= most:
            raise ValueError(f"{path}: {what} {value:02d} in its name, expected 01 to {most:02d}")
    return Clip(path.stem, path, emotion, intensity, statement, repetition, actor)
