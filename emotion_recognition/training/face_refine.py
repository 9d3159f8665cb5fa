"""A second training on stills, on targets that trust the labels only in part.

Many labels of FER2013 are disputable, and a small network spends its capacity on them. So the targets are moved towards
what a trained teacher sees in the still as it is: the network itself as the first training left it (Furlanello et al.,
"Born-Again Neural Networks", https://arxiv.org/abs/1805.04770), or a better network whose weights are shipped (Hinton
et al., "Distilling the Knowledge in a Neural Network", https://arxiv.org/abs/1503.02531).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from emotion_recognition import weights
from emotion_recognition.datasets.fer2013 import Faces
from emotion_recognition.engines.torch_engine import load_part
from emotion_recognition.engines.weights import load_metadata
from emotion_recognition.models.factory import FaceNetwork
from emotion_recognition.training.loop import Optimisation

TEACHER_SIZE = 48


@dataclass(frozen=True)
class Refinement:
    """Settings of the second training.

    Attributes:
        optimisation: see there.
        trust: weight of the label in the targets, 0 to 1; the teacher has the rest.
        teacher: ``self``, or ``shipped`` for the shipped default network.
    """

    optimisation: Optimisation
    trust: float = 0.5
    teacher: str = "self"

    def __post_init__(self):
        if not 0 <= self.trust <= 1 or self.teacher not in ("self", "shipped"):
            raise ValueError(f"trust {self.trust}, teacher {self.teacher!r}: expected 0 to 1, and 'self' or 'shipped'")


def teacher_of(refinement: Refinement, network: FaceNetwork, size: int) -> tuple[FaceNetwork, int]:
    """Return the teacher of a network that learned from stills of ``size`` pixels, and the size the teacher takes."""
    return (shipped_teacher(), TEACHER_SIZE) if refinement.teacher == "shipped" else (network, size)


def shipped_teacher() -> FaceNetwork:
    """Return the robot's default network with its shipped weights; it takes stills of 48 pixels."""
    metadata = load_metadata(weights.FACE)
    return FaceNetwork(load_part(metadata, "backbone"), load_part(metadata, "fan")).eval()


def refined_targets(
    faces: Faces,
    places: np.ndarray,
    columns: list[int],
    trust: float,
    logits_of: Callable[[np.ndarray], np.ndarray],
) -> torch.Tensor:
    """Return targets (N, C): the labels, and the teacher's mean probabilities of the stills and their mirror images.

    Args:
        faces: the N stills.
        places: place of each label among the C columns, int (N,).
        columns: the network's columns that count.
        trust: see :class:`Refinement`.
        logits_of: the teacher's logits (N, 8) of stills (N, H, W).
    """
    seen = [
        torch.softmax(torch.from_numpy(logits_of(images)[:, columns]).float(), 1)
        for images in (faces.images, np.ascontiguousarray(faces.images[:, :, ::-1]))
    ]
    labels = F.one_hot(torch.as_tensor(places, dtype=torch.long), len(columns)).float()
    return trust * labels + (1 - trust) * (seen[0] + seen[1]) / 2


def checkpoint_of(first: Path | None) -> Path | None:
    """Return the refinement's checkpoint beside that of the first training."""
    return None if first is None else first.with_name(f"refinement-{first.name}")


def described(refinement: Refinement) -> dict[str, Any]:
    """Return what a checkpoint of the refinement must agree in beside what holds for the first training."""
    found = {"trust": refinement.trust, "teacher": refinement.teacher}
    if refinement.teacher == "shipped":
        # Other shipped weights are another teacher.
        found["teacher_weights"] = load_metadata(weights.FACE).weights_sha256
    return found
