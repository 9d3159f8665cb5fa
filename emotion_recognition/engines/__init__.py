"""Model files and the engines that run them."""

from emotion_recognition.engines.errors import ModelError
from emotion_recognition.engines.preprocessing import FacePreprocessing, SpeechPreprocessing
from emotion_recognition.engines.weights import ModelMetadata, load_metadata, verify_files

__all__ = [
    "FacePreprocessing",
    "ModelError",
    "ModelMetadata",
    "SpeechPreprocessing",
    "load_metadata",
    "verify_files",
]
