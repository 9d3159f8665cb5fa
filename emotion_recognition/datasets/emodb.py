"""EMO-DB: 10 actors, 10 German sentences, six emotions and neutral, as sound.

F. Burkhardt, A. Paeschke, M. Rolfes, W. F. Sendlmeier and B. Weiss, "A Database of German Emotional Speech",
Interspeech 2005, https://doi.org/10.21437/Interspeech.2005-446. A file name, ``03a01Fa``, holds speaker, text, emotion
(the initial of its German name) and version. Boredom is none of our classes and left out.
"""

import re
from pathlib import Path

from emotion_recognition.datasets.clips import Clip, Extent
from emotion_recognition.datasets.scanning import SOUND_SUFFIXES, Layout
from emotion_recognition.emotions import ANGRY, DISGUST, FEARFUL, HAPPY, NEUTRAL, SAD, UNKNOWN

NAME = "emodb"
WOMEN = (8, 9, 13, 14, 16)
ACTORS = (3, 8, 9, 10, 11, 12, 13, 14, 15, 16)
CLIPS = 535
EMOTIONS = {"W": ANGRY, "L": UNKNOWN, "E": DISGUST, "A": FEARFUL, "F": HAPPY, "T": SAD, "N": NEUTRAL}
_NAME = re.compile(r"(\d\d)([ab]\d\d)([A-Z])([a-z]?)")


def parse(path: Path) -> Clip | None:
    """Return the clip a file name tells, of class id 0 for boredom; None if it is not named as EMO-DB's.

    Raises:
        ValueError: the name holds a speaker or an emotion that the set does not have.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None or path.suffix.lower() not in SOUND_SUFFIXES:
        return None
    actor, (text, emotion, version) = int(match.group(1)), match.groups()[1:]
    if actor not in ACTORS:
        raise ValueError(f"speaker {actor:02d} in its name, expected one of {ACTORS}; rename or remove it")
    if emotion not in EMOTIONS:
        raise ValueError(f"emotion {emotion} in its name, expected one of {', '.join(EMOTIONS)}; rename or remove it")
    repetition = ord(version) - ord("a") + 1 if version else 1
    sex = "female" if actor in WOMEN else "male"
    return Clip(path.stem, path, NAME, EMOTIONS[emotion], actor, statement=text, repetition=repetition, sex=sex)


def extent(modality: str, channel: str) -> Extent:
    """Return the published set, boredom included."""
    del modality, channel
    return Extent(ACTORS, CLIPS)


_SOUND_ONLY = "03a01Fa.wav or .flac (it has sound alone)"
LAYOUT = Layout(
    NAME,
    "EMO-DB",
    {"audio": "03a01Fa.wav or .flac", "video": _SOUND_ONLY, "audio-visual": _SOUND_ONLY},
    parse,
    extent,
)
