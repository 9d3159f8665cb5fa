"""Attention modules of the visual classifier.

Triplet attention: Misra et al., "Rotate to Attend", https://arxiv.org/abs/2010.03045.
Frame attention: Meng et al., "Frame Attention Networks for Facial Expression Recognition in Videos",
https://arxiv.org/abs/1907.00193. Both as Lu, Lu & Lin combine them (eq. 4 for the gates' mean).
"""

import torch
from torch import nn
from torch.nn import functional as F


def log_sigmoid(x: torch.Tensor) -> torch.Tensor:
    """Return log(sigmoid(x)), finite however small the sigmoid is, also after export to ONNX."""
    return -F.softplus(-x)


def banded_conv(planes: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return what ``conv2d(planes, weight)`` with equal padding gives, as a convolution along the third axis alone.

    The fourth axis becomes channels, and the kernel, laid out as a band, mixes them. On planes of few columns, as
    triplet attention has, the processor is 5 to 12 times as fast at this, forth and back.

    Args:
        planes: (N, C, A, B).
        weight: (1, C, K, K), K odd.

    Returns:
        (N, 1, A, B).
    """
    count, channels, length, width = planes.shape
    columns = planes.transpose(2, 3).reshape(count, channels * width, length)
    mixed = F.conv1d(columns, band_of(weight, width), padding=weight.shape[-1] // 2)
    return mixed.transpose(1, 2).unsqueeze(1)


def band_of(weight: torch.Tensor, width: int) -> torch.Tensor:
    """Return a kernel (1, C, K, K), K odd, laid out as a band (width, C * width, K) for planes of ``width`` columns."""
    channels, size = weight.shape[1], weight.shape[-1]
    place = torch.arange(width, device=weight.device)
    column = place - place.unsqueeze(1) + size // 2  # of the kernel, for each (column out, column in)
    is_inside = (column >= 0) & (column < size)
    band = weight[0][:, :, column.clamp(0, size - 1)] * is_inside  # (C, K, out, in)
    return band.permute(2, 0, 3, 1).reshape(width, channels * width, size)


class AxisGate(nn.Module):
    """Gate over the plane that remains when one axis is pooled away.

    Max and mean over ``axis`` become two maps, a 7x7 convolution without bias makes one of them, and its
    batch-normalised sigmoid scales the input.
    """

    def __init__(self, axis: int, kernel_size: int = 7):
        super().__init__()
        self.axis = axis
        self.conv = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)
        self.bn = nn.BatchNorm2d(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scale ``x`` of shape (N, C, H, W) by its gate; same shape out."""
        pooled = torch.stack((x.amax(self.axis), x.mean(self.axis)), dim=1)
        mixed = banded_conv(pooled, self.conv.weight) if self.training else self.conv(pooled)
        gate = torch.sigmoid(self.bn(mixed))
        return x * gate.squeeze(1).unsqueeze(self.axis)


class TripletAttention(nn.Module):
    """Mean of the three axis gates (eq. 4): 300 parameters.

    The paper's text speaks of a residual connection; its equation has none, and the parameter count cannot tell
    the two apart. The equation is followed unless ``residual`` asks for the input to be added.
    """

    def __init__(self, residual: bool = False):
        super().__init__()
        self.residual = residual
        self.channel = AxisGate(1)
        self.height = AxisGate(2)
        self.width = AxisGate(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attend to ``x`` of shape (N, C, H, W); same shape out."""
        gated = (self.channel(x) + self.height(x) + self.width(x)) / 3.0
        return x + gated if self.residual else gated


class FrameAttention(nn.Module):
    """Frame attention network: class logits of a clip from its frames' embeddings.

    ``alpha`` weighs each frame by itself; their weighted mean is the clip's anchor ``vm``; ``beta`` weighs each frame
    against that anchor; the classifier reads the mean of ``[f; vm]`` weighted by ``alpha * beta``. Both weights enter
    the numerator in training and in evaluation alike. The weighted means are computed as softmax over the weights'
    logarithms, which is the same and stays finite where all of a clip's weights are too small for a float.

    Args:
        features: length of one frame's embedding.
        classes: number of classes.
        alpha_in_clip: ``alpha`` weighs the clip's vector along with ``beta``; without it ``beta`` does so alone.
    """

    def __init__(self, features: int = 576, classes: int = 8, alpha_in_clip: bool = True):
        super().__init__()
        self.alpha_in_clip = alpha_in_clip
        self.alpha = nn.Linear(features, 1)
        self.beta = nn.Linear(2 * features, 1)
        self.fc = nn.Linear(2 * features, classes)

    def pool(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Pool embeddings (N, T, features), T >= 1, to clip vectors (N, 2 * features)."""
        log_alpha = log_sigmoid(self.alpha(embeddings))
        anchor = (torch.softmax(log_alpha, 1) * embeddings).sum(1, keepdim=True)
        related = torch.cat((embeddings, anchor.expand_as(embeddings)), dim=2)
        log_weight = log_sigmoid(self.beta(related))
        if self.alpha_in_clip:
            log_weight = log_weight + log_alpha
        return (torch.softmax(log_weight, 1) * related).sum(1)

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of embeddings (N, T, features), T >= 1."""
        return self.fc(self.pool(embeddings))


class FrameMean(nn.Module):
    """Class logits of a clip from the mean of its frames' embeddings, for networks without frame attention."""

    def __init__(self, features: int = 576, classes: int = 8):
        super().__init__()
        self.fc = nn.Linear(features, classes)

    def forward(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of embeddings (N, T, features), T >= 1."""
        return self.fc(embeddings.mean(1))
