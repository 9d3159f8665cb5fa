"""ONNX Runtime on the processor: the robot's engine."""

from collections.abc import Callable, Mapping

import numpy as np
import onnxruntime

from emotion_recognition.engines.errors import ModelError
from emotion_recognition.engines.weights import WEIGHTS_KEY, ModelMetadata


def create_session(path: str, threads: int = 1, sizes_vary: bool = False) -> onnxruntime.InferenceSession:
    """Return a session that uses so many threads and never spins while it waits.

    With ``sizes_vary`` it keeps no memory pattern for every input size it meets.

    Raises:
        ModelError: ONNX Runtime cannot load the file.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_mem_pattern = not sizes_vary
    # An arena of its own for each of several networks keeps megabytes that malloc shares among them, and is no faster.
    options.enable_cpu_mem_arena = False
    for kind in ("intra_op", "inter_op"):
        options.add_session_config_entry(f"session.{kind}.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no base class of their own
        raise ModelError(f"{path}: ONNX Runtime {onnxruntime.__version__} cannot load it: {error}") from error


def check_signature(
    session: onnxruntime.InferenceSession,
    path: object,
    inputs: Mapping[str, tuple[int | None, ...]],
    outputs: Mapping[str, tuple[int | None, ...]],
) -> None:
    """Check that a network takes and gives float32 tensors of these names and shapes, and no others.

    Args:
        session: the network.
        path: its file, for the error's text.
        inputs: shape of each input by name; None for a free length.
        outputs: likewise.

    Raises:
        ModelError: it has others.
    """
    for kind, found, expected in (("input", session.get_inputs(), inputs), ("output", session.get_outputs(), outputs)):
        same = {one.name for one in found} == set(expected) and all(
            one.type == "tensor(float)" and _same(one.shape, expected[one.name]) for one in found
        )
        if not same:
            described = ", ".join(f"{one.name} {one.type} {one.shape}" for one in found)
            wanted = ", ".join(f"{name} tensor(float) {list(shape)}" for name, shape in expected.items())
            raise ModelError(f"{path}: {kind} {described}; expected {wanted}")


def load(
    metadata: ModelMetadata, part: str, threads: int, input_shape: tuple, output_shape: tuple
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that runs a part's ONNX file.

    Raises:
        ModelError: ONNX Runtime cannot load the file, its inputs or outputs have other shapes, or it was made from
            other weights than the sidecar names.
    """
    path = metadata.files[f"{part}_onnx"]
    session = create_session(str(path), threads)
    weights = session.get_modelmeta().custom_metadata_map.get(WEIGHTS_KEY)
    if weights != metadata.weights_sha256:
        raise ModelError(f"{path}: made from weights {weights}, {metadata.path.name} expects {metadata.weights_sha256}")
    for kind, found, shape in (
        ("input", session.get_inputs(), input_shape),
        ("output", session.get_outputs(), output_shape),
    ):
        described = [(argument.type, argument.shape) for argument in found]
        if len(found) != 1 or found[0].type != "tensor(float)" or not _same(found[0].shape, shape):
            raise ModelError(f"{path}: {kind} {described}, expected one tensor(float) of {list(shape)}")
    name = session.get_inputs()[0].name
    return lambda array: session.run(None, {name: array})[0]


def _same(found: list, expected: tuple) -> bool:
    """Tell whether a declared shape, names for free lengths, is the expected one, None for free lengths."""
    return len(found) == len(expected) and all(
        not isinstance(length, int) if wanted is None else length == wanted
        for length, wanted in zip(found, expected, strict=True)
    )
