"""What a network costs: parameters, and multiply-accumulates by the counter that gives the paper's figures.

Counted are convolutions and matrix products, one operation per multiply-accumulate (torch's counter), and batch norm in
evaluation mode, two operations per element (scale and shift), as fvcore's counter does
(https://github.com/facebookresearch/fvcore). The paper's 0.773 G are 15 frames of 224x224 through F4 and one vector
through S2. Activations, pooling and sums are not counted.

``python -m emotion_recognition.models.cost`` writes every model's figures to ``costs.json`` beside this file, where
they are read without torch (``evaluation.report`` does).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from emotion_recognition.models.configurations import (
    CLASSES,
    COEFFICIENTS,
    CONFIGURATIONS,
    FaceConfiguration,
    configuration,
)
from emotion_recognition.models.factory import create_model

FILE = Path(__file__).parent / "costs.json"
COUNTER = "MACs of convolutions and matrix products, batch norm 2 an element; 15 frames, one window of speech"
FRAMES = 15
# Columns of a 3 s window: 1 + 48000 / 512.
WINDOW_COLUMNS = 94
BATCH_NORM_OPERATIONS = 2


@dataclass(frozen=True)
class Cost:
    """Of one decision: those of convolutions and matrix products, of batch norm, and the parameters."""

    parameters: int
    macs: int
    batch_norm: int

    @property
    def operations(self) -> int:
        """Everything that the paper's counter counts."""
        return self.macs + self.batch_norm


def count_parameters(name: str, classes: int = CLASSES, readings: Mapping[str, Any] | None = None) -> int:
    """Return the trainable parameters of a model by its own or the paper's name."""
    return sum(parameter.numel() for parameter in create_model(name, classes, **(readings or {})).parameters())


def count_macs(name: str, classes: int = CLASSES, readings: Mapping[str, Any] | None = None) -> int:
    """Return the operations of one decision of a model, see :func:`cost`."""
    return cost(name, classes, readings=readings).operations


def cost(
    name: str,
    classes: int = CLASSES,
    frames: int = FRAMES,
    columns: int = WINDOW_COLUMNS,
    readings: Mapping[str, Any] | None = None,
) -> Cost:
    """Return what one decision of a model costs.

    Args:
        name: of a model, its own or the paper's.
        classes: number of classes.
        frames: of a clip, for a face model; its frames have the side its configuration names.
        columns: MFCC frames of a window, for a speech model that reads the matrix.
        readings: of the paper's open points, see ``configurations.READINGS``.

    Raises:
        ValueError: no model of that name, or no such reading.
    """
    found = configuration(name)
    network = create_model(name, classes, **(readings or {})).eval()
    if isinstance(found, FaceConfiguration):
        example = torch.zeros(1, frames, 3, found.size, found.size)
    elif found.reads_matrix:
        example = torch.zeros(1, COEFFICIENTS, columns)
    else:
        example = torch.zeros(1, COEFFICIENTS)
    macs, batch_norm = count_operations(network, example)
    return Cost(count_parameters(name, classes, readings), macs, batch_norm)


def count_operations(network: nn.Module, example: torch.Tensor) -> tuple[int, int]:
    """Return the multiply-accumulates of convolutions and matrix products, and the operations of batch norm."""
    elements = 0

    def add(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal elements
        elements += output.numel()

    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    hooks = [norm.register_forward_hook(add) for norm in norms]
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(example)
    finally:
        for hook in hooks:
            hook.remove()
    # torch counts a multiply-accumulate as two operations.
    return counter.get_total_flops() // 2, elements * BATCH_NORM_OPERATIONS


def all_costs() -> dict[str, dict[str, int]]:
    """Return ``parameters`` and ``operations`` of every model by its own name, for 8 classes."""
    found = {name: cost(name) for name in CONFIGURATIONS}
    return {name: {"parameters": one.parameters, "operations": one.operations} for name, one in found.items()}


if __name__ == "__main__":
    FILE.write_text(json.dumps({"counter": COUNTER, "models": all_costs()}, indent=1) + "\n", encoding="utf-8")
