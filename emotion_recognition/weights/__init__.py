"""The shipped model files: paths of their sidecars. Each file's licence lies beside it."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
FACE = _HERE / "face_fer2013.json"
SPEECH = _HERE / "speech_ravdess.json"

__all__ = ["FACE", "SPEECH"]
