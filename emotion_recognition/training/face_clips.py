"""Training of the visual classifier on clips: 15 face crops of each, as the paper does on RAVDESS and CREMA-D.

Lu, Lu & Lin, "Lightweight Multimodal Emotion Recognition for Companion Robots". Backbone and frame attention are
trained together. A crop is brought to the network's size by what the robot uses, :class:`FaceInput`, and every epoch
draws one augmentation for all frames of a clip.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from emotion_recognition.classifiers.face_input import FaceInput
from emotion_recognition.engines.preprocessing import FacePreprocessing
from emotion_recognition.models.configurations import FACE
from emotion_recognition.models.factory import FaceNetwork
from emotion_recognition.training.augment_clips import augment_clip
from emotion_recognition.training.loop import Optimisation, Report, train
from emotion_recognition.training.networks import start_network

EVALUATION_BATCH = 4


@dataclass(frozen=True)
class FaceClipsRecipe:
    """Settings of a training on clips.

    Attributes:
        architecture: name in ``models.configurations.FACE``.
        size: side in pixels of the network's input.
        optimisation: see there.
        augmented: rotation, flip, brightness and contrast, the same for all frames of a clip.
        readings: of the paper's open points (``models.configurations.READINGS``), those that are not the default.
    """

    architecture: str
    size: int
    optimisation: Optimisation
    augmented: bool = True
    readings: Mapping[str, str | bool] = field(default_factory=dict)

    @property
    def preprocessing(self) -> FacePreprocessing:
        """What a robot must do to a crop."""
        return FacePreprocessing(size=self.size)


def default_recipe(architecture: str) -> FaceClipsRecipe:
    """Return the recipe of a face model; no video set was at hand to tune it on.

    Raises:
        KeyError: no face model of that name.
    """
    return FaceClipsRecipe(
        architecture, FACE[architecture].size, Optimisation(((30, 1e-3),), batch=16, warm_up=100, average=0.99)
    )


class ClipExamples:
    """Clips of face crops with the column of each.

    Args:
        crops: sequence of clips, each (T, side, side, 3) uint8 RGB, T the same for all; read one at a time.
        columns: of the network's output, int (N,).
        recipe: the settings.
    """

    def __init__(self, crops: Sequence[np.ndarray], columns: np.ndarray, recipe: FaceClipsRecipe):
        self._crops = crops
        self._columns = torch.as_tensor(columns, dtype=torch.long)
        self._input = FaceInput(recipe.preprocessing)
        self._augmented = recipe.augmented

    def __len__(self) -> int:
        return len(self._crops)

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return inputs (N, T, 3, size, size) in [-1, 1] and columns (N,) of chosen clips."""
        clips = []
        for index in chosen.tolist():
            clip = clip_input(self._crops[index], self._input)
            if self._augmented:
                clip = augment_clip((clip + 1) / 2, generator) * 2 - 1
            clips.append(clip)
        return torch.stack(clips), self._columns[chosen]


def clip_input(crops: np.ndarray, face_input: FaceInput) -> torch.Tensor:
    """Return network input (T, 3, size, size) float32 of crops (T, side, side, 3) uint8."""
    out = np.empty((len(crops), *face_input.shape), np.float32)
    for crop, row in zip(crops, out, strict=True):
        face_input.fill(crop, row)
    return torch.from_numpy(out)


def fit(
    crops: Sequence[np.ndarray],
    columns: np.ndarray,
    recipe: FaceClipsRecipe,
    classes: int = 8,
    checkpoint: Path | None = None,
    report: Report | None = None,
) -> FaceNetwork:
    """Train on clips.

    Args:
        crops: see :class:`ClipExamples`.
        columns: column of the output for each clip, int (N,).
        recipe: the settings.
        classes: columns of the output.
        checkpoint, report: see :func:`emotion_recognition.training.loop.train`.

    Raises:
        ValueError, FloatingPointError, ModelError: see there.
    """
    network = start_network(recipe.optimisation, recipe.architecture, classes, readings=recipe.readings)
    return train(
        network, ClipExamples(crops, columns, recipe), recipe.optimisation, None, checkpoint, report,
        described={
            "architecture": recipe.architecture, "size": recipe.size, "augmented": recipe.augmented,
            "classes": classes, "clips": len(crops), "readings": dict(recipe.readings),
        },
    )  # fmt: skip


def logits(network: FaceNetwork, crops: Sequence[np.ndarray], recipe: FaceClipsRecipe) -> np.ndarray:
    """Return logits (N, classes) float64 of clips as they are."""
    network.eval()
    face_input = FaceInput(recipe.preprocessing)
    rows = []
    with torch.inference_mode():
        for first in range(0, len(crops), EVALUATION_BATCH):
            numbers = range(first, min(first + EVALUATION_BATCH, len(crops)))
            batch = torch.stack([clip_input(crops[number], face_input) for number in numbers])
            rows.append(network(batch).double().numpy())
    return np.concatenate(rows)
