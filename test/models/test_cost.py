import json

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from emotion_recognition.models.configurations import CONFIGURATIONS  # noqa: E402
from emotion_recognition.models.cost import (  # noqa: E402
    FILE,
    Cost,
    cost,
    count_activations,
    count_by_formula,
    count_macs,
    count_operations,
    count_parameters,
    part_costs,
)
from emotion_recognition.models.speech_cnn import ElementPReLU  # noqa: E402


def test_the_papers_own_figures():
    assert count_parameters("F4") + count_parameters("S2") == 919_086
    assert round((count_macs("F4") + count_macs("S2")) / 1e9, 3) == 0.773
    assert round((cost("F4").macs + cost("S2").macs) / 1e9, 3) == 0.718


def test_operations_by_hand():
    network = nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5)
    )
    # 4 x 4 x 4 outputs of 3 x 3 x 1 products each; twice 64 elements; 64 x 5 products.
    assert count_operations(network.eval(), torch.zeros(1, 2, 8, 8)) == (64 * 9 + 320, 128)
    assert not network[1]._forward_hooks


def test_formulas_by_hand():
    network = nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), nn.BatchNorm2d(4), nn.PReLU(), nn.Flatten(), nn.Linear(64, 5)
    ).eval()
    # 4 kernels of 3 x 3 on one channel with bias, 2 x 4, 1, 64 x 5 with bias.
    by_formula = Cost(40 + 8 + 1 + 325, 64 * 9 + 320, 128)
    assert count_by_formula(network, torch.zeros(1, 2, 8, 8)) == by_formula
    # Two examples: the operations of both, the parameters once.
    assert count_by_formula(network, torch.zeros(2, 2, 8, 8)) == Cost(by_formula.parameters, 2 * 896, 256)
    assert not any(layer._forward_hooks for layer in network)


def test_prelu_has_a_weight_an_element():
    assert count_by_formula(ElementPReLU(3, 5), torch.zeros(1, 3, 5)) == Cost(15, 0, 0)


def test_a_layer_without_a_formula_is_refused():
    with pytest.raises(ValueError, match="no formula for a layer LSTM"):
        count_by_formula(nn.Sequential(nn.LSTM(3, 3)), torch.zeros(1, 2, 3))


def test_activations_by_hand():
    network = nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5)
    ).eval()
    # 2 x 8 x 8 read, 4 x 4 x 4 written, 64 read, 5 written; batch norm and ReLU on the way.
    assert count_activations(network, torch.zeros(1, 2, 8, 8)) == 128 + 64 + 64 + 5


def test_formulas_agree_with_what_was_counted():
    # speech-resnet also multiplies its input by a fixed matrix, 40 x 40 x 94, which is no layer.
    fixed = {"speech-resnet": 40 * 40 * 94}
    for name in CONFIGURATIONS:
        for part, found in part_costs(name).items():
            counted = {key: found[key] for key in ("parameters", "macs", "batch_norm")}
            counted["macs"] -= fixed.get(name, 0)
            assert found["formula"] == counted, (name, part)


def test_classes_change_the_last_layer_only():
    assert count_parameters("S2", 8) - count_parameters("S2", 6) == 2 * 129
    assert count_macs("S2", 8) - count_macs("S2", 6) == 2 * 128


def test_committed_costs_are_those_of_the_networks():
    committed = json.loads(FILE.read_text())
    assert set(committed["models"]) == set(committed["parts"]) == set(CONFIGURATIONS)
    for name, found in committed["models"].items():
        assert found == {"parameters": count_parameters(name), "operations": count_macs(name)}, name
    for name, found in committed["parts"].items():
        assert found == part_costs(name), name


def test_a_reading_changes_what_a_model_costs():
    strided = {"depthwise": "strided"}
    assert count_parameters("F4", readings=strided) + count_parameters("S2") == 885_358
    assert count_macs("F4", readings=strided) < count_macs("F4")
    assert cost("S2", readings={"prelu": "channel"}).parameters == 591_112


def test_unknown_model():
    with pytest.raises(ValueError, match="'F9' is not known"):
        cost("F9")
