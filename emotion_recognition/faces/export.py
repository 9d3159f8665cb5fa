"""Write MTCNN's three networks as ONNX files from the weights in facenet-pytorch's wheel.

Run ``python -m emotion_recognition.faces.export``; it needs torch, onnx and facenet-pytorch installed, and imports
none of the latter's code. Networks: Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded
Convolutional Networks", https://arxiv.org/abs/1604.02878; weights: https://github.com/timesler/facenet-pytorch (MIT).

The graphs end before the softmax over (no face, face), and the transposition before the first dense layer is in that
layer's weights. After a convolution PReLU is written as ``slope * x + (1 - slope) * relu(x)`` in operators that ONNX
Runtime keeps in its blocked layout: its own PRelu takes half of a network's time.
"""

import argparse
import hashlib
import importlib.metadata
import importlib.util
import json
from pathlib import Path

import numpy as np

from emotion_recognition.faces.mtcnn import SIDECAR

DISTRIBUTION = "facenet-pytorch"
OPSET, IR_VERSION = 17, 8  # old enough for every ONNX Runtime since 1.14

# One row a layer: kind, name, and for pools the kernel; every pool has stride 2 and rounds its size up.
_TRUNKS = {
    "pnet": (
        ("conv", "conv1"), ("prelu", "prelu1"), ("pool", 2), ("conv", "conv2"), ("prelu", "prelu2"),
        ("conv", "conv3"), ("prelu", "prelu3"),
    ),
    "rnet": (
        ("conv", "conv1"), ("prelu", "prelu1"), ("pool", 3), ("conv", "conv2"), ("prelu", "prelu2"), ("pool", 3),
        ("conv", "conv3"), ("prelu", "prelu3"), ("flatten", "dense4"), ("dense", "dense4"), ("prelu", "prelu4"),
    ),
    "onet": (
        ("conv", "conv1"), ("prelu", "prelu1"), ("pool", 3), ("conv", "conv2"), ("prelu", "prelu2"), ("pool", 3),
        ("conv", "conv3"), ("prelu", "prelu3"), ("pool", 2), ("conv", "conv4"), ("prelu", "prelu4"),
        ("flatten", "dense5"), ("dense", "dense5"), ("prelu", "prelu5"),
    ),
}  # fmt: skip
# Heads: the layer of the two class scores, then output name and layer of the others.
_HEADS = {
    "pnet": ("conv", "conv4_1", {"offsets": "conv4_2"}),
    "rnet": ("dense", "dense5_1", {"offsets": "dense5_2"}),
    "onet": ("dense", "dense6_1", {"offsets": "dense6_2", "landmarks": "dense6_3"}),
}
_INPUTS = {"pnet": ("n", 3, "h", "w"), "rnet": ("n", 3, 24, 24), "onet": ("n", 3, 48, 48)}


def build_network(name: str, tensors: dict[str, np.ndarray]):
    """Return the ONNX model of ``pnet``, ``rnet`` or ``onet`` with the given weights.

    Its input ``image`` is (n, 3, h, w) float32 in [-1, 1]; its outputs are ``logits`` (n, 2, ...) of no face and
    face, ``offsets`` (n, 4, ...) and for onet ``landmarks`` (n, 10). ``tensors`` has facenet-pytorch's names.
    """
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, weights = [], []

    def constant(label, array):
        weights.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), label))
        return label

    def linear(kind, layer, source, target, weight, bias):
        parameters = [constant(f"{layer}.weight", weight), constant(f"{layer}.bias", bias)]
        if kind == "conv":
            nodes.append(helper.make_node("Conv", [source, *parameters], [target], kernel_shape=weight.shape[2:]))
        else:
            nodes.append(helper.make_node("Gemm", [source, *parameters], [target], transB=1))

    def scaled(source, target, label, factors):
        kernel = constant(label, factors.reshape(-1, 1, 1, 1))
        nodes.append(helper.make_node("Conv", [source, kernel], [target], kernel_shape=[1, 1], group=len(factors)))

    current, spatial = "image", True
    for step, (kind, layer) in enumerate(_TRUNKS[name]):
        target = f"x{step}"
        if kind == "pool":
            sizes = {"kernel_shape": [layer, layer], "strides": [2, 2], "ceil_mode": 1}
            nodes.append(helper.make_node("MaxPool", [current], [target], **sizes))
        elif kind == "prelu":
            slope = tensors[f"{layer}.weight"]
            if spatial:
                scaled(current, f"{target}.linear", f"{layer}.slope", slope)
                nodes.append(helper.make_node("Relu", [current], [f"{target}.relu"]))
                scaled(f"{target}.relu", f"{target}.positive", f"{layer}.rest", 1 - slope)
                nodes.append(helper.make_node("Add", [f"{target}.linear", f"{target}.positive"], [target]))
            else:
                nodes.append(helper.make_node("PRelu", [current, constant(f"{layer}.weight", slope)], [target]))
        elif kind == "flatten":
            nodes.append(helper.make_node("Flatten", [current], [target], axis=1))
            spatial = False
        else:
            weight = tensors[f"{layer}.weight"]
            if kind == "dense":  # columns run over width, height, channel there; over channel, height, width here
                weight = weight.reshape(len(weight), 3, 3, -1).transpose(0, 3, 2, 1).reshape(len(weight), -1)
            linear(kind, layer, current, target, weight, tensors[f"{layer}.bias"])
        current = target

    kind, scores, others = _HEADS[name]
    heads = {"logits": scores, **others}
    for output, layer in heads.items():
        linear(kind, layer, current, output, tensors[f"{layer}.weight"], tensors[f"{layer}.bias"])
    size = ("n", "{}", "h_out", "w_out") if kind == "conv" else ("n", "{}")
    channels = {"logits": 2, "offsets": 4, "landmarks": 10}
    outputs = [
        helper.make_tensor_value_info(
            label, TensorProto.FLOAT, [channels[label] if side == "{}" else side for side in size]
        )
        for label in heads
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, _INPUTS[name])
    graph = helper.make_graph(nodes, f"mtcnn_{name}", [image], outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    checker.check_model(model, full_check=True)
    return model


def read_weights(name: str) -> dict[str, np.ndarray]:
    """Return the tensors of one network in the installed facenet-pytorch, by name.

    Raises:
        FileNotFoundError: facenet-pytorch is not installed or lacks the file.
    """
    import torch

    spec = importlib.util.find_spec("facenet_pytorch")
    paths = [Path(folder) / "data" / f"{name}.pt" for folder in spec.submodule_search_locations] if spec else []
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise FileNotFoundError(f"no data/{name}.pt of {DISTRIBUTION}: pip install --no-deps {DISTRIBUTION}==2.6.0")
    state = torch.load(path, map_location="cpu", weights_only=True)
    return {label: tensor.numpy() for label, tensor in state.items()}


def export(folder: Path) -> Path:
    """Write the three networks, their licence and the sidecar ``mtcnn.json`` to ``folder``; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name in _TRUNKS:
        content = build_network(name, read_weights(name)).SerializeToString(deterministic=True)
        path = folder / f"mtcnn_{name}.onnx"
        path.write_bytes(content)
        files[f"{name}_onnx"] = {"path": path.name, "sha256": hashlib.sha256(content).hexdigest()}
    licence = folder / "mtcnn.LICENSE"
    licence.write_text(_licence_text(), encoding="utf-8")
    metadata = {
        "architecture": "mtcnn",
        "files": files,
        "licence": "MIT",
        "licence_file": licence.name,
        "source": f"{DISTRIBUTION} {importlib.metadata.version(DISTRIBUTION)}, https://github.com/timesler/facenet-pytorch",
        "paper": "https://arxiv.org/abs/1604.02878",
    }
    sidecar = folder / SIDECAR.name
    sidecar.write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")
    return sidecar


def _licence_text() -> str:
    distribution = importlib.metadata.distribution(DISTRIBUTION)
    for file in distribution.files or ():
        if file.name.startswith("LICENSE"):
            return file.read_text(encoding="utf-8")
    raise FileNotFoundError(f"{DISTRIBUTION} {distribution.version} has no LICENSE file in its metadata")


def main() -> None:
    """Write the files to the package's weights folder or to ``--output``."""
    parser = argparse.ArgumentParser(description="Write MTCNN's networks as ONNX files.")
    parser.add_argument("--output", type=Path, default=SIDECAR.parent, help="folder to write to")
    print(export(parser.parse_args().output))


if __name__ == "__main__":
    main()
