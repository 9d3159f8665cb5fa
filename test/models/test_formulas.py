"""The formulas alone: no torch, every expected number worked out by hand or printed by the paper."""

import pytest

from emotion_recognition.models.formulas import Cost, batch_norm, convolution, ghost_module, linear, prelu


def test_the_stem_of_the_papers_table():
    # 3x3, stride 2 on 224 x 224 x 3: 464 parameters, 5.419 M multiply-accumulates.
    stem = convolution(3, 16, (3, 3), 112 * 112) + batch_norm(16, 112 * 112)
    assert (stem.parameters, stem.macs) == (464, 5_419_008)
    assert stem.batch_norm == 2 * 16 * 112 * 112
    assert stem.operations == 5_419_008 + 401_408


def test_a_depthwise_convolution_has_one_channel_a_group():
    assert convolution(16, 16, (3, 3), 56 * 56, groups=16) == Cost(144, 144 * 3136, 0)
    assert convolution(1, 128, (5,), 40, bias=True) == Cost(5 * 128 + 128, 5 * 128 * 40, 0)


def test_a_ghost_module_is_half_pointwise_and_half_cheap():
    # 8 kernels of 16, and 8 of 3 x 3.
    assert ghost_module(16, 16, 10) == Cost(8 * 16 + 8 * 9, (8 * 16 + 8 * 9) * 10, 0)


def test_frame_attention_as_in_the_papers_table():
    fan = linear(576, 1, 15) + linear(1152, 1, 15) + linear(1152, 8)
    assert fan == Cost(577 + 1153 + 9224, 35_136, 0) and fan.parameters == 10_954


def test_prelu_costs_parameters_only():
    assert prelu(128 * 40) == Cost(5120, 0, 0)


def test_groups_that_do_not_divide_the_channels():
    with pytest.raises(ValueError, match="3 groups for 8 and 6 channels: expected a divisor of both"):
        convolution(8, 6, (1,), 1, groups=3)
