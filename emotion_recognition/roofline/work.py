"""What the parts of the two pairs of models have to compute and to move, from the committed costs.

Bytes are float32: each parameter once, and what convolutions and matrix products read and write, each once. What lies
between them (activations, gates, pooling, sums) is taken as done on the way, and no value is read twice: the least that
a processor whose cache holds no whole layer has to move.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from emotion_recognition.models.formulas import Cost
from emotion_recognition.weights import face_sidecar, speech_sidecar

COSTS = Path(__file__).parents[1] / "models" / "costs.json"
VALUE_BYTES = 4
PAIRS = {"paper": "paper", "default": ""}  # what the sidecar functions call them


class Count(str, Enum):
    """What an operation is."""

    flop = "flop"
    paper = "paper"


COUNTED = {
    Count.flop: "two operations a multiply-accumulate, as boards' peaks have it; batch norm folded, as exported",
    Count.paper: "one operation a multiply-accumulate, batch norm two an element, as in the paper's 0.773 G",
}
# What runs, in words; the frames are those of a clip.
PARTS = {
    "backbone": "backbone, one frame",
    "fan": "attention, {frames} frames",
    "speech": "speech, one window",
    "decision": "decision, {frames} frames",
    "decision_new_frame": "decision, one new frame",
}
MOVED = "float32: parameters once, and what convolutions and matrix products read and write, each once"


@dataclass(frozen=True)
class Work:
    """What one run of a part has to compute and to move.

    Attributes:
        pair: ``paper`` or ``default``.
        part: key of :data:`PARTS`. ``decision`` is face and voice, with all frames of a clip; for
            ``decision_new_frame`` the embeddings of all but the newest are kept, as the nodes keep them.
        title: part in words.
        model: its name, both with a plus for a decision.
        measured: parameters and operations as torch counts them while it runs.
        formula: the same by ``models.formulas``, layer by layer.
        activations: values that convolutions and matrix products read and write.
    """

    pair: str
    part: str
    title: str
    model: str
    measured: Cost
    formula: Cost
    activations: int

    @property
    def weight_bytes(self) -> int:
        """Bytes of the parameters."""
        return VALUE_BYTES * self.measured.parameters

    @property
    def activation_bytes(self) -> int:
        """Bytes read and written between the layers."""
        return VALUE_BYTES * self.activations

    @property
    def moved_bytes(self) -> int:
        """All bytes."""
        return self.weight_bytes + self.activation_bytes

    def operations(self, count: Count = Count.flop) -> int:
        """Return the operations as :data:`COUNTED` says."""
        return 2 * self.measured.macs if count is Count.flop else self.measured.operations

    def intensity(self, count: Count = Count.flop) -> float:
        """Return the operations a byte."""
        return self.operations(count) / self.moved_bytes

    def times(self, frames: int) -> Work:
        """Return the work of that many frames together: operations and activations grow, parameters are read once."""
        costs = (
            Cost(one.parameters, frames * one.macs, frames * one.batch_norm) for one in (self.measured, self.formula)
        )
        return Work(self.pair, self.part, self.title, self.model, *costs, frames * self.activations)

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dictionary that JSON can hold."""
        return {
            "pair": self.pair,
            "part": self.part,
            "title": self.title,
            "model": self.model,
            "parameters": self.measured.parameters,
            "parameters_by_formula": self.formula.parameters,
            "macs": self.measured.macs,
            "macs_by_formula": self.formula.macs,
            "batch_norm": self.measured.batch_norm,
            "batch_norm_by_formula": self.formula.batch_norm,
            "gflop": self.operations(Count.flop) / 1e9,
            "gops_paper": self.operations(Count.paper) / 1e9,
            "gops_paper_by_formula": self.formula.operations / 1e9,
            "weight_bytes": self.weight_bytes,
            "activation_bytes": self.activation_bytes,
            "intensity": self.intensity(Count.flop),
            "intensity_paper": self.intensity(Count.paper),
        }


def workloads(costs: Path | str = COSTS) -> list[Work]:
    """Return the work of every part of the paper's pair of models and of the robot's default, and of a decision.

    Args:
        costs: file that ``python -m emotion_recognition.models.cost`` wrote.

    Raises:
        ValueError: the file is not that, or has no entry for one of the models.
    """
    try:
        found = json.loads(Path(costs).read_text(encoding="utf-8"))
        return [work for pair, name in PAIRS.items() for work in _pair(pair, name, found)]
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as problem:
        raise ValueError(
            f"{costs}: no costs of the models' parts ({type(problem).__name__}: {problem}); "
            "write it anew with: python -m emotion_recognition.models.cost"
        ) from None


def _pair(pair: str, name: str, costs: dict[str, Any]) -> list[Work]:
    face, speech = (_architecture(find(name)) for find in (face_sidecar, speech_sidecar))
    frames = costs["frames"]

    def work(part: str, model: str) -> Work:
        one = costs["parts"][model][part]
        measured = Cost(one["parameters"], one["macs"], one["batch_norm"])
        title = PARTS[part].format(frames=frames)
        return Work(pair, part, title, model, measured, Cost(**one["formula"]), one["activations"])

    def together(part: str, *works: Work) -> Work:
        zero = Cost(0, 0, 0)
        return Work(
            pair,
            part,
            PARTS[part].format(frames=frames),
            f"{face} + {speech}",
            sum((one.measured for one in works), zero),
            sum((one.formula for one in works), zero),
            sum(one.activations for one in works),
        )

    backbone, fan, voice = work("backbone", face), work("fan", face), work("speech", speech)
    return [
        backbone,
        fan,
        voice,
        together("decision", backbone.times(frames), fan, voice),
        together("decision_new_frame", backbone, fan, voice),
    ]


def _architecture(sidecar: Path) -> str:
    return json.loads(sidecar.read_text(encoding="utf-8"))["architecture"]
