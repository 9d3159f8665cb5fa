"""How a node is doing: counted as it works, judged once a second, without ROS. docs/DIAGNOSTICS.md has the table."""

from emotion_recognition.diagnostics.counting import PERIODS, InputCounts, Monitor, OutputCounts
from emotion_recognition.diagnostics.judging import ERROR_HOLD_S, NodeFacts, input_status, node_status
from emotion_recognition.diagnostics.memory import resident_mib
from emotion_recognition.diagnostics.status import Level, Status

__all__ = [
    "ERROR_HOLD_S",
    "PERIODS",
    "InputCounts",
    "Level",
    "Monitor",
    "NodeFacts",
    "OutputCounts",
    "Status",
    "input_status",
    "node_status",
    "resident_mib",
]
