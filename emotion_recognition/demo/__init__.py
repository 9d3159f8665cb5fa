"""The demonstration: a bundled recording, its player, the terminal display and the timeline picture."""

from pathlib import Path

RECORDING = Path(__file__).resolve().parent / "recording.mkv"

__all__ = ["RECORDING"]
