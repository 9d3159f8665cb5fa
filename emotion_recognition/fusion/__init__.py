"""One decision a person, from face and voice."""

from emotion_recognition.fusion.affect import valence_arousal
from emotion_recognition.fusion.decision import decide
from emotion_recognition.fusion.fusion import VOICE_PERSON, Fusion, FusionSettings
from emotion_recognition.fusion.means import arithmetic_mean, geometric_mean, to_common, transfer
from emotion_recognition.fusion.missing import name_missing
from emotion_recognition.fusion.smoothing import Smoother
from emotion_recognition.fusion.steadiness import Steadiness

__all__ = [
    "VOICE_PERSON",
    "Fusion",
    "FusionSettings",
    "Smoother",
    "Steadiness",
    "arithmetic_mean",
    "decide",
    "geometric_mean",
    "name_missing",
    "to_common",
    "transfer",
    "valence_arousal",
]
