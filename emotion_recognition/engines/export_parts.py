"""What is exported of a model, part by part, and the comparison that an export must pass."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from emotion_recognition.engines.errors import ModelError
from emotion_recognition.engines.network import load_network
from emotion_recognition.engines.torch_engine import load_part
from emotion_recognition.engines.weights import ModelMetadata
from emotion_recognition.models.configurations import COEFFICIENTS, FACE, SPEECH

# Largest difference between an engine and torch, of the largest value where that exceeds 1.
TOLERANCE = 1e-4
# Clips and frames that a speech network's export is compared on.
MATRIX_SAMPLES = ((2, 64), (1, 95), (1, 1), (3, 8))


@dataclass(frozen=True)
class ExportPart:
    """A module to export, a sample input, the free axes of its input and what its input and output are called."""

    module: nn.Module
    sample: torch.Tensor
    axes: dict[int, str]
    names: tuple[str, str]
    more_samples: tuple[torch.Tensor, ...]


def face_parts(backbone: nn.Module, fan: nn.Module, architecture: str, size: int) -> dict[str, ExportPart]:
    """Return a face model's parts; ``size`` is the side of its frames in pixels."""
    generator = torch.Generator().manual_seed(0)

    def frames(count: int) -> torch.Tensor:
        return torch.rand(count, 3, size, size, generator=generator) * 2 - 1

    def embeddings(count: int, length: int) -> torch.Tensor:
        return torch.rand(count, length, FACE[architecture].embedding, generator=generator)

    return {
        "backbone": ExportPart(backbone, frames(2), {0: "count"}, ("frames", "embeddings"), (frames(1),)),
        "fan": ExportPart(
            fan, embeddings(2, 5), {0: "count", 1: "frames"}, ("embeddings", "logits"),
            (embeddings(1, 1), embeddings(1, 15)),
        ),
    }  # fmt: skip


def speech_parts(model: nn.Module, architecture: str) -> dict[str, ExportPart]:
    """Return a speech model's one part."""
    generator = torch.Generator().manual_seed(0)
    if SPEECH[architecture].reads_matrix:
        samples = [
            torch.randn(count, COEFFICIENTS, frames, generator=generator) * 20 for count, frames in MATRIX_SAMPLES
        ]
        axes, called = {0: "count", 2: "frames"}, "mfcc"
    else:
        samples = [torch.randn(count, COEFFICIENTS, generator=generator) for count in (2, 1)]
        axes, called = {0: "count"}, "mfcc_mean"
    return {"speech": ExportPart(model, samples[0], axes, (called, "logits"), tuple(samples[1:]))}


def parts_of(metadata: ModelMetadata) -> dict[str, ExportPart]:
    """Return the parts of a model with the weights of its safetensors file.

    Raises:
        ModelError: the file's tensors are not those of the architecture.
    """
    modules = {part: load_part(metadata, part) for part in metadata.parts}
    if metadata.architecture in FACE:
        return face_parts(modules["backbone"], modules["fan"], metadata.architecture, metadata.preprocessing.size)
    return speech_parts(modules["speech"], metadata.architecture)


def compare(metadata: ModelMetadata, parts: Mapping[str, ExportPart], engine: str) -> dict[str, float]:
    """Run an engine and the modules, which are in evaluation, on the parts' samples.

    Args:
        metadata: of the files that the engine reads.
        parts: what they were made from.
        engine: one of ENGINES.

    Returns:
        The largest difference by part, of the largest value where that exceeds 1.

    Raises:
        ModelError: a difference exceeds TOLERANCE, or the engine cannot run the files.
    """
    largest = {}
    for part, content in parts.items():
        network = load_network(metadata, part, engine, torch.get_num_threads() if engine == "torch" else 1)
        for sample in (content.sample, *content.more_samples):
            with torch.inference_mode():
                expected = content.module(sample).numpy()
            difference = float(np.abs(network.run(sample.numpy()) - expected).max())
            scale = max(1.0, float(np.abs(expected).max()))
            if not difference <= TOLERANCE * scale:
                raise ModelError(
                    f"{metadata.name} {part}: {engine} and the module differ by {difference:.2g} on input "
                    f"{tuple(sample.shape)}, allowed is {TOLERANCE * scale:.2g}: is the module {metadata.architecture}?"
                )
            largest[part] = max(largest.get(part, 0.0), difference / scale)
    return largest
