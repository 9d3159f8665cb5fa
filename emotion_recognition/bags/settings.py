"""Parameters of the nodes for an evaluation: defaults, and those of a ROS parameter file."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from emotion_recognition.engines import load_metadata
from emotion_recognition.parameters import PERCEPTION, ParameterError, all_declarations, checked, declarations
from emotion_recognition.weights import face_sidecar, speech_sidecar

_ROS = "ros__parameters"
# Of rclpy itself.
_OTHERS = ("use_sim_time", "qos_overrides")


def read_parameters(path: Path | None) -> dict[str, dict[str, Any]]:
    """Return every perception node's parameters: those of a ROS parameter file, checked, and defaults for the rest.

    A key of the file may be ``/**``, a name of a node, or either within a namespace; of several that address a node the
    more special wins, as in ROS.

    Raises:
        ParameterError: the file is no parameter file, or a value is not allowed.
        OSError: the file cannot be read.
    """
    given: dict[str, dict[str, Any]] = {node: {} for node in PERCEPTION}
    if path is not None:
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ParameterError(f"{path}: {error}; expected a ROS parameter file") from error
        for node in PERCEPTION:
            given[node] = _for_node(path, document, node)
    found = {}
    for node, values in given.items():
        try:
            found[node] = checked(node, values)
        except ParameterError as error:
            raise ParameterError(f"{path}: {node}: {error}") from error
    return found


def models_named(parameters: Mapping[str, Mapping[str, Any]], streams: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return name and weights of the model of each stream, ``face`` or ``speech``, that the parameters name.

    Raises:
        ModelError: a sidecar cannot be read.
    """
    sidecars = {
        "face": lambda: face_sidecar(parameters["visual_classifier"]["face_model"]),
        "speech": lambda: speech_sidecar(parameters["speech_classifier"]["speech_model"]),
    }
    found = {stream: load_metadata(sidecars[stream]()) for stream in streams}
    return {stream: {"name": one.name, "weights": one.weights_sha256} for stream, one in found.items()}


def flat(parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the parameters of all nodes by name; where two nodes differ, by ``node.name``."""
    out: dict[str, Any] = {}
    for name in all_declarations():
        values = {node: found[name] for node, found in parameters.items() if name in found}
        if len({repr(value) for value in values.values()}) == 1:
            out[name] = next(iter(values.values()))
        else:
            out.update({f"{node}.{name}": value for node, value in values.items()})
    return out


def _for_node(path: Path, document: Any, node: str) -> dict[str, Any]:
    if document is not None and not isinstance(document, Mapping):
        raise ParameterError(f"{path}: holds {type(document).__name__}, expected a ROS parameter file")
    special: list[tuple[int, Mapping[str, Any]]] = []
    for key, value in (document or {}).items():
        name = str(key).rstrip("/").rpartition("/")[2]
        if name not in ("**", "*", node):
            continue
        if not isinstance(value, Mapping) or not isinstance(value.get(_ROS), Mapping):
            raise ParameterError(f"{path}: {key} has no {_ROS}; expected a ROS parameter file")
        special.append((name == node, value[_ROS]))
    out: dict[str, Any] = {}
    for named, values in sorted(special, key=lambda pair: pair[0]):
        for name, value in values.items():
            if name in declarations(node):
                out[name] = value
            elif named and not name.startswith(_OTHERS) and name not in all_declarations():
                raise ParameterError(f"{path}: {node} has no parameter {name}; it has {', '.join(declarations(node))}")
    return out
