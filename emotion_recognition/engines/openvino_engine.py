"""OpenVINO on the processor: the fastest engine on x86, and an optional one. It reads the ONNX files."""

import sys
from collections.abc import Callable
from types import ModuleType

import numpy as np

from emotion_recognition.engines.errors import ModelError
from emotion_recognition.engines.weights import WEIGHTS_KEY, ModelMetadata

_TOOLS = "openvino.tools.ovc"


def _import_runtime() -> ModuleType:
    """Import OpenVINO without its conversion tools, which report each import over the network if they can."""
    if "openvino" not in sys.modules:
        sys.modules[_TOOLS] = None
    try:
        import openvino
    finally:
        if sys.modules.get(_TOOLS, _TOOLS) is None:
            del sys.modules[_TOOLS]
    return openvino


openvino = _import_runtime()


def load(
    metadata: ModelMetadata, part: str, threads: int, input_shape: tuple, output_shape: tuple
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that runs a part's ONNX file.

    Where nothing but the count of rows is free, rows are run one by one: for one fixed size OpenVINO plans ahead.

    Raises:
        ModelError: OpenVINO cannot load the file, its inputs or outputs have other shapes, or it was made from other
            weights than the sidecar names.
    """
    path = metadata.files[f"{part}_onnx"]
    by_row = None not in input_shape[1:]
    try:
        core = openvino.Core()
        model = core.read_model(str(path))
        _check(metadata, path, model, input_shape, output_shape)
        if by_row:
            model.reshape([1, *input_shape[1:]])
        else:
            _fill_edges(model)
        compiled = core.compile_model(
            model,
            "CPU",
            {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": "f32",  # some processors would take bfloat16 unasked
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": 1,
                "ENABLE_CPU_PINNING": False,
            },
        )
        request = compiled.create_infer_request()
    except ModelError:
        raise
    except Exception as error:  # OpenVINO raises RuntimeError and several kinds of its own
        raise ModelError(f"{path}: OpenVINO {openvino.__version__} cannot load it: {error}") from error

    def run(array: np.ndarray) -> np.ndarray:
        return request.infer([array], share_inputs=True)[0]

    if not by_row:
        return run
    return lambda array: np.concatenate([run(array[row : row + 1]) for row in range(len(array))])


def _check(metadata: ModelMetadata, path, model, input_shape: tuple, output_shape: tuple) -> None:
    key = ["framework", WEIGHTS_KEY]
    weights = model.get_rt_info(key).astype(str) if model.has_rt_info(key) else None
    if weights != metadata.weights_sha256:
        raise ModelError(f"{path}: made from weights {weights}, {metadata.path.name} expects {metadata.weights_sha256}")
    for kind, found, shape in (("input", model.inputs, input_shape), ("output", model.outputs, output_shape)):
        described = [(one.element_type.get_type_name(), str(one.partial_shape)) for one in found]
        if len(found) != 1 or described[0][0] != "f32" or not _same(found[0].partial_shape, shape):
            raise ModelError(f"{path}: {kind} {described}, expected one f32 of {list(shape)}")


def _fill_edges(model) -> None:
    """Repeat the edge before every average pooling whose last window may be cut, which then is the same average.

    OpenVINO's own makes nothing of an axis of length 1.
    """
    for pool in model.get_ops():
        if pool.get_type_name() != "AvgPool":
            continue
        asked = pool.get_attributes()
        if asked["rounding_type"] == "floor":
            continue
        steps = list(asked["kernel"])
        if steps != list(asked["strides"]) or max(steps) > 2 or any([*asked["pads_begin"], *asked["pads_end"]]):
            raise ModelError(f"{pool.get_friendly_name()}: {asked}, expected steps of 1 or 2 as long as the windows")
        none = [0] * len(steps)
        padded = openvino.opset1.pad(pool.input_value(0), [0, 0, *none], [0, 0, *(step - 1 for step in steps)], "edge")
        whole = openvino.opset1.avg_pool(padded, steps, none, none, steps, True)
        pool.output(0).replace(whole.output(0))


def _same(found, expected: tuple) -> bool:
    """Tell whether a declared shape is the expected one, None for free lengths."""
    return (
        found.rank.is_static
        and len(found) == len(expected)
        and all(
            length.is_dynamic if wanted is None else length.is_static and length.get_length() == wanted
            for length, wanted in zip(found, expected, strict=True)
        )
    )
