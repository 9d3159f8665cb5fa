"""The rewritten triplet attention gives the numbers of the original."""

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from emotion_recognition.engines.banded import BandedGate, banded  # noqa: E402
from emotion_recognition.engines.export import export_face  # noqa: E402
from emotion_recognition.models.attention import AxisGate, TripletAttention  # noqa: E402
from emotion_recognition.models.factory import create_model  # noqa: E402

FIELDS = {
    "class_ids": [1, 2, 3, 4, 5, 6, 7, 8], "preprocessing": {"size": 32, "gray": False}, "licence": "none",
    "trained_on": "nothing",
}  # fmt: skip


def stirred(module, seed=0):
    """Give every batch norm statistics and weights that are not those of the start."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in module.state_dict().items():
        if value.dtype.is_floating_point and ("running" in name or "bn." in name):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
    return module.eval()


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("shape", [(2, 5, 6, 7), (1, 33, 3, 3), (3, 4, 1, 9)])
def test_rewritten_attention_is_the_attention(shape, residual):
    attention = stirred(TripletAttention(residual))
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    rewritten = banded(attention, torch.zeros(1, *shape[1:]))
    assert isinstance(rewritten.height, BandedGate) and isinstance(rewritten.width, BandedGate)
    assert isinstance(rewritten.channel, AxisGate) and isinstance(attention.height, AxisGate)
    with torch.inference_mode():
        torch.testing.assert_close(rewritten(x), attention(x), atol=2e-6, rtol=1e-5)


def test_a_rewritten_backbone_is_the_backbone_and_is_trained_no_further():
    network = stirred(create_model("ghostnet-tam-fan"))
    frames = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(2)) * 2 - 1
    rewritten = banded(network.backbone, frames)
    with torch.inference_mode():
        torch.testing.assert_close(rewritten(frames), network.backbone(frames), atol=1e-5, rtol=1e-4)
    assert not any(isinstance(module, AxisGate) and module.axis > 1 for module in rewritten.modules())
    assert all(not gate.band.requires_grad for gate in rewritten.modules() if isinstance(gate, BandedGate))


def test_what_has_no_such_gates_stays_as_it_is():
    backbone = create_model("resnet-fan").backbone.eval()
    copied = banded(backbone, torch.zeros(1, 3, 48, 48))
    assert copied is not backbone
    for (name, value), (other, copy) in zip(backbone.state_dict().items(), copied.state_dict().items(), strict=True):
        assert name == other and torch.equal(value, copy)


def test_exported_attention_convolves_along_the_channels_and_no_batch_norm_is_left(tmp_path):
    export_face(stirred(create_model("ghostnet-tam-fan")), "ghostnet-tam-fan", FIELDS, tmp_path, "made")
    graph = onnx.load(tmp_path / "made.backbone.onnx").graph
    shapes = {item.name: tuple(item.dims) for item in graph.initializer}
    along = [shapes[node.input[1]] for node in graph.node if node.op_type == "Conv" and len(shapes[node.input[1]]) == 3]
    gates = sum(isinstance(m, AxisGate) and m.axis > 1 for m in create_model("ghostnet-tam-fan").modules())
    assert len(along) == gates > 10
    assert all(width_in == 2 * width_out and size == 7 for width_out, width_in, size in along)
    assert not [node for node in graph.node if node.op_type == "BatchNormalization"]
