"""The network that a training starts from, and the one that the robot loads."""

import pytest

torch = pytest.importorskip("torch")

from emotion_recognition.emotions import SIX  # noqa: E402
from emotion_recognition.models.factory import create_model  # noqa: E402
from emotion_recognition.training.loop import Optimisation  # noqa: E402
from emotion_recognition.training.networks import start_network, widened  # noqa: E402

SEVEN, EIGHT = Optimisation(((1, 1e-3),), seed=7), Optimisation(((1, 1e-3),), seed=8)


@pytest.mark.parametrize("name", ["resnet-fan", "ghostnet-tam-fan", "speech-cnn-s1", "speech-resnet"])
def test_the_weights_are_those_that_torch_draws_after_the_seed(name):
    torch.manual_seed(7)
    drawn = create_model(name, 6, 0.3).state_dict()
    found = start_network(SEVEN, name, 6, 0.3).state_dict()
    assert list(found) == list(drawn) and all(torch.equal(found[key], drawn[key]) for key in drawn)
    other = start_network(EIGHT, name, 6, 0.3).state_dict()
    assert any(not torch.equal(found[key], other[key]) for key in found)


def test_first_values_that_a_seed_gave_before():
    weight = start_network(Optimisation(((1, 1e-3),)), "speech-cnn-s2").features[0].weight
    assert weight.flatten()[:3].tolist() == pytest.approx([0.23043270, -0.19739035, -0.08669749], abs=1e-7)


def test_other_draws_go_on_as_if_none_were_made():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    start_network(SEVEN, "speech-cnn-s1")
    assert torch.equal(torch.rand(4), expected)


def test_planes_have_their_channels_last_and_nothing_else_is_laid_out():
    face = start_network(SEVEN, "resnet-fan")
    assert all(
        layer.weight.is_contiguous(memory_format=torch.channels_last)
        for layer in face.modules()
        if isinstance(layer, torch.nn.Conv2d)
    )
    assert all(value.is_contiguous() for value in start_network(SEVEN, "speech-cnn-s1").parameters())


def test_classes_dropout_and_readings_are_passed_on():
    network = start_network(SEVEN, "speech-cnn-s1", 6, 0.45, {"prelu": "channel"})
    kinds = {type(layer) for layer in network.features}
    assert network.fc.out_features == 6 and torch.nn.PReLU in kinds
    assert {layer.p for layer in network.features if isinstance(layer, torch.nn.Dropout)} == {0.45}
    with pytest.raises(ValueError, match="no reading 'prelu'"):
        start_network(SEVEN, "resnet-fan", readings={"prelu": "channel"})


def test_a_network_of_fewer_columns_is_widened():
    torch.manual_seed(0)
    for name, example in (("speech-cnn-s1", torch.randn(2, 40)), ("ghostnet-fan", torch.randn(2, 3, 3, 32, 32))):
        narrow = create_model(name, 6).eval()
        with torch.inference_mode():
            wide = widened(narrow, name, SIX)(example)
            assert torch.allclose(wide[:, torch.tensor(SIX) - 1], narrow(example), atol=1e-6)
            assert (wide[:, [1, 7]] == 0).all()


def test_a_network_is_widened_in_its_readings():
    torch.manual_seed(0)
    narrow, example = create_model("speech-cnn-s1", 6, prelu="channel").eval(), torch.randn(2, 40)
    with torch.inference_mode():
        wide = widened(narrow, "speech-cnn-s1", SIX, {"prelu": "channel"})(example)
        assert torch.allclose(wide[:, torch.tensor(SIX) - 1], narrow(example), atol=1e-6)
    residual = create_model("F2", 6, triplet_residual=True)
    assert widened(residual, "F2", SIX, {"triplet_residual": True}).backbone.blocks[0].attention.residual
