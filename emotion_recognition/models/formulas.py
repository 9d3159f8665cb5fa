"""Parameters and operations of a network's layers by formula, from their settings alone; nothing here needs torch.

The paper counts by its equations 9 to 16. What they give is known, 919,086 parameters and 0.773 G for F4 and S2 on 15
frames and one vector of speech; their text is not, so none of the formulas here carries one of its numbers. These are
the usual ones, each with its source, and together they give the paper's two figures exactly. ``models.cost`` applies
them to every layer of a network and compares them with what torch counts while the network runs.

An operation is a multiply-accumulate, or one of batch norm's two an element, as in the paper's 0.773 G.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

BATCH_NORM_OPERATIONS = 2


@dataclass(frozen=True)
class Cost:
    """Parameters, multiply-accumulates of convolutions and matrix products, and operations of batch norm."""

    parameters: int
    macs: int
    batch_norm: int

    @property
    def operations(self) -> int:
        """Everything that the paper's counter counts."""
        return self.macs + self.batch_norm

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.macs + other.macs, self.batch_norm + other.batch_norm)


@dataclass(frozen=True)
class Formula:
    """A layer's formula in words, and where it is from."""

    layer: str
    parameters: str
    operations: str
    source: str


MOBILENET = 'Howard et al., "MobileNets", https://arxiv.org/abs/1704.04861'
FORMULAS = (
    Formula(
        "convolution",
        "K Cin Cout / G, and Cout with bias",
        "K Cin Cout P / G",
        'Molchanov et al., "Pruning Convolutional Neural Networks for Resource Efficient Inference", appendix A.1, '
        "https://arxiv.org/abs/1611.06440 (there two operations a multiply-accumulate)",
    ),
    Formula("depthwise convolution", "K C", "K C P", f"{MOBILENET}: the convolution with G = Cin = Cout = C"),
    Formula(
        "ghost module, ratio 2",
        "(Cin + 9) Cout / 2",
        "(Cin + 9) P Cout / 2",
        'Han et al., "GhostNet", https://arxiv.org/abs/1911.11907: a 1x1 convolution makes one half, a depthwise 3x3 '
        "on it the other",
    ),
    Formula("linear", "I O, and O with bias", "I O R", "the convolution of one element and one position"),
    Formula("batch norm", "2 C", "2 C P", "https://github.com/facebookresearch/fvcore: scale and shift"),
    Formula("PReLU", "one an element, or one a channel", "not counted", "He et al., https://arxiv.org/abs/1502.01852"),
)
SYMBOLS = (
    "K elements of the kernel, Cin and Cout channels, G groups, P positions of the output (times frames), I inputs, "
    "O outputs, R rows (frames of a clip)"
)


def convolution(
    channels_in: int, channels_out: int, kernel: Sequence[int], positions: int, groups: int = 1, bias: bool = False
) -> Cost:
    """Return the cost of a convolution.

    Args:
        channels_in, channels_out: of the layer.
        kernel: its sides, one for each axis.
        positions: of the output, all axes and the whole batch.
        groups: ``channels_in`` for a depthwise convolution.
        bias: whether it has one.

    Raises:
        ValueError: the groups do not divide the channels.
    """
    if groups < 1 or channels_in % groups or channels_out % groups:
        raise ValueError(f"{groups} groups for {channels_in} and {channels_out} channels: expected a divisor of both")
    weights = prod(kernel) * channels_in // groups * channels_out
    return Cost(weights + bias * channels_out, weights * positions, 0)


def ghost_module(channels_in: int, channels_out: int, positions: int) -> Cost:
    """Return the cost of a ghost module of ratio 2, its two batch norms left out."""
    half = channels_out // 2
    return convolution(channels_in, half, (1, 1), positions) + convolution(half, half, (3, 3), positions, half)


def linear(inputs: int, outputs: int, rows: int = 1, bias: bool = True) -> Cost:
    """Return the cost of a linear layer applied to ``rows`` vectors."""
    return Cost(inputs * outputs + bias * outputs, inputs * outputs * rows, 0)


def batch_norm(channels: int, positions: int) -> Cost:
    """Return the cost of batch norm in evaluation mode; ``positions`` as in :func:`convolution`."""
    return Cost(2 * channels, 0, BATCH_NORM_OPERATIONS * channels * positions)


def prelu(weights: int) -> Cost:
    """Return the cost of a PReLU with that many weights."""
    return Cost(weights, 0, 0)
