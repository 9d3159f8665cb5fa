"""The paper's way against this one, exports against each other, and engines beside each other; one thread."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from emotion_recognition.bench.decision import frame_step_ns, robot_classifier, robot_detector, robot_pipeline
from emotion_recognition.bench.material import Material
from emotion_recognition.bench.timing import interleaved
from emotion_recognition.engines import ENGINES, ModelError, ModelMetadata, load_metadata, load_network
from emotion_recognition.stamps import SECOND_NS
from emotion_recognition.weights import PAPER, face_sidecar, speech_sidecar

PAPER_FRAMES, PAPER_SIZE = 15, 224
MODELS = {"default": "", "paper": PAPER}
SPEECH_FRAMES = 94  # columns of the MFCCs of 3 s


def paper_comparison(material: Material, seconds: float) -> dict[str, dict[str, Any]]:
    """Return the time of the paper's way and of this package's, in ms.

    ``paper_way``: the paper's architecture on a batch (15, 3, 224, 224), then frame attention, torch eager under
    ``inference_mode``. ``face_decision``: a crop to class probabilities with the embeddings of the frames before kept,
    shipped default; ``face_decision_paper``: the same with the paper's architecture as shipped.

    Raises:
        ImportError: torch is not installed.
    """
    import torch

    from emotion_recognition.engines.torch_engine import load_part

    torch.set_num_threads(1)
    metadata = load_metadata(face_sidecar(PAPER))
    backbone, fan = load_part(metadata, "backbone"), load_part(metadata, "fan")
    batch = torch.rand(PAPER_FRAMES, 3, PAPER_SIZE, PAPER_SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1

    def paper_way() -> None:
        with torch.inference_mode():
            fan(backbone(batch)[None])

    return {
        name: one.to_json()
        for name, one in interleaved(
            {
                "paper_way": paper_way,
                "face_decision": _face_decision(material, ""),
                "face_decision_paper": _face_decision(material, PAPER),
            },
            seconds,
        ).items()
    }


def _face_decision(material: Material, name: str) -> Callable[[], object]:
    """Return a function that classifies a track's next frame, its window full of frames already."""
    sample = robot_pipeline(robot_detector()).process(material.frames[0], SECOND_NS)[0]
    classifier, step = robot_classifier(name), frame_step_ns()
    stamps = iter(range(SECOND_NS, 1 << 62, step))

    def run() -> object:
        return classifier.update(sample.track_id, sample.crop, next(stamps))

    for _ in range(classifier.frames):
        run()
    return run


def backbones(seconds: float) -> dict[str, dict[str, Any]]:
    """Return the time of one frame through the paper's backbone in the default engine, in ms, by export and size.

    ``shipped_96`` is the shipped file. ``shipped_224`` holds the same weights, exported in the same way for the paper's
    224 pixels; ``plain_96`` and ``plain_224`` are what ``torch.onnx.export`` writes of the module as the paper has it:
    no gate rewritten, batch norms as the exporter leaves them.

    Raises:
        ImportError: torch or onnx is not installed.
    """
    import torch

    from emotion_recognition.engines.export import OPSET, export_face
    from emotion_recognition.engines.onnxruntime_engine import create_session
    from emotion_recognition.engines.torch_engine import build_part, load_part

    torch.set_num_threads(1)
    metadata = load_metadata(face_sidecar(PAPER))
    module = load_part(metadata, "backbone")
    sizes = metadata.preprocessing.size, PAPER_SIZE
    networks: dict[str, Callable[[], object]] = {}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for size in sizes:
            sample = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
            array = sample.numpy()
            path = Path(folder) / f"plain_{size}.onnx"
            torch.onnx.export(
                module, (sample,), str(path), input_names=["frames"], output_names=["embeddings"],
                dynamic_axes={"frames": {0: "count"}, "embeddings": {0: "count"}}, opset_version=OPSET, dynamo=False,
            )  # fmt: skip
            session = create_session(str(path))
            networks[f"plain_{size}"] = lambda session=session, array=array: session.run(None, {"frames": array})
            shipped = metadata
            if size != metadata.preprocessing.size:
                whole = torch.nn.Module()
                whole.backbone, whole.fan = module, build_part(metadata.architecture, "fan", metadata.readings)
                shipped = load_metadata(export_face(whole, metadata.architecture, _fields(metadata, size), folder, "b"))
            network = load_network(shipped, "backbone")
            networks[f"shipped_{size}"] = lambda network=network, array=array: network.run(array)
        return {name: one.to_json() for name, one in interleaved(networks, seconds).items()}


def _fields(metadata: ModelMetadata, size: int) -> dict[str, Any]:
    return {
        "class_ids": list(metadata.class_ids),
        "preprocessing": {"size": size},
        "licence": metadata.licence,
        "trained_on": metadata.trained_on,
    }


def engine_times(seconds: float) -> list[dict[str, Any]]:
    """Return the time of each shipped network in each engine, in ms, or why an engine cannot run it.

    Each entry has ``model`` (key of :data:`MODELS`), ``part``, ``shape`` of the input and ``engines``: a summary or
    ``{"left_out": reason}`` by engine.
    """
    made = []
    for model, name in MODELS.items():
        face, speech = load_metadata(face_sidecar(name)), load_metadata(speech_sidecar(name))
        made += [(model, face, "backbone"), (model, face, "fan"), (model, speech, "speech")]
    return [_engines(model, metadata, part, seconds / len(made)) for model, metadata, part in made]


def _engines(model: str, metadata: ModelMetadata, part: str, seconds: float) -> dict[str, Any]:
    candidates: dict[str, Callable[[], object]] = {}
    left_out: dict[str, Any] = {}
    shape: tuple[int, ...] = ()
    for engine in ENGINES:
        try:
            network = load_network(metadata, part, engine, 1)
            frames = SPEECH_FRAMES if part == "speech" else PAPER_FRAMES
            shape = (1, *(length or frames for length in network.input_shape[1:]))
            array = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
            network.run(array)
            candidates[engine] = lambda network=network, array=array: network.run(array)
        except (ModelError, ImportError, OSError) as problem:
            left_out[engine] = {"left_out": str(problem)}
    found = {name: one.to_json() for name, one in interleaved(candidates, seconds).items()}
    ordered = {engine: {**found, **left_out}[engine] for engine in ENGINES}
    return {"model": model, "architecture": metadata.architecture, "part": part, "shape": shape, "engines": ordered}
