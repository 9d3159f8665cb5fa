"""The paper's networks: exact sizes, and the frame attention against plain numpy."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from emotion_recognition.models.attention import AxisGate, FrameAttention, TripletAttention, banded_conv  # noqa: E402
from emotion_recognition.models.ghostnet import GhostNet  # noqa: E402
from emotion_recognition.models.speech_cnn import SpeechCNN  # noqa: E402


def parameters(module):
    return sum(value.numel() for value in module.parameters())


CONVOLUTIONS = (torch.nn.Conv1d, torch.nn.Conv2d)


def macs(module, sample, kinds):
    """Count one operation per multiply-accumulate of some layers, by the shapes that pass through them."""
    total = 0

    def count(layer, _, out):
        nonlocal total
        total += out[0].numel() * layer.weight[0].numel()

    hooks = [layer.register_forward_hook(count) for layer in module.modules() if isinstance(layer, kinds)]
    with torch.no_grad():
        module.eval()(sample)
    for hook in hooks:
        hook.remove()
    return total


def test_parameter_counts_are_the_papers():
    assert parameters(GhostNet()) == 303_964
    assert parameters(FrameAttention()) == 10_954
    assert {variant: parameters(SpeechCNN(variant)) for variant in ("s1", "s2", "s3")} == {
        "s1": 455_368, "s2": 604_168, "s3": 740_232,
    }  # fmt: skip
    assert parameters(GhostNet()) + parameters(FrameAttention()) + parameters(SpeechCNN()) == 919_086


def test_triplet_attention_has_300_parameters_and_stands_in_nine_bottlenecks():
    assert parameters(TripletAttention()) == 300
    assert parameters(GhostNet()) - parameters(GhostNet(attention=False)) == 9 * 300


def test_parameters_of_each_layer():
    net = GhostNet()
    found = [parameters(net.stem), *(parameters(block) for block in net.blocks), parameters(net.head)]
    assert found == [464, 1404, 3464, 3808, 6616, 18200, 18200, 13008, 12348, 37404, 66300, 66300, 56448]


def test_macs_of_one_frame_and_one_voice():
    """A frame's convolutions; a voice's convolutions and the two linear layers, 64 x 128 and 128 x 8."""
    assert macs(GhostNet(), torch.zeros(1, 3, 224, 224), CONVOLUTIONS) / 1e6 == pytest.approx(47.43, abs=0.005)
    voice = macs(SpeechCNN(), torch.zeros(1, 40), CONVOLUTIONS)
    assert voice == 6_788_096
    assert (voice + 64 * 128 + 128 * 8) / 1e6 == pytest.approx(6.797, abs=0.0005)
    with_linear = macs(SpeechCNN(), torch.zeros(1, 40), (*CONVOLUTIONS, torch.nn.Linear))
    assert with_linear == voice + 64 * 128 + 128 * 8


def test_the_backbone_has_the_same_parameters_at_every_resolution():
    net = GhostNet().eval()
    with torch.no_grad():
        assert net(torch.zeros(2, 3, 224, 224)).shape == net(torch.zeros(2, 3, 96, 96)).shape == (2, 576)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


@pytest.mark.parametrize("length", [1, 2, 15])
def test_frame_attention_is_its_formula(length):
    """alpha and beta weigh in the numerator and in the denominator."""
    torch.manual_seed(0)
    net = FrameAttention().eval()
    weights = {key: value.numpy().astype(np.float64) for key, value in net.state_dict().items()}
    frames = np.random.default_rng(0).normal(size=(length, 576))
    alpha = sigmoid(frames @ weights["alpha.weight"].T + weights["alpha.bias"])
    anchor = (alpha * frames).sum(0) / alpha.sum()
    related = np.concatenate((frames, np.tile(anchor, (length, 1))), axis=1)
    beta = sigmoid(related @ weights["beta.weight"].T + weights["beta.bias"])
    pooled = (alpha * beta * related).sum(0) / (alpha * beta).sum()
    expected = pooled @ weights["fc.weight"].T + weights["fc.bias"]
    with torch.no_grad():
        found = net(torch.from_numpy(frames).float()[None])[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_on_one_frame_the_frame_attention_cancels():
    net = FrameAttention()
    frame = torch.randn(3, 1, 576)
    net(frame).sum().backward()
    assert net.alpha.weight.grad.abs().max() < 1e-5
    assert net.beta.weight.grad.abs().max() < 1e-5
    assert net.fc.weight.grad.abs().max() > 0.1


def test_triplet_attention_is_the_mean_of_its_gates():
    """With zero convolutions every gate is sigmoid(0) = 1/2, and there is no residual path."""
    net = TripletAttention().eval()
    with torch.no_grad():
        for gate in (net.channel, net.height, net.width):
            gate.conv.weight.zero_()
        x = torch.randn(2, 5, 6, 7)
        np.testing.assert_allclose(net(x).numpy(), 0.5 * x.numpy(), atol=1e-6)


def test_each_gate_varies_over_its_own_plane():
    net = TripletAttention().eval()
    x = torch.rand(1, 5, 6, 7) + 0.5
    with torch.no_grad():
        for axis, gate in ((1, net.channel), (2, net.height), (3, net.width)):
            share = gate(x) / x
            assert torch.allclose(share, share.mean(axis, keepdim=True).expand_as(share), atol=1e-6)
            assert share.std() > 1e-4


@pytest.mark.parametrize(("length", "width", "size"), [(1, 1, 7), (9, 3, 7), (4, 12, 7), (2, 30, 3), (16, 2, 1)])
def test_a_banded_convolution_is_the_convolution(length, width, size):
    generator = torch.Generator().manual_seed(length)
    planes = torch.randn(3, 2, length, width, generator=generator, requires_grad=True)
    weight = torch.randn(1, 2, size, size, generator=generator, requires_grad=True)
    outer = torch.randn(3, 1, length, width, generator=generator)
    results = []
    for made in (banded_conv(planes, weight), torch.nn.functional.conv2d(planes, weight, padding=size // 2)):
        results.append((made, *torch.autograd.grad((made * outer).sum(), (planes, weight))))
    for banded, plain in zip(*results, strict=True):
        assert banded.shape == plain.shape
        torch.testing.assert_close(banded, plain, atol=1e-4, rtol=1e-4)


def test_a_gate_in_training_is_the_gate_with_the_same_statistics():
    gate = AxisGate(3)
    x = torch.randn(2, 5, 6, 7)
    with torch.no_grad():
        trained = gate.train()(x)
        gate.bn.momentum = None  # the running statistics become those of this batch
        gate.bn.reset_running_stats()
        gate(x)
        gate.bn.running_var *= (2 * 5 * 6 - 1) / (2 * 5 * 6)  # unbiased, as kept, to biased, as training uses it
        torch.testing.assert_close(gate.eval()(x), trained, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("variant", ["s1", "s2", "s3"])
def test_the_speech_network_gives_eight_logits(variant):
    net = SpeechCNN(variant).eval()
    with torch.no_grad():
        assert net(torch.randn(3, 40)).shape == (3, 8)
        assert net.features(torch.randn(1, 1, 40)).shape[2] == 3


def test_prelu_has_one_weight_per_element():
    layers = [layer for layer in SpeechCNN().features if type(layer).__name__ == "ElementPReLU"]
    assert [tuple(layer.weight.shape)[1] for layer in layers] == [40, 20, 20, 10, 10, 5, 5, 3]
    with torch.no_grad():
        layers[0].weight[2, 7] = 3.0
        out = layers[0](torch.full((1, 128, 40), -1.0))
    assert out[0, 2, 7] == -3.0 and out[0, 2, 8] == -0.25


def test_frame_attention_stays_finite_where_every_weight_underflows():
    """With alpha logits of -1000 every sigmoid is 0 as a float; the weighted mean is still that of the frames."""
    fan = FrameAttention(features=3, classes=2)
    with torch.no_grad():
        fan.alpha.weight.fill_(-1000.0)
        fan.beta.weight.zero_()
    embeddings = torch.tensor([[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]])
    torch.testing.assert_close(fan.pool(embeddings), torch.ones(1, 6))
