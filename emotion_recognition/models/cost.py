"""What a network costs: parameters, and multiply-accumulates by the counter that gives the paper's figures.

Counted are convolutions and matrix products, one operation per multiply-accumulate (torch's counter), and batch norm in
evaluation mode, two operations per element (scale and shift), as fvcore's counter does
(https://github.com/facebookresearch/fvcore). The paper's 0.773 G are 15 frames of 224x224 through F4 and one vector
through S2. Activations, pooling and sums are not counted.

``python -m emotion_recognition.models.cost`` writes every model's figures to ``costs.json`` beside this file, where
they are read without torch (``evaluation.report`` and ``roofline`` do). There each part of a model, as it is exported,
has what ``models.formulas`` gives for its layers beside what was counted while it ran.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from emotion_recognition.models import formulas
from emotion_recognition.models.configurations import (
    CLASSES,
    COEFFICIENTS,
    CONFIGURATIONS,
    FaceConfiguration,
    configuration,
)
from emotion_recognition.models.factory import create_model
from emotion_recognition.models.formulas import BATCH_NORM_OPERATIONS, Cost
from emotion_recognition.models.speech_cnn import ElementPReLU

FILE = Path(__file__).parent / "costs.json"
COUNTER = "MACs of convolutions and matrix products, batch norm 2 an element; 15 frames, one window of speech"
FRAMES = 15
# Columns of a 3 s window: 1 + 48000 / 512.
WINDOW_COLUMNS = 94
TRAFFIC = "values that convolutions and matrix products read, parameters aside, and write, each once"
_PRODUCTS = {
    torch.ops.aten.convolution,
    torch.ops.aten.addmm,
    torch.ops.aten.mm,
    torch.ops.aten.bmm,
    torch.ops.aten.baddbmm,
}


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
    network = create_model(name, classes, **(readings or {})).eval()
    macs, batch_norm = count_operations(network, _example(name, frames, columns))
    return Cost(count_parameters(name, classes, readings), macs, batch_norm)


def _example(name: str, frames: int, columns: int) -> torch.Tensor:
    found = configuration(name)
    if isinstance(found, FaceConfiguration):
        return torch.zeros(1, frames, 3, found.size, found.size)
    return torch.zeros((1, COEFFICIENTS, columns) if found.reads_matrix else (1, COEFFICIENTS))


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


def count_by_formula(network: nn.Module, example: torch.Tensor) -> Cost:
    """Return the cost of a network's layers by :mod:`~emotion_recognition.models.formulas`.

    Products of fixed matrices are no layers and not in it.

    Raises:
        ValueError: a layer with parameters for which there is no formula.
    """
    found = Cost(0, 0, 0)

    def add(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal found
        found += _by_formula(module, output)

    layers = [module for module in network.modules() if any(True for _ in module.parameters(recurse=False))]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    try:
        with torch.no_grad():
            network(example)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _by_formula(layer: nn.Module, output: torch.Tensor) -> Cost:
    if isinstance(layer, nn.Conv1d | nn.Conv2d):
        positions = output.numel() // layer.out_channels
        return formulas.convolution(
            layer.in_channels, layer.out_channels, layer.kernel_size, positions, layer.groups, layer.bias is not None
        )
    if isinstance(layer, nn.Linear):
        rows = output.numel() // layer.out_features
        return formulas.linear(layer.in_features, layer.out_features, rows, layer.bias is not None)
    if isinstance(layer, nn.modules.batchnorm._BatchNorm):
        return formulas.batch_norm(layer.num_features, output.numel() // layer.num_features)
    if isinstance(layer, ElementPReLU | nn.PReLU):
        return formulas.prelu(layer.weight.numel())
    raise ValueError(f"no formula for a layer {type(layer).__name__}; expected one of those in models.formulas")


def count_activations(network: nn.Module, example: torch.Tensor) -> int:
    """Return the values that convolutions and matrix products read, parameters aside, and write, each once.

    Whatever lies between them (batch norm, activations, gates, pooling, sums) is taken as done on the way.
    """
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    count = 0

    class Count(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            nonlocal count
            output = function(*args, **(kwargs or {}))
            if function.overloadpacket in _PRODUCTS:
                read = [one for one in args if isinstance(one, torch.Tensor)]
                read = [one for one in read if one.untyped_storage().data_ptr() not in weights]
                count += sum(one.numel() for one in read) + output.numel()
            return output

    with torch.no_grad(), Count():
        network(example)
    return count


def part_costs(name: str) -> dict[str, dict[str, Any]]:
    """Return what each part of a model costs: ``backbone`` for one frame, ``fan`` for a clip, ``speech`` for a window.

    Returns:
        By part: ``parameters``, ``macs``, ``batch_norm`` as counted while it ran, ``activations`` (see
        :func:`count_activations`), and under ``formula`` the first three by :func:`count_by_formula`.
    """
    found = configuration(name)
    network = create_model(name).eval()
    if isinstance(found, FaceConfiguration):
        example = _example(name, 1, WINDOW_COLUMNS)[0]
        parts = {"backbone": (network.backbone, example), "fan": (network.fan, torch.zeros(1, FRAMES, found.embedding))}
    else:
        parts = {"speech": (network, _example(name, FRAMES, WINDOW_COLUMNS))}
    return {part: _part_cost(*given) for part, given in parts.items()}


def _part_cost(network: nn.Module, example: torch.Tensor) -> dict[str, Any]:
    counted = Cost(sum(parameter.numel() for parameter in network.parameters()), *count_operations(network, example))
    by_formula = count_by_formula(network, example)
    return {**asdict(counted), "activations": count_activations(network, example), "formula": asdict(by_formula)}


def all_costs() -> dict[str, dict[str, int]]:
    """Return ``parameters`` and ``operations`` of every model by its own name, for 8 classes."""
    found = {name: cost(name) for name in CONFIGURATIONS}
    return {name: {"parameters": one.parameters, "operations": one.operations} for name, one in found.items()}


def committed() -> dict[str, Any]:
    """Return what ``costs.json`` should hold."""
    parts = {name: part_costs(name) for name in CONFIGURATIONS}
    return {"counter": COUNTER, "models": all_costs(), "traffic": TRAFFIC, "frames": FRAMES, "parts": parts}


if __name__ == "__main__":
    FILE.write_text(json.dumps(committed(), indent=1) + "\n", encoding="utf-8")
