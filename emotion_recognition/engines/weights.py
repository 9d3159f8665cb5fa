"""Model files: a sidecar names them with their sha256, and nothing is loaded that differs from it.

A model is a JSON file, the sidecar, beside its weights. Two levels stand here: :func:`verify_files` checks the files of
any sidecar, :func:`load_metadata` reads in addition what an emotion model must say about itself. Neither needs torch,
onnx or numpy. Only ``.onnx``, ``.safetensors`` and ncnn's pair of files are accepted: all are data, none can run code
when read. An ONNX file has to hold all its tensors: no sha256 covers what it would read from another file.

Safetensors' layout: https://github.com/huggingface/safetensors#format.
"""

import hashlib
import json
import math
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from emotion_recognition import emotions
from emotion_recognition.engines.errors import ModelError
from emotion_recognition.engines.preprocessing import FacePreprocessing, SpeechPreprocessing
from emotion_recognition.models.configurations import CONFIGURATIONS, FACE, other_readings

SUFFIXES = (".onnx", ".safetensors", ".ncnn.param", ".ncnn.bin")
# Under which an ONNX file names the weights it was made from.
WEIGHTS_KEY = "weights_sha256"
LARGEST_SIDECAR = 1 << 20
LARGEST_HEADER = 100_000_000
# How an ONNX file names another file that holds a tensor's values: the entry ``location`` of external_data,
# https://onnx.ai/onnx/repo-docs/ExternalData.html, as protobuf writes it.
EXTERNAL_DATA = b"\x0a\x08location\x12"

PARTS = {name: found.parts for name, found in CONFIGURATIONS.items()}

_DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "I64": "int64", "I32": "int32", "I16": "int16",
    "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip


@dataclass(frozen=True)
class ModelMetadata:
    """What a sidecar says about a model whose files have been verified.

    Attributes:
        path: the sidecar.
        name: the model's name.
        architecture: one of PARTS.
        class_ids: label table: classes the model can name. The network's column k is class k + 1 whatever the table;
            columns of classes not in it mean nothing.
        files: verified files by key: ``<part>_onnx`` for each part, ``safetensors``, and where ncnn's files were made
            ``<part>_ncnn_param`` and ``<part>_ncnn_bin``.
        preprocessing: what the network's input must look like.
        temperature: the logits are divided by it before the softmax; above 0.
        licence: licence of the weights, in words.
        trained_on: data the weights were made from, in words.
        scores: measured scores, as the training wrote them.
        weights_sha256: hash over the tensors, see :func:`tensors_sha256`.
        readings: of the paper's open points (``models.configurations.READINGS``), those that are not the default.
    """

    path: Path
    name: str
    architecture: str
    class_ids: tuple[int, ...]
    files: Mapping[str, Path]
    preprocessing: FacePreprocessing | SpeechPreprocessing
    temperature: float
    licence: str
    trained_on: str
    scores: Mapping[str, Any]
    weights_sha256: str
    readings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the networks the model is made of."""
        return PARTS[self.architecture]


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def tensors_sha256(tensors: Mapping[str, Any]) -> str:
    """Return one sha256, hexadecimal, over numpy arrays by name.

    Sorted by name, each array gives its name, its type (``float32``), its shape (``64x3x3``) and its bytes in C order,
    little endian. The same tensors give the same hash whatever file they are kept in.
    """
    return _hash_tensors(
        (name, str(array.dtype), tuple(array.shape), array.tobytes()) for name, array in tensors.items()
    )


def safetensors_sha256(path: Path) -> str:
    """Return :func:`tensors_sha256` of the tensors in a safetensors file.

    Raises:
        ModelError: the file is not a whole safetensors file.
    """
    data = path.read_bytes()
    return _hash_tensors(_read_safetensors(path, memoryview(data)))


def read_sidecar(sidecar: str | Path) -> dict[str, Any]:
    """Return the JSON object of a sidecar.

    Raises:
        ModelError: the file is missing, too large or not one JSON object.
    """
    sidecar = Path(sidecar)
    try:
        size = sidecar.stat().st_size
        if size > LARGEST_SIDECAR:
            raise ModelError(f"{sidecar}: {size} bytes, a model's sidecar has at most {LARGEST_SIDECAR}")
        found = json.loads(sidecar.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise ModelError(
            f"{sidecar}: cannot read the model's sidecar ({error.strerror}): give the path of the model's .json file"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{sidecar}: not a model's sidecar, JSON expected: {error}") from error
    if not isinstance(found, dict):
        raise ModelError(f"{sidecar}: not a model's sidecar: found a JSON {type(found).__name__}, expected an object")
    return found


def verify_files(sidecar: str | Path, needed: Iterable[str] = ()) -> dict[str, Path]:
    """Check every file a sidecar names and return their paths by key.

    The sidecar's ``files`` is ``{key: {"path": name relative to the sidecar's folder, "sha256": 64 hex digits}}``.

    Args:
        sidecar: the JSON file.
        needed: keys that have to be there.

    Raises:
        ModelError: the sidecar cannot be read or names no file for a needed key, or a file is missing, differs from its
            sha256, lies outside the sidecar's folder, is of none of the kinds in SUFFIXES or is an ONNX file that keeps
            tensors elsewhere. The text names the file.
    """
    sidecar = Path(sidecar)
    files = _verify(sidecar, read_sidecar(sidecar))
    missing = [key for key in needed if key not in files]
    if missing:
        raise ModelError(f"{sidecar}: files has no {', '.join(missing)}")
    return files


def load_metadata(sidecar: str | Path) -> ModelMetadata:
    """Read an emotion model's sidecar and verify all its files.

    Raises:
        ModelError: as :func:`verify_files`; or a field is missing or wrong, or the tensors in the safetensors file are
            not those of ``weights_sha256``.
    """
    sidecar = Path(sidecar)
    found = read_sidecar(sidecar)
    architecture = _text(sidecar, found, "architecture")
    if architecture not in PARTS:
        raise ModelError(f"{sidecar}: architecture {architecture!r}, expected one of {', '.join(PARTS)}")
    files = _verify(sidecar, found)
    needed = [f"{part}_onnx" for part in PARTS[architecture]] + ["safetensors"]
    missing = [key for key in needed if key not in files]
    if missing:
        raise ModelError(f"{sidecar}: files has no {', '.join(missing)}, which {architecture} is made of")
    weights = _text(sidecar, found, "weights_sha256")
    actual = safetensors_sha256(files["safetensors"])
    if actual != weights:
        raise ModelError(f"{files['safetensors']}: its tensors hash to {actual}, {sidecar.name} expects {weights}")
    kind = FacePreprocessing if architecture in FACE else SpeechPreprocessing
    temperature = found.get("temperature", 1.0)
    if not _is_number(temperature) or not 0 < temperature < math.inf:
        raise ModelError(f"{sidecar}: temperature {temperature!r}, expected a number above 0")
    scores = found.get("scores", {})
    if not isinstance(scores, dict):
        raise ModelError(f"{sidecar}: scores {scores!r}, expected an object")
    return ModelMetadata(
        path=sidecar,
        name=_text(sidecar, found, "name"),
        architecture=architecture,
        class_ids=_class_ids(sidecar, found.get("class_ids")),
        files=files,
        preprocessing=kind.from_json(found.get("preprocessing"), str(sidecar)),
        temperature=float(temperature),
        licence=_text(sidecar, found, "licence"),
        trained_on=_text(sidecar, found, "trained_on"),
        scores=scores,
        weights_sha256=weights,
        readings=_readings(sidecar, architecture, found.get("readings", {})),
    )


def _verify(sidecar: Path, found: dict[str, Any]) -> dict[str, Path]:
    files = found.get("files")
    if not isinstance(files, dict) or not files:
        raise ModelError(f"{sidecar}: files is {files!r}, expected an object naming at least one file")
    folder = sidecar.resolve().parent
    verified = {}
    for key, entry in files.items():
        if not isinstance(entry, dict) or not {"path", "sha256"} <= set(entry):
            raise ModelError(f"{sidecar}: files.{key} is {entry!r}, expected an object with path and sha256")
        path = _inside(sidecar, folder, entry["path"])
        try:
            actual = file_sha256(path)
        except OSError as error:
            raise ModelError(f"{path}: cannot read this file of the model {sidecar.name} ({error.strerror})") from error
        if actual != entry["sha256"]:
            raise ModelError(
                f"{path}: sha256 is {actual}, {sidecar.name} expects {entry['sha256']}: the file was "
                "changed or belongs to another model"
            )
        if path.suffix.lower() == ".onnx" and EXTERNAL_DATA in path.read_bytes():
            raise ModelError(
                f"{path}: keeps tensors in a file of its own (external data), which {sidecar.name} has no sha256 of: "
                "save it as one file"
            )
        verified[key] = path
    return verified


def _inside(sidecar: Path, folder: Path, name: Any) -> Path:
    if not isinstance(name, str) or not name or "\0" in name:
        raise ModelError(f"{sidecar}: file path {name!r}, expected a name relative to the sidecar's folder")
    if not PurePosixPath(name).name.lower().endswith(SUFFIXES):
        raise ModelError(f"{sidecar}: file {name!r}, only {', '.join(SUFFIXES)} are loaded")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise ModelError(f"{sidecar}: file {name!r} lies outside the sidecar's folder {folder}")
    return path


def _class_ids(sidecar: Path, found: Any) -> tuple[int, ...]:
    valid = isinstance(found, list) and found and all(type(number) is int for number in found)
    if not valid or not set(found) <= set(emotions.CLASS_IDS) or len(set(found)) != len(found):
        raise ModelError(
            f"{sidecar}: class_ids {found!r}, expected a list of some of {list(emotions.CLASS_IDS)}, each once"
        )
    return tuple(found)


def _readings(sidecar: Path, architecture: str, found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ModelError(f"{sidecar}: readings {found!r}, expected an object")
    try:
        return other_readings(architecture, found)
    except ValueError as error:
        raise ModelError(f"{sidecar}: readings: {error}") from error


def _text(sidecar: Path, found: dict[str, Any], key: str) -> str:
    value = found.get(key)
    if not isinstance(value, str) or not value:
        raise ModelError(f"{sidecar}: {key} is {value!r}, expected text")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a finite number")


def _hash_tensors(tensors: Iterable[tuple[str, str, tuple[int, ...], Any]]) -> str:
    digest = hashlib.sha256()
    for name, dtype, shape, data in sorted(tensors, key=lambda tensor: tensor[0]):
        digest.update(f"{name}\0{dtype}\0{'x'.join(map(str, shape))}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def _read_safetensors(path: Path, data: memoryview) -> Iterable[tuple[str, str, tuple[int, ...], memoryview]]:
    try:
        (length,) = struct.unpack_from("<Q", data)
        if length > min(LARGEST_HEADER, len(data) - 8):
            raise ValueError(f"header of {length} bytes in a file of {len(data)}")
        header = json.loads(bytes(data[8 : 8 + length]))
        body = data[8 + length :]
        out = []
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            begin, end = entry["data_offsets"]
            if not 0 <= begin <= end <= len(body):
                raise ValueError(f"tensor {name} lies outside the file")
            out.append((name, _DTYPES[entry["dtype"]], tuple(entry["shape"]), body[begin:end]))
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: not a whole safetensors file ({error})") from error
    return out
