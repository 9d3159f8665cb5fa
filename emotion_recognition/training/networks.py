"""The untrained network that every training starts from, and the one of eight columns that the robot loads."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from emotion_recognition.emotions import CLASS_IDS
from emotion_recognition.models.configurations import CLASSES
from emotion_recognition.models.factory import create_model
from emotion_recognition.training.loop import Optimisation


def start_network(
    optimisation: Optimisation,
    name: str,
    classes: int = CLASSES,
    dropout: float = 0.0,
    readings: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Return an untrained network whose weights are those of the seed; torch's own draws go on as if none were made.

    Convolutions over planes are laid out with the channels last, which is faster on the processor.

    Args:
        optimisation: gives the seed.
        name, classes, dropout, readings: see :func:`emotion_recognition.models.factory.create_model`.

    Raises:
        ValueError: see there.
    """
    with torch.random.fork_rng():
        torch.manual_seed(optimisation.seed)
        network = create_model(name, classes, dropout, **(readings or {}))
    return network.to(memory_format=torch.channels_last)


def narrowed(network: nn.Module, architecture: str, classes: int, dropout: float = 0.0) -> nn.Module:
    """Return a network of the first ``classes`` columns of one that has learned more, in evaluation mode."""
    narrow = create_model(architecture, classes, dropout)
    state = network.state_dict()
    for key, target in narrow.state_dict().items():
        if state[key].shape != target.shape:
            state[key] = state[key][: target.shape[0]].clone()
    narrow.load_state_dict(state)
    return narrow.to(memory_format=torch.channels_last).eval()


def widened(
    network: nn.Module, architecture: str, table: tuple[int, ...], readings: Mapping[str, Any] | None = None
) -> nn.Module:
    """Return a network of eight columns, column k for class k + 1, as the robot expects, from one of fewer.

    The columns of classes that ``table`` lacks are zero; a sidecar's label table must leave them out.
    """
    if table == CLASS_IDS:
        return network
    wide = create_model(architecture, len(CLASS_IDS), **(readings or {}))
    state = network.state_dict()
    rows = torch.tensor(table) - 1
    for key, target in wide.state_dict().items():
        if state[key].shape != target.shape:
            filled = torch.zeros_like(target)
            filled[rows] = state[key].to(filled.device)
            state[key] = filled
    wide.load_state_dict(state)
    return wide.eval()
