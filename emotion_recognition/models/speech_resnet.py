"""Speech classifier for the robot: small 2-D residual networks over the matrix of MFCCs, resolved in time.

The mean over time that the paper's network reads loses how the voice moves. These read the whole matrix: the 40
coefficients are turned back into 40 smooth mel bands (an orthonormal DCT's inverse, part of the network), the sound's
mean level is subtracted, residual blocks with squeeze-excitation (``models.residual``) follow, and an attentive mean
and standard deviation over time gather it (Okabe et al., "Attentive Statistics Pooling for Deep Speaker Embedding",
https://arxiv.org/abs/1803.10963).
"""

import math

import torch
from torch import nn

from emotion_recognition.models.configurations import COEFFICIENTS
from emotion_recognition.models.ghostnet import conv_bn
from emotion_recognition.models.residual import BasicBlock

MELS = 128  # bands the coefficients were computed from
BANDS = 40
SCALE_DB = 15.0
MEMBERS = 3
STEM_CHANNELS = 16
BLOCKS = ((24, (2, 2)), (40, (2, 2)), (64, (2, 1)))  # channels, strides over bands and time
HIDDEN = 56
ATTENTION = 32
LEAST_VARIANCE = 1e-5


def band_matrix(bands: int = BANDS, coefficients: int = COEFFICIENTS, mels: int = MELS) -> torch.Tensor:
    """Return the matrix (bands, coefficients) from the DCT-II coefficients of ``mels`` bands to smooth bands in dB."""
    k = torch.arange(coefficients, dtype=torch.float64)
    place = (torch.arange(bands, dtype=torch.float64) + 0.5) / bands
    matrix = torch.cos(math.pi * place[:, None] * k) * math.sqrt(2 / mels)
    matrix[:, 0] /= math.sqrt(2)
    return matrix.float()


class AttentiveStatistics(nn.Module):
    """Mean and standard deviation over time, each channel's frames weighted by attention: (N, C, T) to (N, 2 C)."""

    def __init__(self, channels: int, hidden: int = ATTENTION):
        super().__init__()
        self.attention = nn.Sequential(nn.Conv1d(channels, hidden, 1), nn.Tanh(), nn.Conv1d(hidden, channels, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pool (N, C, T), T >= 1, to (N, 2 C)."""
        weights = torch.softmax(self.attention(x).float(), 2)
        x = x.float()
        mean = (weights * x).sum(2)
        variance = (weights * x * x).sum(2) - mean * mean
        return torch.cat((mean, torch.sqrt(variance.clamp(min=LEAST_VARIANCE))), 1)


class SpeechMember(nn.Module):
    """One residual network over smooth mel bands.

    Args:
        classes: number of classes.
        dropout: rate before the last layer.
    """

    def __init__(self, classes: int, dropout: float):
        super().__init__()
        layers = [conv_bn(1, STEM_CHANNELS, 3, relu=True)]
        cin, height = STEM_CHANNELS, BANDS
        for channels, stride in BLOCKS:
            layers.append(BasicBlock(cin, channels, stride))
            cin, height = channels, -(-height // stride[0])
        self.blocks = nn.Sequential(*layers)
        self.gather = nn.Sequential(nn.Conv1d(cin * height, HIDDEN, 1, bias=False), nn.BatchNorm1d(HIDDEN), nn.ReLU())
        self.pool = AttentiveStatistics(HIDDEN)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(2 * HIDDEN, classes)

    def forward(self, bands: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of bands (N, 1, 40, T), T from 1."""
        return self.fc(self.dropout(self.pool(self.gather(self.blocks(bands).flatten(1, 2)))))


class SpeechResNet(nn.Module):
    """Residual networks over the MFCC matrix, their logits averaged.

    Several small networks that start from different weights err differently: together they are right more often on
    unheard voices than one network of their size (Lakshminarayanan et al., "Simple and Scalable Predictive Uncertainty
    Estimation using Deep Ensembles", https://arxiv.org/abs/1612.01474).

    Args:
        classes: number of classes.
        dropout: rate before the last layer.
        members: number of networks.
    """

    def __init__(self, classes: int = 8, dropout: float = 0.3, members: int = MEMBERS):
        super().__init__()
        self.register_buffer("bands", band_matrix(), persistent=False)
        self.members = nn.ModuleList(SpeechMember(classes, dropout) for _ in range(members))

    def forward(self, mfcc: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of MFCC matrices (N, 40, T) in dB, T from 1; in training (N, members, classes)."""
        bands = self.to_bands(mfcc).unsqueeze(1)
        logits = torch.stack([member(bands) for member in self.members], 1)
        return logits if self.training else logits.mean(1)

    def to_bands(self, mfcc: torch.Tensor) -> torch.Tensor:
        """Return smooth mel bands (N, 40, T) about their mean level, in units of 15 dB."""
        # Mixed precision would keep three digits of coefficients in the hundreds.
        with torch.autocast(mfcc.device.type, enabled=False):
            bands = torch.matmul(self.bands, mfcc)
        return (bands - bands.mean((1, 2), keepdim=True)) / SCALE_DB
