"""What each perception node does with what it receives, without ROS; the nodes and the evaluation of bags share it.

Parameters are those of the node of the same work, as :func:`emotion_recognition.parameters.checked` returns them.
"""

from emotion_recognition.chain.decisions import FusionStep
from emotion_recognition.chain.detection import DetectionStep, FrameFaces, face_detector, face_pipeline
from emotion_recognition.chain.errors import LeftOut
from emotion_recognition.chain.face import Face, FaceStep, visual_classifier
from emotion_recognition.chain.sound import SoundStep, audio_pipeline
from emotion_recognition.chain.speech import SpeechStep, speech_classifier

__all__ = [
    "DetectionStep",
    "Face",
    "FaceStep",
    "FrameFaces",
    "FusionStep",
    "LeftOut",
    "SoundStep",
    "SpeechStep",
    "audio_pipeline",
    "face_detector",
    "face_pipeline",
    "speech_classifier",
    "visual_classifier",
]
