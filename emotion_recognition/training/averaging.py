"""Moving average of a network's weights, which is what a training keeps."""

import copy

import torch
from torch import nn


class MovingAverage:
    """Exponential moving average of a network's parameters and buffers; short at first, so that it forgets the start.

    Args:
        network: the network as it stands; it is copied.
        decay: share of the old average that each update keeps, below 1.
    """

    def __init__(self, network: nn.Module, decay: float):
        self.network = copy.deepcopy(network).eval()
        self.decay = decay
        self.steps = 0

    def update(self, network: nn.Module) -> None:
        """Take in the network after one more step."""
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        with torch.no_grad():
            for mine, theirs in zip(self.network.state_dict().values(), network.state_dict().values(), strict=True):
                if mine.dtype.is_floating_point:
                    mine.lerp_(theirs, 1 - decay)
                else:
                    mine.copy_(theirs)
