"""Model files and the engines that run them."""

from emotion_recognition.engines.errors import ModelError
from emotion_recognition.engines.network import ENGINES, Network, installed_engines, load_network
from emotion_recognition.engines.preprocessing import FacePreprocessing, SpeechPreprocessing
from emotion_recognition.engines.weights import ModelMetadata, load_metadata, verify_files

__all__ = [
    "ENGINES",
    "FacePreprocessing",
    "ModelError",
    "ModelMetadata",
    "Network",
    "SpeechPreprocessing",
    "installed_engines",
    "load_metadata",
    "load_network",
    "verify_files",
]
