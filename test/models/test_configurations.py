"""Contract of every registered model, in every reading and for both class counts."""

import itertools

import pytest

torch = pytest.importorskip("torch")

from emotion_recognition.models import configurations as c  # noqa: E402
from emotion_recognition.models.factory import create_model  # noqa: E402


def readings_of(name):
    keys = list(c.checked_readings(name, {}))
    return [dict(zip(keys, values, strict=True)) for values in itertools.product(*(c.READINGS[key] for key in keys))]


COMBINATIONS = [
    pytest.param(name, classes, readings, id="-".join([name, str(classes), *map(str, readings.values())]))
    for name in c.CONFIGURATIONS
    for classes in (8, 6)
    for readings in readings_of(name)
]


def parameters(module):
    return sum(value.numel() for value in module.parameters())


def example(name, count):
    generator = torch.Generator().manual_seed(count)
    if name in c.FACE:
        return torch.rand(count, 3, 3, 48, 48, generator=generator) * 2 - 1
    shape = (40, 33) if c.SPEECH[name].reads_matrix else (40,)
    return torch.randn(count, *shape, generator=generator) * 10


@pytest.mark.parametrize(("name", "classes", "readings"), COMBINATIONS)
def test_every_combination_gives_finite_logits_that_depend_on_the_input_alone(name, classes, readings):
    torch.manual_seed(0)
    network = create_model(name, classes, **readings).eval()
    inputs = example(name, 3)
    with torch.inference_mode():
        together = network(inputs)
        apart = torch.cat([network(inputs[index : index + 1]) for index in range(3)])
    assert together.shape == (3, classes)
    assert torch.isfinite(together).all()
    assert torch.allclose(together, apart, atol=1e-4)
    assert not torch.allclose(together[0], together[1])


@pytest.mark.parametrize(("name", "classes", "readings"), COMBINATIONS)
def test_every_weight_of_every_combination_is_learnt(name, classes, readings):
    torch.manual_seed(0)
    network = create_model(name, classes, dropout=0.0, **readings).train()
    network(example(name, 4)).square().sum().backward()
    still = {key for key, value in network.named_parameters() if value.grad is None}
    if readings.get("frame_weights") == "beta":
        # alpha still makes the clip's anchor, so it is learnt through that.
        assert "fan.alpha.weight" not in still
    assert still == set()


@pytest.mark.parametrize(
    ("name", "readings", "count"),
    [
        ("F4", {}, 314_918), ("S1", {}, 455_368), ("S2", {}, 604_168), ("S3", {}, 740_232),
        ("S1", {"prelu": "channel"}, 443_144), ("S2", {"prelu": "channel"}, 591_112),
        ("S3", {"prelu": "channel"}, 726_792), ("resnet-fan", {}, 334_830),
    ],
)  # fmt: skip
def test_parameters(name, readings, count):
    assert parameters(create_model(name, **readings)) == count


def test_the_default_readings_give_the_papers_total_and_huaweis_bottleneck_the_other():
    speech = parameters(create_model("S2"))
    assert parameters(create_model("F4")) + speech == 919_086
    assert parameters(create_model("F4", depthwise="strided")) + speech == 885_358


def test_the_papers_switches_differ_by_their_modules():
    counts = {name: parameters(create_model(name)) for name in ("F1", "F2", "F3", "F4")}
    assert counts["F2"] - counts["F1"] == counts["F4"] - counts["F3"] == 9 * 300
    assert counts["F3"] - counts["F1"] == counts["F4"] - counts["F2"] == 577 + 1153 + 576 * 8


def test_residual_triplet_attention_adds_its_input():
    torch.manual_seed(0)
    plain = create_model("F2").backbone.blocks[0].attention
    residual = create_model("F2", triplet_residual=True).backbone.blocks[0].attention
    residual.load_state_dict(plain.state_dict())
    x = torch.randn(2, 16, 7, 7)
    assert torch.allclose(residual.eval()(x), plain.eval()(x) + x)


def test_without_alpha_in_the_clip_only_beta_weighs_it():
    torch.manual_seed(0)
    fan = create_model("resnet-fan", frame_weights="beta").fan
    frames = torch.randn(2, 5, 72)
    alpha = torch.sigmoid(fan.alpha(frames))
    anchor = (alpha * frames).sum(1, keepdim=True) / alpha.sum(1, keepdim=True)
    related = torch.cat((frames, anchor.expand_as(frames)), 2)
    beta = torch.sigmoid(fan.beta(related))
    assert torch.allclose(fan(frames), fan.fc((beta * related).sum(1) / beta.sum(1)), atol=1e-5)


def test_names_of_the_paper_and_of_the_package_mean_the_same():
    assert {c.own_name(paper) for paper in ("f1", "F2", "F3", "f4", "s1", "S2", "S3")} == set(c.CONFIGURATIONS) - {
        "resnet-fan",
        "speech-resnet",
    }
    assert c.configuration("F4") is c.configuration("ghostnet-tam-fan")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: create_model("F5"), "'F5' is not known; expected one of ghostnet .F1."),
        (lambda: create_model("F4", prelu="element"), "no reading 'prelu'; it has depthwise"),
        (lambda: create_model("S2", prelu="row"), "prelu is 'row', expected one of 'element', 'channel'"),
        (lambda: create_model("S2", classes=1), "classes 1"),
        (lambda: create_model("S2", dropout=1.0), "dropout 1.0"),
        (lambda: create_model("speech-resnet", prelu="channel"), "it has none"),
        (lambda: create_model("F1", triplet_residual=True), "F1 has no reading 'triplet_residual'; it has depthwise$"),
        (lambda: create_model("F2", frame_weights="beta"), "no reading 'frame_weights'; it has depthwise, triplet_res"),
        (lambda: create_model("F4", triplet_residual=1), "triplet_residual is 1, expected one of False, True"),
        (lambda: create_model("F4", depthwise=["every"]), "depthwise is .'every'., expected one of 'every', 'strided'"),
    ],
)
def test_wrong_names_and_readings_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_readings_are_those_that_change_something():
    assert {name: found.readings for name, found in c.CONFIGURATIONS.items()} == {
        "ghostnet": ("depthwise",), "ghostnet-tam": ("depthwise", "triplet_residual"),
        "ghostnet-fan": ("depthwise", "frame_weights"),
        "ghostnet-tam-fan": ("depthwise", "triplet_residual", "frame_weights"), "resnet-fan": ("frame_weights",),
        "speech-cnn-s1": ("prelu",), "speech-cnn-s2": ("prelu",), "speech-cnn-s3": ("prelu",), "speech-resnet": (),
    }  # fmt: skip
    assert c.checked_readings("F2", {"depthwise": "strided"}) == {"depthwise": "strided", "triplet_residual": False}
    assert c.other_readings("F2", {"depthwise": "strided", "triplet_residual": False}) == {"depthwise": "strided"}
    assert c.other_readings("speech-resnet", {}) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prelu=channel", ("prelu", "channel")), ("triplet_residual=true", ("triplet_residual", True)),
        ("triplet_residual=false", ("triplet_residual", False)), ("frame_weights=beta", ("frame_weights", "beta")),
    ],
)  # fmt: skip
def test_readings_in_words(text, expected):
    assert c.parse_reading(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prelu", "reading 'prelu': prelu is '', expected one of element, channel"),
        ("triplet_residual=True", "triplet_residual is 'True', expected one of false, true"),
        ("relu=channel", "'relu=channel': expected one of depthwise=every.strided, triplet_residual=false.true, fra"),
        ("", "reading '': expected one of depthwise="),
    ],
)
def test_wrong_readings_in_words_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        c.parse_reading(text)


def test_the_speech_network_undoes_the_cosine_transform_and_the_level():
    from emotion_recognition.features.mfcc import dct_matrix

    network = create_model("speech-resnet")
    # A bump over the mel bands that moves, smooth enough for 40 coefficients.
    mels = torch.arange(128.0).unsqueeze(1)
    bands = 20 * torch.exp(-(((mels - 60 - torch.arange(30.0)) / 12) ** 2))
    mfcc = torch.from_numpy(dct_matrix(40, 128)).float() @ bands
    found = network.to_bands(mfcc.unsqueeze(0))[0] * 15.0
    place = (torch.arange(40) + 0.5) / 40 * 128 - 0.5
    expected = 20 * torch.exp(-(((place.unsqueeze(1) - 60 - torch.arange(30.0)) / 12) ** 2))
    assert torch.allclose(found + bands.mean(), expected, atol=0.1)
    louder = mfcc.clone()
    louder[0] += 12.0 * 128**0.5
    assert torch.allclose(network.to_bands(louder.unsqueeze(0))[0] * 15.0, found, atol=1e-3)
