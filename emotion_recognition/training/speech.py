"""Training of the paper's speech networks S1 to S3 (``models.speech_cnn``) on mean MFCCs.

The 40 means are standardised by the training clips. Every epoch draws one version of each clip
(``training.speech_features``), a gain and pairs to mix. The number of epochs is fixed beforehand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from emotion_recognition.training.loop import Optimisation, Report, train
from emotion_recognition.training.networks import start_network
from emotion_recognition.training.speech_features import SpeechFeatures, apply_gain


@dataclass(frozen=True)
class SpeechRecipe:
    """Settings of a training.

    Attributes:
        architecture: name of a model in ``models.configurations.SPEECH`` that reads the mean.
        dropout: rate after every convolution.
        optimisation: see there.
        mixup: both parameters of the beta distribution that pairs of vectors and of labels are mixed by; 0: not mixed.
            Zhang et al., "mixup: Beyond Empirical Risk Minimization", https://arxiv.org/abs/1710.09412.
        gain_db: every vector is made louder or quieter by up to this many dB.
        whole_share: share of the vectors that are the clip as it is.
        versions: random versions made of each clip.
        augmentation: how they are drawn, see ``speech_features.compute_features``.
        readings: of the paper's open points (``models.configurations.READINGS``), those that are not the default.
    """

    architecture: str = "speech-cnn-s2"
    dropout: float = 0.2
    optimisation: Optimisation = field(default_factory=lambda: Optimisation(((50, 2e-3),)))
    mixup: float = 0.0
    gain_db: float = 12.0
    whole_share: float = 0.25
    versions: int = 16
    augmentation: str = "robot"
    readings: Mapping[str, str | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class SpeechModel:
    """A trained network with the mean and standard deviation (40,) that standardise its input."""

    network: nn.Module
    mean: np.ndarray
    std: np.ndarray

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """Return logits (N, classes) float64 of mean MFCCs (N, 40)."""
        self.network.eval()
        with torch.inference_mode():
            standardised = torch.from_numpy(((vectors - self.mean) / self.std).astype(np.float32))
            return self.network(standardised).numpy().astype(np.float64)


class MeanExamples:
    """Standardised mean MFCCs of versions of clips, drawn anew in every epoch, with their columns."""

    def __init__(self, bank: np.ndarray, columns: np.ndarray, classes: int, recipe: SpeechRecipe, settings):
        self._bank = bank
        self._targets = F.one_hot(torch.as_tensor(columns, dtype=torch.long), classes).float()
        self._recipe = recipe
        self._settings = settings
        # The spread of the gain is part of the first coefficient's.
        vectors = bank.reshape(-1, bank.shape[-1]).astype(np.float64)
        variance = vectors.var(axis=0)
        variance[0] += recipe.gain_db**2 / 3 * settings.mels
        self.mean = vectors.mean(axis=0).astype(np.float32)
        self.std = np.sqrt(variance).astype(np.float32)

    def __len__(self) -> int:
        return len(self._bank)

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return vectors (N, 40) and shares of the columns (N, classes) of chosen clips."""
        recipe, count, versions = self._recipe, len(chosen), self._bank.shape[1]
        rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator)))
        pick = np.zeros(count, int)
        if versions > 1:
            pick = np.where(rng.random(count) < recipe.whole_share, 0, rng.integers(1, versions, count))
        gain = rng.uniform(-recipe.gain_db, recipe.gain_db, count)
        vectors = apply_gain(self._bank[chosen.numpy(), pick], gain, self._settings)
        vectors, targets = torch.from_numpy((vectors - self.mean) / self.std), self._targets[chosen]
        if recipe.mixup:
            share, other = float(rng.beta(recipe.mixup, recipe.mixup)), torch.from_numpy(rng.permutation(count))
            vectors = share * vectors + (1 - share) * vectors[other]
            targets = share * targets + (1 - share) * targets[other]
        return vectors, targets


def fit(
    features: SpeechFeatures,
    chosen: np.ndarray,
    recipe: SpeechRecipe,
    columns: np.ndarray | None = None,
    classes: int = 8,
    checkpoint: Path | None = None,
    report: Report | None = None,
) -> SpeechModel:
    """Train on the clips of index ``chosen``.

    Args:
        features: of all clips.
        chosen: indices of the clips to learn from, at least one batch.
        recipe: the settings.
        columns: column of the output for each of all clips, int (N,); None: the class id minus 1.
        classes: columns of the output.
        checkpoint, report: see :func:`emotion_recognition.training.loop.train`.

    Raises:
        ValueError, FloatingPointError, ModelError: see there.
    """
    columns = features.class_ids - 1 if columns is None else columns
    bank = np.concatenate([features.whole[chosen, None], features.variants[chosen]], axis=1)
    examples = MeanExamples(bank, columns[chosen], classes, recipe, features.settings)
    network = start_network(recipe.optimisation, recipe.architecture, classes, recipe.dropout, recipe.readings)
    threads = torch.get_num_threads()
    # The vectors are too short for a second thread to help.
    torch.set_num_threads(1)
    try:
        network = train(
            network, examples, recipe.optimisation, None, checkpoint, report,
            described={
                "architecture": recipe.architecture, "classes": classes, "clips": len(chosen),
                "readings": dict(recipe.readings),
            },
        )  # fmt: skip
    finally:
        torch.set_num_threads(threads)
    return SpeechModel(network, examples.mean, examples.std)
