"""Training of the speech network that reads whole MFCC matrices (``models.speech_resnet``).

Every epoch draws one version of each clip from its mel bands (``training.mel_bank``). The number of epochs is fixed
beforehand. Network, versions, epochs and the added data set were chosen on actors 9-12 and 21-24, each time with models
that had heard neither these nor actors 1-4: README gives the score without these two folds, too.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from emotion_recognition.training.loop import Optimisation, Report, train
from emotion_recognition.training.mel_bank import MelBank, Versions, draw_versions
from emotion_recognition.training.networks import narrowed, start_network
from emotion_recognition.training.objectives import Objective, balancing
from emotion_recognition.training.side_tasks import SIZES


@dataclass(frozen=True)
class SpeechMatrixRecipe:
    """Settings of a training.

    Attributes:
        architecture: name of a model in ``models.configurations.SPEECH`` that reads the matrix.
        dropout: rate before the last layer.
        optimisation: see there.
        versions: how versions of a clip are drawn.
        balanced: the network learns to take every class for equally frequent, see ``objectives.balancing``.
        side_weight: of the loss of each of ``side_tasks.SIDE_TASKS``, from 0, which leaves them out. 0.3 gave .554 on
            EMO-DB instead of .523 (P4), but .695 on unheard speakers instead of .702 (P2, EMO-DB added).
    """

    architecture: str = "speech-resnet"
    dropout: float = 0.3
    optimisation: Optimisation = field(
        default_factory=lambda: Optimisation(
            ((70, 2e-3),), batch=64, warm_up=100, weight_decay=0.05, precision="bfloat16"
        )
    )
    versions: Versions = field(default_factory=Versions)
    balanced: bool = True
    side_weight: float = 0.0


class MelExamples:
    """Versions of clips, drawn anew in every epoch, with their targets."""

    def __init__(self, bank: MelBank, targets: np.ndarray, versions: Versions):
        self._bank = bank
        self._targets = torch.as_tensor(targets, dtype=torch.long)
        self._versions = versions

    def __len__(self) -> int:
        return len(self._bank)

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return coefficients (N, 40, frames) and targets, columns (N,) or (N, 1 + side tasks), of chosen clips."""
        return draw_versions(self._bank, chosen, self._versions, generator), self._targets[chosen]


def fit(
    bank: MelBank,
    columns: np.ndarray,
    sides: np.ndarray,
    recipe: SpeechMatrixRecipe,
    classes: int = 8,
    checkpoint: Path | None = None,
    report: Report | None = None,
) -> nn.Module:
    """Train on all clips of a bank.

    Args:
        bank: the clips to learn from (``bank.select`` picks them).
        columns: column of the output for each clip, int (N,).
        sides: see ``side_tasks.side_targets``.
        recipe: the settings.
        classes: columns of the output.
        checkpoint, report: see :func:`emotion_recognition.training.loop.train`.

    Raises:
        ValueError, FloatingPointError, ModelError: see there.
    """
    beside = SIZES if recipe.side_weight else ()
    network = start_network(recipe.optimisation, recipe.architecture, classes + sum(beside), recipe.dropout)
    targets = np.column_stack((columns, sides)) if beside else columns
    objective = Objective(
        offsets=balancing(columns, classes) if recipe.balanced else None, sides=beside, side_weight=recipe.side_weight
    )
    trained = train(
        network, MelExamples(bank, targets, recipe.versions), recipe.optimisation, objective, checkpoint, report,
        described={
            "architecture": recipe.architecture, "classes": classes, "clips": len(bank), "balanced": recipe.balanced,
            "versions": asdict(recipe.versions), "side_weight": recipe.side_weight,
        },
    )  # fmt: skip
    return narrowed(trained, recipe.architecture, classes, recipe.dropout) if beside else trained


def logits(network: nn.Module, bank: MelBank) -> np.ndarray:
    """Return logits (N, classes) float64 of whole clips."""
    network.eval()
    with torch.inference_mode():
        rows = [network(bank.mfcc(index).unsqueeze(0))[0].double().numpy() for index in range(len(bank))]
    return np.array(rows)
