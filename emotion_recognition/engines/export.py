"""From trained torch modules to the files a robot loads, and the sidecar that names them.

ONNX files and ncnn's hold triplet attention as ``engines.banded`` rewrites it, and batch norms folded. Nothing reaches
the folder before it gave torch's output, and the sidecar is written last.
"""

import copy
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import torch
from safetensors.torch import save_file
from torch import nn

from emotion_recognition.engines.banded import banded
from emotion_recognition.engines.errors import ModelError
from emotion_recognition.engines.export_parts import ExportPart, compare, face_parts, parts_of, speech_parts
from emotion_recognition.engines.network import ENGINES
from emotion_recognition.engines.preprocessing import FacePreprocessing
from emotion_recognition.engines.weights import (
    WEIGHTS_KEY,
    ModelMetadata,
    file_sha256,
    load_metadata,
    read_sidecar,
    tensors_sha256,
)
from emotion_recognition.models.configurations import FACE, SPEECH

OPSET = 17
FIELDS = {"class_ids", "preprocessing", "temperature", "licence", "trained_on", "scores", "readings"}
# What every training writes can be run by these.
REFERENCE_ENGINES = ("onnxruntime", "torch")


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
    parts = face_parts(model.backbone, model.fan, architecture, preprocessing.size)
    return _export(parts, architecture, metadata_fields, Path(folder), name)


def export_speech(
    model: nn.Module, architecture: str, metadata_fields: Mapping[str, Any], folder: str | Path, name: str
) -> Path:
    """Write a speech model: ``<name>.speech.onnx``, ``<name>.safetensors``, ``<name>.json``.

    Args and errors as for :func:`export_face`; ``architecture`` is a name in ``models.configurations.SPEECH``.
    """
    if architecture not in SPEECH:
        raise ModelError(f"{name}: architecture {architecture!r}, expected one of {', '.join(SPEECH)}")
    return _export(speech_parts(model, architecture), architecture, metadata_fields, Path(folder), name)


def export_engine(metadata: ModelMetadata, engine: str, folder: str | Path) -> tuple[Path, dict[str, float]]:
    """Write a whole model once more, with the files of one engine made anew from its weights.

    ``onnxruntime`` and ``openvino`` read ``<name>.<part>.onnx``, ``ncnn`` a pair ``<name>.<part>.ncnn.param`` and
    ``.bin``; ``torch`` reads the weights themselves. The model's other files are copied.

    Args:
        metadata: the model.
        engine: one of ENGINES; installed here, with pnnx for ``ncnn``.
        folder: written to, made if missing; the model's own folder is allowed.

    Returns:
        The sidecar, and the engine's largest difference from torch by part, of the largest value where that exceeds 1.

    Raises:
        ModelError: the engine is unknown or not installed, the file's tensors are not those of the architecture, or the
            engine and torch differ by more than ``export_parts.TOLERANCE``. The folder is then as before.
    """
    if engine not in ENGINES:
        raise ModelError(f"engine {engine!r}, expected one of {', '.join(ENGINES)}")
    folder, name = Path(folder), metadata.path.stem
    parts = parts_of(metadata)
    sidecar = read_sidecar(metadata.path)
    paths = {key: entry["path"] for key, entry in sidecar["files"].items()}
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}-") as temporary:
        written = Path(temporary)
        for key, path in paths.items():
            (written / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(metadata.files[key], written / path)
        for part, content in parts.items():
            if engine in ("onnxruntime", "openvino"):
                path = written / paths[f"{part}_onnx"]
                _write_onnx(content, path, _properties(sidecar, metadata.weights_sha256, part))
            elif engine == "ncnn":
                paths.update(_write_ncnn(content, written, name, part, metadata.weights_sha256))
        largest = _finish(sidecar, paths, parts, (ENGINES[0], engine), written, folder, name)
    licence = metadata.path.with_suffix(".LICENSE")
    if licence.is_file() and folder.resolve() != licence.resolve().parent:
        shutil.copyfile(licence, folder / licence.name)
    return folder / f"{name}.json", largest[engine]


def _write_ncnn(content: ExportPart, folder: Path, name: str, part: str, weights_sha256: str) -> dict[str, str]:
    from emotion_recognition.engines.ncnn_engine import KINDS, file_keys
    from emotion_recognition.engines.ncnn_export import write_ncnn

    paths = [f"{name}.{part}.ncnn.{kind}" for kind in KINDS]
    write_ncnn(content, *(folder / path for path in paths), part, weights_sha256)
    return dict(zip(file_keys(part), paths, strict=True))


def _properties(fields: Mapping[str, Any], weights_sha256: str, part: str) -> dict[str, str]:
    """Return what an ONNX file says of itself."""
    return {
        WEIGHTS_KEY: weights_sha256, "architecture": fields["architecture"], "part": part,
        "licence": str(fields.get("licence", "")),
    }  # fmt: skip


def _export(
    parts: Mapping[str, ExportPart], architecture: str, fields: Mapping[str, Any], folder: Path, name: str
) -> Path:
    unknown = sorted(set(fields) - FIELDS)
    if unknown:
        raise ModelError(f"{name}: unknown metadata {', '.join(unknown)}; known are {', '.join(sorted(FIELDS))}")
    if not fields.get("readings"):
        fields = {key: value for key, value in fields.items() if key != "readings"}
    parts = {
        part: replace(content, module=copy.deepcopy(content.module).cpu().float().eval())
        for part, content in parts.items()
    }
    tensors = {
        f"{part}.{key}": value.contiguous().clone()
        for part, content in parts.items()
        for key, value in content.module.state_dict().items()
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
        sidecar = {"name": name, "architecture": architecture, **fields, "weights_sha256": weights}
        for part, content in parts.items():
            files[f"{part}_onnx"] = f"{name}.{part}.onnx"
            _write_onnx(content, written / files[f"{part}_onnx"], _properties(sidecar, weights, part))
        _finish(sidecar, files, parts, REFERENCE_ENGINES, written, folder, name)
    return folder / f"{name}.json"


def _finish(
    sidecar: Mapping[str, Any], files: Mapping[str, str], parts: Mapping[str, ExportPart], engines: tuple[str, ...],
    written: Path, folder: Path, name: str,
) -> dict[str, dict[str, float]]:  # fmt: skip
    """Write the sidecar beside the files, compare the engines with torch, and move all to the folder.

    Returns:
        What ``export_parts.compare`` found, by engine.
    """
    hashed = {key: {"path": path, "sha256": file_sha256(written / path)} for key, path in files.items()}
    text = json.dumps({**sidecar, "files": hashed}, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    (written / f"{name}.json").write_text(text, encoding="utf-8")
    metadata = load_metadata(written / f"{name}.json")
    largest = {engine: compare(metadata, parts, engine) for engine in engines}
    for path in [*files.values(), f"{name}.json"]:
        # safetensors writes files that only their owner may read.
        os.chmod(written / path, 0o644)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        os.replace(written / path, folder / path)
    return largest


def _write_onnx(content: ExportPart, path: Path, properties: dict[str, str]) -> None:
    input_name, output_name = content.names
    with warnings.catch_warnings():
        # The older exporter is asked for on purpose: it needs no onnxscript and names no source files.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            banded(content.module, content.sample), (content.sample,), str(path),
            input_names=[input_name], output_names=[output_name],
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
