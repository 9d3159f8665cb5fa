"""From trained torch modules to the files a robot loads: ONNX, safetensors and the sidecar that names them.

ONNX files hold triplet attention as ``engines.banded`` rewrites it, and batch norms folded. Nothing reaches the folder
before they gave torch's output, and the sidecar is written last.
"""

import copy
import json
import os
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from safetensors.torch import save_file
from torch import nn

from emotion_recognition.engines.banded import banded
from emotion_recognition.engines.errors import ModelError
from emotion_recognition.engines.network import ENGINES, load_network
from emotion_recognition.engines.onnxruntime_engine import WEIGHTS_KEY
from emotion_recognition.engines.preprocessing import FacePreprocessing
from emotion_recognition.engines.weights import (
    ModelMetadata,
    file_sha256,
    load_metadata,
    tensors_sha256,
)
from emotion_recognition.models.configurations import COEFFICIENTS, FACE, SPEECH

OPSET = 17
# Largest difference between ONNX and torch, of the largest value where that exceeds 1.
TOLERANCE = 1e-4
# Clips and frames that a speech network's export is compared on.
MATRIX_SAMPLES = ((2, 64), (1, 95), (1, 1), (3, 8))
FIELDS = {"class_ids", "preprocessing", "temperature", "licence", "trained_on", "scores", "readings"}


@dataclass(frozen=True)
class _Part:
    """A module to export, a sample input, the free axes of its input and what its input and output are called."""

    module: nn.Module
    sample: torch.Tensor
    axes: dict[int, str]
    names: tuple[str, str]
    more_samples: tuple[torch.Tensor, ...]


def export_face(
    model: nn.Module, architecture: str, metadata_fields: Mapping[str, Any], folder: str | Path, name: str
) -> Path:
    """Write a face model: ``<name>.backbone.onnx``, ``<name>.fan.onnx``, ``<name>.safetensors``, ``<name>.json``.

    Args:
        model: module with ``backbone`` and ``fan``; it is left as it is.
        architecture: name in ``models.configurations.FACE``.
        metadata_fields: ``class_ids``, ``preprocessing``, ``licence``, ``trained_on``; optional ``temperature``,
            ``scores``, and ``readings`` of the paper's open points where they are not the default.
        folder: written to, made if missing.
        name: the model's name.

    Returns:
        The sidecar.

    Raises:
        ModelError: a field is unknown, missing or wrong, a weight is not finite, the module is not of the
            architecture, or ONNX and torch differ by more than TOLERANCE. The folder is then as before.
    """
    if architecture not in FACE:
        raise ModelError(f"{name}: architecture {architecture!r}, expected one of {', '.join(FACE)}")
    preprocessing = FacePreprocessing.from_json(metadata_fields.get("preprocessing"), name)
    generator = torch.Generator().manual_seed(0)
    size = preprocessing.size

    def frames(count: int) -> torch.Tensor:
        return torch.rand(count, 3, size, size, generator=generator) * 2 - 1

    def embeddings(count: int, length: int) -> torch.Tensor:
        return torch.rand(count, length, FACE[architecture].embedding, generator=generator)

    parts = {
        "backbone": _Part(model.backbone, frames(2), {0: "count"}, ("frames", "embeddings"), (frames(1),)),
        "fan": _Part(
            model.fan, embeddings(2, 5), {0: "count", 1: "frames"}, ("embeddings", "logits"),
            (embeddings(1, 1), embeddings(1, 15)),
        ),
    }  # fmt: skip
    return _export(parts, architecture, metadata_fields, Path(folder), name)


def export_speech(
    model: nn.Module, architecture: str, metadata_fields: Mapping[str, Any], folder: str | Path, name: str
) -> Path:
    """Write a speech model: ``<name>.speech.onnx``, ``<name>.safetensors``, ``<name>.json``.

    Args and errors as for :func:`export_face`; ``architecture`` is a name in ``models.configurations.SPEECH``.
    """
    if architecture not in SPEECH:
        raise ModelError(f"{name}: architecture {architecture!r}, expected one of {', '.join(SPEECH)}")
    generator = torch.Generator().manual_seed(0)
    if SPEECH[architecture].reads_matrix:
        samples = [
            torch.randn(count, COEFFICIENTS, frames, generator=generator) * 20 for count, frames in MATRIX_SAMPLES
        ]
        axes, called = {0: "count", 2: "frames"}, "mfcc"
    else:
        samples = [torch.randn(count, COEFFICIENTS, generator=generator) for count in (2, 1)]
        axes, called = {0: "count"}, "mfcc_mean"
    parts = {"speech": _Part(model, samples[0], axes, (called, "logits"), tuple(samples[1:]))}
    return _export(parts, architecture, metadata_fields, Path(folder), name)


def _export(parts: dict[str, _Part], architecture: str, fields: Mapping[str, Any], folder: Path, name: str) -> Path:
    unknown = sorted(set(fields) - FIELDS)
    if unknown:
        raise ModelError(f"{name}: unknown metadata {', '.join(unknown)}; known are {', '.join(sorted(FIELDS))}")
    if not fields.get("readings"):
        fields = {key: value for key, value in fields.items() if key != "readings"}
    modules = {part: copy.deepcopy(content.module).cpu().float().eval() for part, content in parts.items()}
    tensors = {
        f"{part}.{key}": value.contiguous().clone()
        for part, module in modules.items()
        for key, value in module.state_dict().items()
    }
    for key, value in tensors.items():
        if not torch.isfinite(value).all():
            raise ModelError(f"{name}: weight {key} is not finite")
    weights = tensors_sha256({key: value.numpy() for key, value in tensors.items()})
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}-") as temporary:
        written = Path(temporary)
        save_file(tensors, written / f"{name}.safetensors")
        files = {"safetensors": f"{name}.safetensors"}
        for part, content in parts.items():
            files[f"{part}_onnx"] = f"{name}.{part}.onnx"
            _write_onnx(banded(modules[part], content.sample), content, written / files[f"{part}_onnx"], {
                WEIGHTS_KEY: weights, "architecture": architecture, "part": part,
                "licence": str(fields.get("licence", "")),
            })  # fmt: skip
        sidecar = {
            "name": name,
            "architecture": architecture,
            **fields,
            "weights_sha256": weights,
            "files": {key: {"path": path, "sha256": file_sha256(written / path)} for key, path in files.items()},
        }
        text = json.dumps(sidecar, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        (written / f"{name}.json").write_text(text, encoding="utf-8")
        _verify(load_metadata(written / f"{name}.json"), modules, parts)
        for path in [*files.values(), f"{name}.json"]:
            # safetensors writes files that only their owner may read.
            os.chmod(written / path, 0o644)
            os.replace(written / path, folder / path)
    return folder / f"{name}.json"


def _write_onnx(module: nn.Module, content: _Part, path: Path, properties: dict[str, str]) -> None:
    input_name, output_name = content.names
    with warnings.catch_warnings():
        # The older exporter is asked for on purpose: it needs no onnxscript and names no source files.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            module, (content.sample,), str(path), input_names=[input_name], output_names=[output_name],
            dynamic_axes={input_name: content.axes, output_name: {0: "count"}}, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
    model = onnx.load(str(path))
    _strip(model)
    for key, value in sorted(properties.items()):
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _strip(model: onnx.ModelProto) -> None:
    """Drop texts and properties in which exporters leave source files and stack traces."""
    model.ClearField("doc_string")
    del model.metadata_props[:]
    graph = model.graph
    graph.ClearField("doc_string")
    for item in [*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer]:
        item.ClearField("doc_string")
        if hasattr(item, "metadata_props"):
            del item.metadata_props[:]


def _verify(metadata: ModelMetadata, modules: dict[str, nn.Module], parts: dict[str, _Part]) -> None:
    for part, content in parts.items():
        for engine in ENGINES:
            network = load_network(metadata, part, engine, torch.get_num_threads() if engine == "torch" else 1)
            for sample in (content.sample, *content.more_samples):
                with torch.inference_mode():
                    expected = modules[part](sample).numpy()
                difference = float(np.abs(network.run(sample.numpy()) - expected).max())
                allowed = TOLERANCE * max(1.0, float(np.abs(expected).max()))
                if not difference <= allowed:
                    raise ModelError(
                        f"{metadata.name} {part}: {engine} and the module differ by {difference:.2g} on input "
                        f"{tuple(sample.shape)}, allowed is {allowed:.2g}: is the module {metadata.architecture}?"
                    )
