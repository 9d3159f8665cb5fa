"""Triplet attention rewritten for the robot: the same numbers from fewer and better shaped operations.

Two of its three gates convolve planes of channels by a few rows or columns with a 7x7 kernel. At a frame's fixed size
each of them is one convolution along the channels, whose kernel is a band, with the batch norm folded in
(``models.attention.banded_conv`` has the derivation).
"""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from emotion_recognition.models.attention import AxisGate, band_of


class BandedGate(nn.Module):
    """An axis gate in evaluation at one size, as a convolution along the channels.

    Args:
        gate: the gate; its ``axis`` is 2 or 3.
        width: length of the axis that stays beside the channels.
    """

    def __init__(self, gate: AxisGate, width: int):
        super().__init__()
        self.axis = gate.axis
        scale = gate.bn.weight / torch.sqrt(gate.bn.running_var + gate.bn.eps)
        self.register_buffer("band", (band_of(gate.conv.weight, width) * scale).detach())
        self.register_buffer("bias", (gate.bn.bias - gate.bn.running_mean * scale).expand(width).detach().clone())
        self.padding = gate.conv.padding[0]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scale ``x`` of shape (N, C, H, W) by its gate; same shape out."""
        # (N, C, width) each; the band takes (N, 2 width, C).
        pooled = torch.cat((x.amax(self.axis), x.mean(self.axis)), 2).transpose(1, 2)
        gate = torch.sigmoid(F.conv1d(pooled, self.band, self.bias, padding=self.padding))
        return x * gate.transpose(1, 2).unsqueeze(self.axis)


def banded(module: nn.Module, sample: torch.Tensor) -> nn.Module:
    """Return a copy of a module in evaluation mode whose axis gates over channels are :class:`BandedGate`.

    Args:
        module: any module; without such gates the copy is the same.
        sample: an input of the size that the copy is for.
    """
    rewritten = copy.deepcopy(module).eval()
    widths: dict[str, int] = {}

    def note(name: str, axis: int):
        return lambda gate, inputs: widths.__setitem__(name, inputs[0].shape[5 - axis])

    gates = {
        name: gate for name, gate in rewritten.named_modules() if isinstance(gate, AxisGate) and gate.axis in (2, 3)
    }
    hooks = [gate.register_forward_pre_hook(note(name, gate.axis)) for name, gate in gates.items()]
    with torch.inference_mode():
        rewritten(sample)
    for hook in hooks:
        hook.remove()
    for name, gate in gates.items():
        parent, _, attribute = name.rpartition(".")
        setattr(rewritten.get_submodule(parent), attribute, BandedGate(gate, widths[name]))
    return rewritten
