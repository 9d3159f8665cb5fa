"""The robot's inference path on an emulated aarch64 processor, compared with this one's.

``python -m emotion_recognition.emulation`` sets everything up in a folder and compares; see ``docs/BOARDS.md``.
"""

from emotion_recognition.emulation.differences import LIMIT, Difference, compare, table, worst
from emotion_recognition.emulation.system import EmulationError

__all__ = ["LIMIT", "Difference", "EmulationError", "compare", "table", "worst"]
