"""Parameters of the nodes, declared once in parameters.yaml."""

from emotion_recognition.parameters.declarations import (
    NODES,
    PERCEPTION,
    Declaration,
    ParameterError,
    all_declarations,
    checked,
    declarations,
    defaults,
)
from emotion_recognition.parameters.documents import markdown_table, parameter_file

__all__ = [
    "NODES",
    "PERCEPTION",
    "Declaration",
    "ParameterError",
    "all_declarations",
    "checked",
    "declarations",
    "defaults",
    "markdown_table",
    "parameter_file",
]
