"""GhostNet backbone with triplet attention.

Paper: Lu, Lu & Lin, "Lightweight Multimodal Emotion Recognition for Companion Robots", table of the visual network;
Han et al., "GhostNet: More Features from Cheap Operations", https://arxiv.org/abs/1911.11907.

Unlike Huawei's reference network, every bottleneck has the KxK depthwise convolution, also at stride 1. Only that
reading gives the paper's parameter count (303,964 for the backbone, 919,086 for both networks; 885,358 otherwise).
"""

from dataclasses import dataclass

import torch
from torch import nn

from emotion_recognition.models.attention import TripletAttention


@dataclass(frozen=True)
class Bottleneck:
    """Settings of one ghost bottleneck: kernel, expanded and output channels, stride, triplet attention."""

    kernel: int
    expanded: int
    out: int
    stride: int
    attention: bool


STEM_CHANNELS = 16
EMBEDDING = 576
BOTTLENECKS = (
    Bottleneck(3, 16, 16, 2, True),
    Bottleneck(3, 72, 24, 2, False),
    Bottleneck(3, 88, 24, 1, False),
    Bottleneck(3, 96, 40, 2, True),
    Bottleneck(5, 240, 40, 1, True),
    Bottleneck(5, 240, 40, 1, True),
    Bottleneck(5, 120, 48, 1, True),
    Bottleneck(5, 144, 48, 1, True),
    Bottleneck(5, 288, 96, 2, True),
    Bottleneck(3, 576, 96, 1, True),
    Bottleneck(3, 576, 96, 1, True),
)


def conv_bn(cin: int, cout: int, kernel: int, stride: int = 1, groups: int = 1, relu: bool = False) -> nn.Sequential:
    """Return convolution without bias, batch norm and, if asked, ReLU; padding keeps the size at stride 1."""
    layers = [
        nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(cout),
    ]
    if relu:
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


class GhostModule(nn.Module):
    """Half of the output from a 1x1 convolution, the other half from a depthwise 3x3 on that half."""

    def __init__(self, cin: int, cout: int, relu: bool):
        super().__init__()
        half = cout // 2
        self.primary = conv_bn(cin, half, 1, relu=relu)
        self.cheap = conv_bn(half, half, 3, groups=half, relu=relu)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, cin, H, W) to (N, cout, H, W)."""
        primary = self.primary(x)
        return torch.cat((primary, self.cheap(primary)), dim=1)


class GhostBottleneck(nn.Module):
    """Ghost expansion, depthwise KxK, optional triplet attention, linear ghost projection, plus the shortcut."""

    def __init__(self, cin: int, setting: Bottleneck, depthwise_everywhere: bool, triplet_residual: bool):
        super().__init__()
        self.expand = GhostModule(cin, setting.expanded, relu=True)
        self.depthwise = nn.Identity()
        if setting.stride > 1 or depthwise_everywhere:
            self.depthwise = conv_bn(
                setting.expanded, setting.expanded, setting.kernel, setting.stride, groups=setting.expanded
            )
        self.attention = TripletAttention(triplet_residual) if setting.attention else nn.Identity()
        self.project = GhostModule(setting.expanded, setting.out, relu=False)
        if setting.stride == 1 and cin == setting.out:
            self.shortcut = nn.Identity()
        else:
            self.shortcut = nn.Sequential(
                conv_bn(cin, cin, setting.kernel, setting.stride, groups=cin),
                conv_bn(cin, setting.out, 1),
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, cin, H, W) to (N, out, H / stride, W / stride)."""
        y = self.project(self.attention(self.depthwise(self.expand(x))))
        return y + self.shortcut(x)


class GhostNet(nn.Module):
    """Backbone: one embedding of 576 values a frame, 303,964 parameters with triplet attention.

    Args:
        attention: with triplet attention (False builds the paper's model F1).
        depthwise_everywhere: KxK depthwise convolution in every bottleneck, not only at stride 2.
        triplet_residual: triplet attention adds its input.
    """

    def __init__(self, attention: bool = True, depthwise_everywhere: bool = True, triplet_residual: bool = False):
        super().__init__()
        self.stem = conv_bn(3, STEM_CHANNELS, 3, 2, relu=True)
        blocks = []
        cin = STEM_CHANNELS
        for setting in BOTTLENECKS:
            if not attention:
                setting = Bottleneck(setting.kernel, setting.expanded, setting.out, setting.stride, False)
            blocks.append(GhostBottleneck(cin, setting, depthwise_everywhere, triplet_residual))
            cin = setting.out
        self.blocks = nn.Sequential(*blocks)
        self.head = conv_bn(cin, EMBEDDING, 1, relu=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return embeddings (N, 576) of normalised RGB frames (N, 3, H, W); H and W from 32, 224 in use."""
        return self.head(self.blocks(self.stem(x))).mean((2, 3))
