"""Parameters of the nodes: read from the one declaration file, checked, and written out for people."""

import math
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import yaml

from emotion_recognition.pinning import BIG, PinningError, parse_cores

PERCEPTION = ("face_detector", "mfcc_extractor", "visual_classifier", "speech_classifier", "fusion")
NODES = (*PERCEPTION, "media_source")
LOWEST_SAMPLE_RATE = 4000
TYPES = {"bool": bool, "integer": int, "double": float, "string": str}
Value = bool | int | float | str


class ParameterError(ValueError):
    """A parameter's value is not allowed; the message names it, its value and what is allowed."""


@dataclass(frozen=True)
class Declaration:
    """One parameter: its name, type, default, meaning and limits (inclusive), and the nodes that have it."""

    name: str
    type: str
    default: Value
    description: str
    nodes: tuple[str, ...]
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    one_of: tuple[Value, ...] = ()

    @property
    def allowed(self) -> str:
        """What is allowed, in words: ``double from 0.5 to 30.0 s``."""
        unit = f" {self.unit}" if self.unit else ""
        if self.one_of:
            return "one of " + ", ".join(str(value) for value in self.one_of)
        if self.minimum is not None:
            return f"{self.type} from {self.minimum} to {self.maximum}{unit}"
        return f"{self.type}{unit}"

    def check(self, value: object) -> Value:
        """Return the value, an integer made double where a double is due.

        Raises:
            ParameterError: wrong type, not finite, out of range or not one of the allowed values.
        """
        if self.type == "double" and type(value) is int:
            value = float(value)
        good = type(value) is TYPES[self.type]
        if good and self.type in ("integer", "double"):
            low = -math.inf if self.minimum is None else self.minimum
            high = math.inf if self.maximum is None else self.maximum
            good = math.isfinite(value) and low <= value <= high
        if good and self.one_of:
            good = value in self.one_of
        if not good:
            raise ParameterError(f"parameter {self.name} is {value!r}; expected {self.allowed}")
        return value


@lru_cache(maxsize=1)
def all_declarations() -> dict[str, Declaration]:
    """Return every declared parameter by name, in the file's order; defaults are checked."""
    text = resources.files(__package__).joinpath("parameters.yaml").read_text(encoding="utf-8")
    found = {}
    for name, fields in yaml.safe_load(text).items():
        nodes = fields.pop("nodes")
        fields["nodes"] = NODES if nodes == ["all"] else tuple(nodes)
        fields["one_of"] = tuple(fields.get("one_of", ()))
        declaration = Declaration(name=name, **fields)
        declaration.check(declaration.default)
        found[name] = declaration
    return found


def declarations(node: str) -> dict[str, Declaration]:
    """Return the parameters of one node by name.

    Raises:
        KeyError: there is no such node.
    """
    if node not in NODES:
        raise KeyError(f"no node '{node}'; nodes: {', '.join(NODES)}")
    return {name: found for name, found in all_declarations().items() if node in found.nodes}


def defaults(node: str) -> dict[str, Value]:
    """Return the default of every parameter of one node."""
    return {name: found.default for name, found in declarations(node).items()}


def check_cpus(value: str) -> None:
    """Check how the parameter ``cpus`` is written; whether there are such cores is for the node to find out.

    Raises:
        ParameterError: it is not a list of cores, ``big`` or empty.
    """
    if value.strip() in ("", BIG):
        return
    try:
        parse_cores(value)
    except PinningError as error:
        raise ParameterError(f"parameter {error}") from error


def checked(node: str, values: dict[str, object]) -> dict[str, Value]:
    """Return a whole set of parameters for a node: the given values, checked, and defaults for the rest.

    Raises:
        ParameterError: a value is not allowed, the node has no such parameter, or two of them contradict each other.
    """
    known = declarations(node)
    for name in values:
        if name not in known:
            raise ParameterError(f"{node} has no parameter {name}; it has {', '.join(known)}")
    result = {name: found.check(values.get(name, found.default)) for name, found in known.items()}
    if "min_window" in result and result["min_window"] > result["window"]:
        raise ParameterError(
            f"parameter min_window is {result['min_window']} s; expected at most window, {result['window']} s"
        )
    if 0 < result.get("sample_rate", 0) < LOWEST_SAMPLE_RATE:
        raise ParameterError(
            f"parameter sample_rate is {result['sample_rate']}; expected 0 or at least {LOWEST_SAMPLE_RATE} Hz"
        )
    check_cpus(result["cpus"])
    return result
