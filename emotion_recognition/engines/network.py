"""One part of a model, ready to run, whatever engine runs it."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import numpy as np

from emotion_recognition.engines.errors import ModelError
from emotion_recognition.engines.weights import ModelMetadata
from emotion_recognition.models.configurations import CLASSES, COEFFICIENTS, FACE, SPEECH

# Each goes by the name of its library. The last two are optional.
ENGINES = ("onnxruntime", "torch", "ncnn", "openvino")

Shape = tuple[int | None, ...]


def installed_engines() -> tuple[str, ...]:
    """Return those of ENGINES whose library is installed here."""
    return tuple(engine for engine in ENGINES if find_spec(engine))


def shapes(metadata: ModelMetadata, part: str) -> tuple[Shape, Shape]:
    """Return the shapes of a part's input and output; None where any length from 1 will do.

    Raises:
        ModelError: the model has no such part.
    """
    if part not in metadata.parts:
        raise ModelError(f"{metadata.path}: part {part!r}, {metadata.architecture} has {', '.join(metadata.parts)}")
    if part == "speech":
        reads_matrix = SPEECH[metadata.architecture].reads_matrix
        return (None, COEFFICIENTS, None) if reads_matrix else (None, COEFFICIENTS), (None, CLASSES)
    size, embedding = metadata.preprocessing.size, FACE[metadata.architecture].embedding
    if part == "backbone":
        return (None, 3, size, size), (None, embedding)
    return (None, None, embedding), (None, CLASSES)


class Network:
    """A network with its shapes checked: what goes in, what comes out, and that every value out is finite.

    Args:
        name: for error texts.
        forward: maps a C-contiguous float32 array to a float32 array.
        input_shape: shape of the input, None for any length from 1.
        output_shape: shape of the output, likewise.
    """

    def __init__(self, name: str, forward: Callable[[np.ndarray], np.ndarray], input_shape: Shape, output_shape: Shape):
        self.name = name
        self.input_shape = input_shape
        self.output_shape = output_shape
        self._forward = forward

    def run(self, array: np.ndarray) -> np.ndarray:
        """Return the network's float32 output for a float32 input.

        Raises:
            ValueError: the input has another shape or type than ``input_shape`` float32, or a value that is not finite:
                some engines would make a number of it.
            ModelError: the output has a wrong shape or a value that is not finite.
        """
        array = np.asarray(array)
        if array.dtype != np.float32 or not _fits(array.shape, self.input_shape):
            raise ValueError(
                f"{self.name}: input {array.shape} {array.dtype}, expected {_say(self.input_shape)} float32"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{self.name}: input has values that are not finite")
        out = self._forward(np.ascontiguousarray(array))
        if not _fits(out.shape, self.output_shape) or out.shape[0] != array.shape[0]:
            raise ModelError(
                f"{self.name}: output {out.shape} for input {array.shape}, expected {_say(self.output_shape)}"
            )
        if not np.isfinite(out).all():
            raise ModelError(f"{self.name}: output has values that are not finite")
        return out


def load_network(metadata: ModelMetadata, part: str, engine: str = "onnxruntime", threads: int = 1) -> Network:
    """Load one part of a model.

    Args:
        metadata: from :func:`~emotion_recognition.engines.weights.load_metadata`.
        part: ``backbone`` ((N, 3, size, size) to (N, E)) or ``fan`` ((N, T, E) to logits (N, 8)) of a face model, E the
            length of its embedding; ``speech`` ((N, 40) or (N, 40, T) to logits (N, 8)) of a speech model. Column k of
            the logits is class k + 1.
        engine: one of ENGINES. ``onnxruntime`` and ``openvino`` run the ONNX file, ``torch`` the safetensors file,
            ``ncnn`` files of its own.
        threads: threads of one run, from 1. Torch has one setting for the whole process.

    Raises:
        ModelError: unknown part or engine, the engine is not installed, the model has no file for it, or the file
            does not fit the model: other shapes, other tensors, or made from other weights.
    """
    input_shape, output_shape = shapes(metadata, part)
    if threads < 1:
        raise ValueError(f"threads is {threads}, expected at least 1")
    if engine not in ENGINES:
        raise ModelError(f"engine {engine!r}, expected one of {', '.join(ENGINES)}")
    try:
        load = import_module(f"emotion_recognition.engines.{engine}_engine").load
    except ImportError as error:
        raise ModelError(
            f"engine {engine!r} cannot be used here ({error}): install it (pip install {engine}) or choose another of "
            f"{', '.join(ENGINES)}"
        ) from error
    forward = load(metadata, part, threads, input_shape, output_shape)
    network = Network(f"{metadata.name} {part} ({engine})", forward, input_shape, output_shape)
    network.run(np.zeros([length or 1 for length in input_shape], np.float32))
    return network


def _fits(shape: tuple[int, ...], expected: Shape) -> bool:
    return len(shape) == len(expected) and all(
        found >= 1 if wanted is None else found == wanted for found, wanted in zip(shape, expected, strict=True)
    )


def _say(shape: Shape) -> str:
    return "(" + ", ".join("any" if length is None else str(length) for length in shape) + ")"
