"""The shipped model files: paths of their sidecars. Each file's licence lies beside it."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
# What the nodes load unless a parameter names another.
FACE = _HERE / "resnet-fan_fer2013.json"
SPEECH = _HERE / "speech-resnet_ravdess.json"
# The paper's architecture.
PAPER_FACE = _HERE / "ghostnet-tam-fan_fer2013.json"
PAPER_SPEECH = _HERE / "speech-cnn-s2_ravdess.json"

PAPER = "paper"
SHIPPED = {path.stem: path for path in (FACE, SPEECH, PAPER_FACE, PAPER_SPEECH)}


def face_sidecar(name: str = "") -> Path:
    """Return the sidecar that a name stands for: the default's if empty, the paper's for ``paper``, else that file."""
    return {"": FACE, PAPER: PAPER_FACE}.get(name) or Path(name)


def speech_sidecar(name: str = "") -> Path:
    """Return the sidecar that a name stands for, as :func:`face_sidecar` does."""
    return {"": SPEECH, PAPER: PAPER_SPEECH}.get(name) or Path(name)


__all__ = ["FACE", "PAPER_FACE", "PAPER_SPEECH", "SHIPPED", "SPEECH", "face_sidecar", "speech_sidecar"]
