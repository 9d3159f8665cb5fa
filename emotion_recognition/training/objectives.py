"""What a network's logits are held against while it learns."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

UNKNOWN = -1  # target of a side task where nothing is known


@dataclass(frozen=True)
class Objective:
    """Cross-entropy over the classes, and over side tasks where there are any.

    Attributes:
        columns: of the network's output that the classes' targets count; None: all but those of the side tasks.
        offsets: added to the logits of the columns that count, one each; see :func:`balancing`. None: nothing.
        sides: number of columns of each side task; they are the last ones of the output, in order.
        side_weight: of each side task's loss; the classes' is 1.
    """

    columns: tuple[int, ...] | None = None
    offsets: tuple[float, ...] | None = None
    sides: tuple[int, ...] = ()
    side_weight: float = 0.0

    def loss(self, logits: torch.Tensor, targets: torch.Tensor, label_smoothing: float = 0.0) -> torch.Tensor:
        """Return the mean loss.

        Args:
            logits: (N, C), or (N, members, C) where each member is to be right by itself.
            targets: columns (N,) or shares of columns (N, K) of the classes; with side tasks columns (N, 1 + tasks),
                the class first, UNKNOWN where nothing is known of a task.
            label_smoothing: of the classes, 0 to below 1.
        """
        if logits.ndim == 3:
            targets = targets.repeat_interleave(logits.shape[1], dim=0)
            logits = logits.flatten(0, 1)
        logits = logits.float()
        classes = targets[:, 0] if self.sides else targets
        loss = F.cross_entropy(self._counted(logits), classes, label_smoothing=label_smoothing)
        start = logits.shape[1] - sum(self.sides)
        for task, size in enumerate(self.sides, 1):
            known = targets[:, task] != UNKNOWN
            if known.any():
                part = F.cross_entropy(logits[known, start : start + size], targets[known, task])
                # Rows that say nothing of a task count as rows without loss, so that few known ones do not weigh more.
                loss = loss + self.side_weight * part * known.float().mean()
            start += size
        return loss

    def _counted(self, logits: torch.Tensor) -> torch.Tensor:
        columns = range(logits.shape[1] - sum(self.sides)) if self.columns is None else self.columns
        counted = logits[:, list(columns)]
        return counted if self.offsets is None else counted + torch.tensor(self.offsets, device=logits.device)


def balancing(columns: np.ndarray, classes: int) -> tuple[float, ...]:
    """Return the logarithms of the classes' shares among examples' columns (N,), one a class, as offsets.

    Learned with them, a network's own logits take every class for equally frequent, as the unweighted average recall
    does (Menon et al., "Long-tail learning via logit adjustment", https://arxiv.org/abs/2007.07314). A class that no
    example has counts as one example.
    """
    counts = np.maximum(np.bincount(columns, minlength=classes), 1)
    return tuple(float(value) for value in np.log(counts / len(columns)))
