"""CREMA-D: 91 actors, 12 sentences, six emotions, as sound and as video with sound.

H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova and R. Verma, "CREMA-D: Crowd-sourced Emotional Multimodal
Actors Dataset", IEEE Transactions on Affective Computing 5(4), 2014, https://doi.org/10.1109/TAFFC.2014.2336244; data
at https://github.com/CheyneyComputerScience/CREMA-D, Open Database License. ``AudioWAV/1001_DFA_ANG_XX.wav``,
``VideoFlash/1001_DFA_ANG_XX.flv``; ``.mp4`` files of the same names serve as well. The class is the emotion the actor
was asked for. ``1076_MTI_SAD_XX`` has no sound.
"""

import re
from pathlib import Path

from emotion_recognition.datasets.clips import Clip, Extent
from emotion_recognition.datasets.scanning import SOUND_SUFFIXES, Layout
from emotion_recognition.emotions import ANGRY, DISGUST, FEARFUL, HAPPY, NEUTRAL, SAD

NAME = "cremad"
ACTORS = (1001, 1091)
CLIPS = 7442
EMOTIONS = {"ANG": ANGRY, "DIS": DISGUST, "FEA": FEARFUL, "HAP": HAPPY, "NEU": NEUTRAL, "SAD": SAD}
LEVELS = {"XX": 0, "X": 0, "LO": 1, "MD": 2, "HI": 3}
SENTENCES = ("DFA", "IEO", "IOM", "ITH", "ITS", "IWL", "IWW", "MTI", "TAI", "TIE", "TSI", "WSI")
_NAME = re.compile(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_([A-Z]{1,2})")


def parse(path: Path) -> Clip | None:
    """Return the clip a file name tells, None if it is not named as CREMA-D's.

    Raises:
        ValueError: the name holds an actor, sentence, emotion or level that the set does not have.
    """
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return None
    actor, (sentence, emotion, level) = int(match.group(1)), match.groups()[1:]
    if not ACTORS[0] <= actor <= ACTORS[1]:
        raise ValueError(f"actor {actor} in its name, expected {ACTORS[0]} to {ACTORS[1]}; rename or remove it")
    for what, value, known in (
        ("sentence", sentence, SENTENCES), ("emotion", emotion, EMOTIONS), ("level", level, LEVELS),
    ):  # fmt: skip
        if value not in known:
            raise ValueError(f"{what} {value} in its name, expected one of {', '.join(known)}; rename or remove it")
    kind = "audio" if path.suffix.lower() in SOUND_SUFFIXES else "audio-visual"
    return Clip(path.stem, path, NAME, EMOTIONS[emotion], actor, kind, "speech", LEVELS[level], sentence)


def extent(modality: str, channel: str) -> Extent:
    """Return the published set, the same in every modality."""
    del modality, channel
    return Extent(tuple(range(ACTORS[0], ACTORS[1] + 1)), CLIPS)


_VIDEO = "VideoFlash/1001_DFA_ANG_XX.flv or .mp4"
LAYOUT = Layout(
    NAME,
    "CREMA-D",
    {"audio": "AudioWAV/1001_DFA_ANG_XX.wav", "video": _VIDEO, "audio-visual": _VIDEO},
    parse,
    extent,
    holds={"video": "audio-visual"},
)
