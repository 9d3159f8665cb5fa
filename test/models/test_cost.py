import json

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from emotion_recognition.models.configurations import CONFIGURATIONS  # noqa: E402
from emotion_recognition.models.cost import (  # noqa: E402
    FILE,
    cost,
    count_macs,
    count_operations,
    count_parameters,
)


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


def test_classes_change_the_last_layer_only():
    assert count_parameters("S2", 8) - count_parameters("S2", 6) == 2 * 129
    assert count_macs("S2", 8) - count_macs("S2", 6) == 2 * 128


def test_committed_costs_are_those_of_the_networks():
    committed = json.loads(FILE.read_text())["models"]
    assert set(committed) == set(CONFIGURATIONS)
    for name, found in committed.items():
        assert found == {"parameters": count_parameters(name), "operations": count_macs(name)}, name


def test_a_reading_changes_what_a_model_costs():
    strided = {"depthwise": "strided"}
    assert count_parameters("F4", readings=strided) + count_parameters("S2") == 885_358
    assert count_macs("F4", readings=strided) < count_macs("F4")
    assert cost("S2", readings={"prelu": "channel"}).parameters == 591_112


def test_unknown_model():
    with pytest.raises(ValueError, match="'F9' is not known"):
        cost("F9")
