"""One line of diagnostics as plain data, after diagnostic_msgs/DiagnosticStatus."""

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How well; the numbers are those of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


@dataclass(frozen=True)
class Status:
    """How one thing is doing.

    Attributes:
        name: what it is.
        level: how well it is doing.
        message: why, in a few words.
        values: keys, each with its unit in brackets where it has one, and values as text.
        hardware_id: ``frame_id`` of the sensor it is about; empty for none.
    """

    name: str
    level: Level
    message: str
    values: tuple[tuple[str, str], ...] = ()
    hardware_id: str = ""
