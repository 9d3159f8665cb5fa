"""Torch on the processor: the engine of training boxes."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from emotion_recognition.engines.errors import ModelError
from emotion_recognition.engines.weights import ModelMetadata
from emotion_recognition.models.factory import create_model


def build_part(architecture: str, part: str, readings: Mapping[str, Any] | None = None) -> nn.Module:
    """Return an untrained module for a part of an architecture of ``weights.PARTS``, in readings of ``READINGS``."""
    network = create_model(architecture, **(readings or {}))
    return network if part == "speech" else getattr(network, part)


def load_part(metadata: ModelMetadata, part: str) -> nn.Module:
    """Return a part with its weights, in evaluation mode.

    Raises:
        ModelError: the file's tensors are not those of the part.
    """
    path = metadata.files["safetensors"]
    prefix = f"{part}."
    tensors = {name[len(prefix) :]: value for name, value in load_file(path).items() if name.startswith(prefix)}
    module = build_part(metadata.architecture, part, metadata.readings)
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise ModelError(f"{path}: its tensors are not those of {_said(metadata)} {part}: {error}") from error
    return module.eval()


def _said(metadata: ModelMetadata) -> str:
    readings = ", ".join(f"{key}={value}" for key, value in metadata.readings.items())
    return metadata.architecture + (f" ({readings})" if readings else "")


def load(
    metadata: ModelMetadata, part: str, threads: int, input_shape: tuple, output_shape: tuple
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that runs a part; the shapes follow from the module.

    Raises:
        ModelError: the file's tensors are not those of the part.
    """
    module = load_part(metadata, part)
    torch.set_num_threads(threads)
    four = len(input_shape) == 4
    if four:
        module = module.to(memory_format=torch.channels_last)

    def forward(array: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            tensor = torch.from_numpy(array)
            if four:
                tensor = tensor.contiguous(memory_format=torch.channels_last)
            return module(tensor).numpy()

    return forward
