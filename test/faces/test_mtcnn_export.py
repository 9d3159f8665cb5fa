import json

import numpy as np
import pytest

from emotion_recognition.faces.mtcnn import SIDECAR

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")

from emotion_recognition.faces import export  # noqa: E402


def weights(name):
    try:
        return export.read_weights(name)
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", ["pnet", "rnet", "onet"])
def test_the_shipped_networks_hold_facenet_pytorchs_weights(name):
    shipped = onnx.load(SIDECAR.parent / f"mtcnn_{name}.onnx")
    held = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in shipped.graph.initializer}
    original = weights(name)
    spatial = {label.removesuffix(".slope") for label in held if label.endswith(".slope")}
    assert len(spatial) == {"pnet": 3, "rnet": 3, "onet": 4}[name]
    for layer in spatial:
        slope = original.pop(f"{layer}.weight")
        assert np.array_equal(held.pop(f"{layer}.slope").ravel(), slope)
        assert np.array_equal(held.pop(f"{layer}.rest").ravel(), 1 - slope)
    assert held.keys() == original.keys()
    for label, array in original.items():
        assert np.array_equal(np.sort(held[label].ravel()), np.sort(array.ravel())), label


def test_rewritten_prelu_is_prelu():
    """The first layers of the first network by PReLU's definition, with slopes below 0 and above 1."""
    onnxruntime = pytest.importorskip("onnxruntime")
    tensors = weights("pnet")
    tensors["prelu1.weight"][:3] = (-0.7, 0.3, 1.4)
    graph = export.build_network("pnet", tensors)
    graph.graph.output.append(onnx.helper.make_tensor_value_info("x1", onnx.TensorProto.FLOAT, ["n", 10, "h1", "w1"]))
    image = np.random.default_rng(11).uniform(-1, 1, (1, 3, 30, 41)).astype(np.float32)
    found = onnxruntime.InferenceSession(graph.SerializeToString()).run(["x1"], {"image": image})[0]
    convolved = torch.conv2d(*(torch.from_numpy(a) for a in (image, tensors["conv1.weight"], tensors["conv1.bias"])))
    expected = torch.prelu(convolved, torch.from_numpy(tensors["prelu1.weight"])).numpy()
    assert (convolved < 0).any() and np.abs(found - expected).max() < 1e-5


def test_a_layer_before_the_permutation_reads_the_right_elements():
    """The first dense layer of the second network, by its definition: width, height, channel."""
    tensors = weights("rnet")
    shipped = onnx.load(SIDECAR.parent / "mtcnn_rnet.onnx")
    held = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in shipped.graph.initializer}
    features = np.random.default_rng(9).normal(size=(64, 3, 3)).astype(np.float32)
    expected = tensors["dense4.weight"] @ features.transpose(2, 1, 0).ravel()
    assert np.abs(held["dense4.weight"] @ features.ravel() - expected).max() < 1e-5


def test_export_writes_what_is_shipped(tmp_path):
    weights("pnet")
    sidecar = export.export(tmp_path)
    written, shipped = json.loads(sidecar.read_text()), json.loads(SIDECAR.read_text())
    assert written["licence"] == "MIT" and written["files"].keys() == {"pnet_onnx", "rnet_onnx", "onet_onnx"}
    assert written == shipped
    assert "Permission is hereby granted" in (tmp_path / written["licence_file"]).read_text()


@pytest.mark.parametrize("name", ["pnet", "rnet", "onet"])
def test_networks_give_the_graphs_outputs_for_any_batch(name):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(export.build_network(name, weights(name)).SerializeToString())
    size = {"pnet": (30, 41), "rnet": (24, 24), "onet": (48, 48)}[name]
    images = np.random.default_rng(10).uniform(-1, 1, (3, 3, *size)).astype(np.float32)
    together = session.run(None, {"image": images})
    for number, image in enumerate(images):
        for whole, single in zip(together, session.run(None, {"image": image[None]}), strict=True):
            assert np.abs(whole[number] - single[0]).max() < 1e-4
