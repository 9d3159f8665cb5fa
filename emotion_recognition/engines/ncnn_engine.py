"""ncnn on the processor: an engine for ARM boards, and an optional one. It reads a pair of files of its own.

The name of the input layer in the ``.param`` file, which ncnn itself never reads, tells what the pair was made for: the
part, the shape of its input, the weights, and the sha256 of the ``.bin`` file that belongs to it. Of a file for another
shape ncnn would read beyond its weights' end; it is refused before.
"""

from collections.abc import Callable
from pathlib import Path

import ncnn
import numpy as np

from emotion_recognition.engines.errors import ModelError
from emotion_recognition.engines.weights import ModelMetadata, file_sha256

INPUT, OUTPUT = "in0", "out0"
KINDS = ("param", "bin")


def file_keys(part: str) -> tuple[str, str]:
    """Return the keys under which a sidecar names a part's ``.param`` and ``.bin`` file."""
    return tuple(f"{part}_ncnn_{kind}" for kind in KINDS)


def label(part: str, input_shape: tuple, weights_sha256: str, bin_sha256: str) -> str:
    """Return the name of the input layer of files made for this."""
    fields = {
        "part": part,
        "input": "x".join("any" if length is None else str(length) for length in input_shape),
        "weights": weights_sha256,
        "bin": bin_sha256,
    }
    return ";".join(f"{key}={value}" for key, value in fields.items())


def load(
    metadata: ModelMetadata, part: str, threads: int, input_shape: tuple, output_shape: tuple
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function that runs a part's files, row by row: ncnn knows no batches.

    Raises:
        ModelError: the model has no such files, ncnn cannot load them, or they were made for another part, another
            shape or other weights.
    """
    missing = [key for key in file_keys(part) if key not in metadata.files]
    if missing:
        raise ModelError(
            f"{metadata.path}: files has no {', '.join(missing)}: make them with emotion-recognition export --engine "
            f"ncnn --model {metadata.path} --output FOLDER"
        )
    param, weights = (metadata.files[key] for key in file_keys(part))
    found = _read_label(param)
    expected = label(part, input_shape, metadata.weights_sha256, file_sha256(weights))
    if found != expected:
        raise ModelError(f"{param}: made for {found}, {metadata.path.name} expects {expected}")
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.openmp_blocktime = 0  # threads that wait do not spin
    # Half precision, which ncnn would take unasked, keeps 11 or 8 bits of a value: too few for 1e-4 of torch's. An x86
    # processor mostly computes in single precision anyway, and would convert forth and back.
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    if net.load_param(str(param)) or net.load_model(str(weights)):
        raise ModelError(f"{param}: ncnn {ncnn.__version__} cannot load it and {weights.name}")

    def run(row: np.ndarray) -> np.ndarray:
        extractor = net.create_extractor()
        extractor.input(INPUT, ncnn.Mat(row))
        code, out = extractor.extract(OUTPUT)
        if code:
            raise ModelError(f"{param}: ncnn ends with {code} on an input of {row.shape}")
        return np.array(out)

    return lambda array: np.stack([run(row) for row in array])


def _read_label(param: Path) -> str:
    """Return the name of the input layer.

    Raises:
        ModelError: the file does not open as a ``.param`` file does, with an input layer.
    """
    try:
        lines = param.read_text(encoding="ascii").splitlines()
        kind, name = lines[2].split()[:2]
    except (UnicodeDecodeError, IndexError, ValueError):
        kind = name = ""
    if kind != "Input":
        raise ModelError(f"{param}: not an ncnn file of this project, its first layer is no input")
    return name
