"""Speech classifier: a 1-D convolutional network over the time-mean of 40 MFCCs.

Paper: Lu, Lu & Lin, "Lightweight Multimodal Emotion Recognition for Companion Robots", table of the speech network,
variants S1 to S3. The 40 coefficients are the convolution's axis: lengths 40, 40, 20, 20, 10, 10, 5, 5, 3.
PReLU has one weight per element (channel x position), the reading that gives the paper's counts, or one per channel.
"""

import torch
from torch import nn

COEFFICIENTS = 40
HIDDEN = 128
VARIANTS = {
    "s1": (128, 128, 128, 128, 64, 64, 64, 64),
    "s2": (128, 128, 128, 128, 128, 128, 64, 64),
    "s3": (128, 128, 128, 128, 128, 128, 128, 128),
}


class ElementPReLU(nn.Module):
    """PReLU with a weight of its own for every element of (channels, length)."""

    def __init__(self, channels: int, length: int):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels, length), 0.25))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply to (N, channels, length); same shape out."""
        return torch.relu(x) - self.weight * torch.relu(-x)


class SpeechCNN(nn.Module):
    """The paper's 1-D CNN; variant ``s2`` with 8 classes has 604,168 parameters.

    Args:
        variant: ``s1``, ``s2`` or ``s3``.
        classes: number of classes.
        dropout: dropout rate after every convolution, 0 to 1.
        element_prelu: PReLU has one weight per element; without it one per channel.

    Raises:
        KeyError: the variant is not one of VARIANTS.
    """

    def __init__(self, variant: str = "s2", classes: int = 8, dropout: float = 0.2, element_prelu: bool = True):
        super().__init__()
        layers = []
        cin, length = 1, COEFFICIENTS
        for index, cout in enumerate(VARIANTS[variant]):
            kernel, stride = (5, 1) if index % 2 == 0 else (7, 2)
            length = (length - 1) // stride + 1
            layers += [
                nn.Conv1d(cin, cout, kernel, stride, kernel // 2),
                nn.BatchNorm1d(cout),
                ElementPReLU(cout, length) if element_prelu else nn.PReLU(cout),
                nn.Dropout(dropout),
            ]
            cin = cout
        self.features = nn.Sequential(*layers)
        self.hidden = nn.Linear(cin, HIDDEN)
        self.fc = nn.Linear(HIDDEN, classes)

    def forward(self, mfcc_mean: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of normalised MFCC means (N, 40)."""
        features = self.features(mfcc_mean.unsqueeze(1)).mean(2)
        return self.fc(torch.relu(self.hidden(features)))
