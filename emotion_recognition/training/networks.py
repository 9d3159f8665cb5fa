"""The untrained network that every training starts from."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

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
