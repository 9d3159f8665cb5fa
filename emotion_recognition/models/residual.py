"""Compact residual backbone for grey faces: dense 3x3 convolutions, few and narrow, with squeeze-excitation.

He et al., "Deep Residual Learning for Image Recognition", https://arxiv.org/abs/1512.03385 (basic blocks); Hu et al.,
"Squeeze-and-Excitation Networks", https://arxiv.org/abs/1709.01507; He et al., "Bag of Tricks for Image
Classification", https://arxiv.org/abs/1812.01187 (average pooling before the shortcut's 1x1 convolution). It works at
the 48 pixels that FER2013 has instead of enlarging them.
"""

import torch
from torch import nn

from emotion_recognition.models.ghostnet import conv_bn

STEM_CHANNELS = 16
STAGES = ((32, 2), (48, 3), (72, 2))  # channels and blocks; each stage halves height and width
EMBEDDING = STAGES[-1][0]
REDUCTION = 8


class SqueezeExcitation(nn.Module):
    """Scales each channel by a gate computed from all channels' means."""

    def __init__(self, channels: int, reduction: int = REDUCTION):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // reduction, 1)
        self.excite = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scale ``x`` of shape (N, C, H, W); same shape out."""
        gate = self.excite(torch.relu(self.squeeze(x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(gate)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm, squeeze-excitation, and the shortcut."""

    def __init__(self, cin: int, cout: int, stride: int | tuple[int, int]):
        super().__init__()
        self.first = conv_bn(cin, cout, 3, stride, relu=True)
        self.second = conv_bn(cout, cout, 3)
        self.gate = SqueezeExcitation(cout)
        self.shortcut = nn.Identity()
        if cin != cout or stride != 1:
            # Nothing is padded; but of a last column cut short older ONNX Runtimes would count the missing part, too:
            # https://github.com/microsoft/onnxruntime/pull/29629
            pool = nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)
            pool = nn.Identity() if stride == 1 else pool
            self.shortcut = nn.Sequential(pool, conv_bn(cin, cout, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (N, cin, H, W) to (N, cout, H / stride, W / stride), rounded up."""
        return torch.relu(self.gate(self.second(self.first(x))) + self.shortcut(x))


class FaceResNet(nn.Module):
    """Backbone: one embedding of 72 values a frame from the frame's luma, 333,452 parameters."""

    def __init__(self):
        super().__init__()
        self.stem = conv_bn(1, STEM_CHANNELS, 3, relu=True)
        blocks = []
        cin = STEM_CHANNELS
        for channels, count in STAGES:
            for index in range(count):
                blocks.append(BasicBlock(cin, channels, 2 if index == 0 else 1))
                cin = channels
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return embeddings (N, 72) of normalised frames (N, 3, H, W); the three channels are averaged."""
        return self.blocks(self.stem(x.mean(1, keepdim=True))).mean((2, 3))
