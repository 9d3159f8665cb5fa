"""RAVDESS: 24 actors, two sentences, eight emotions spoken and six sung, as sound, as video and as both.

S. R. Livingstone and F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS)", PLoS ONE
13(5): e0196391, https://doi.org/10.1371/journal.pone.0196391; data at https://zenodo.org/record/1188976, CC BY-NC-SA
4.0. A file name holds seven numbers: modality, vocal channel, emotion, intensity, statement, repetition, actor. Any
folders do: ``Actor_NN/``, or those of the published archives above them. Odd actors are men. The speech holds one
recording under two names, of which the first is kept.
"""

import re
from pathlib import Path

import numpy as np

from emotion_recognition.datasets.clips import Clip, Extent
from emotion_recognition.datasets.reading import read_sound
from emotion_recognition.datasets.scanning import SOUND_SUFFIXES, VIDEO_SUFFIXES, Layout, scan
from emotion_recognition.emotions import CLASS_IDS, FEARFUL

NAME = "ravdess"
ACTORS = 24
WITHOUT_SONG = 18
SPEECH_CLIPS = 60  # of each actor
SONG_CLIPS = 44
_MODALITIES = {1: "audio-visual", 2: "video", 3: "audio"}
_CHANNELS = {1: "speech", 2: "song"}
_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)")


def parse(path: Path) -> Clip | None:
    """Return the clip a file name tells, None if it is not named as RAVDESS's.

    Raises:
        ValueError: a number in the name is out of its range.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    modality, channel, emotion, intensity, statement, repetition, actor = map(int, match.groups())
    ranges = {
        "modality": (modality, len(_MODALITIES)), "channel": (channel, len(_CHANNELS)),
        "emotion": (emotion, FEARFUL if channel == 2 else len(CLASS_IDS)), "intensity": (intensity, 2),
        "statement": (statement, 2), "repetition": (repetition, 2), "actor": (actor, ACTORS),
    }  # fmt: skip
    for what, (value, most) in ranges.items():
        if not 1 <= value <= most:
            raise ValueError(f"{what} {value:02d} in its name, expected 01 to {most:02d}; rename or remove it")
    kind = _MODALITIES[modality]
    if path.suffix.lower() not in (SOUND_SUFFIXES if kind == "audio" else VIDEO_SUFFIXES):
        return None
    return Clip(
        path.stem, path, NAME, emotion, actor, kind, _CHANNELS[channel], intensity, match.group(5), repetition,
        sex="male" if actor % 2 else "female",
    )  # fmt: skip


def extent(modality: str, channel: str) -> Extent:
    """Return the published set: 60 spoken clips an actor, 44 sung ones but of actor 18, in each modality."""
    del modality
    actors = range(1, ACTORS + 1)
    if channel == "song":
        singers = tuple(actor for actor in actors if actor != WITHOUT_SONG)
        return Extent(singers, SONG_CLIPS * len(singers))
    return Extent(tuple(actors), SPEECH_CLIPS * ACTORS + (SONG_CLIPS * (ACTORS - 1) if channel == "all" else 0))


LAYOUT = Layout(
    NAME,
    "RAVDESS",
    {
        "audio": "Actor_NN/03-CC-EE-II-SS-RR-AA.wav or .flac",
        "video": "Actor_NN/02-CC-EE-II-SS-RR-AA.mp4",
        "audio-visual": "Actor_NN/01-CC-EE-II-SS-RR-AA.mp4",
    },
    parse,
    extent,
)


def find_clips(folder: Path | str) -> list[Clip]:
    """Return the clips of speech as sound alone below a folder in the order of their names, without copies.

    Raises:
        CorpusError: see :func:`emotion_recognition.datasets.scanning.scan`.
    """
    return list(scan(folder, LAYOUT).clips)


def read_clip(clip: Clip, rate: int = 16000) -> np.ndarray:
    """Return a clip's sound; see :func:`emotion_recognition.datasets.reading.read_sound`."""
    return read_sound(clip, rate)
