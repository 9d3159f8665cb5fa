"""From a face's crops and from a window's MFCCs to class probabilities."""

from emotion_recognition.classifiers.classification import Classification
from emotion_recognition.classifiers.speech import SpeechClassifier
from emotion_recognition.classifiers.visual import VisualClassifier

__all__ = ["Classification", "SpeechClassifier", "VisualClassifier"]
