"""Training of the visual classifier on FER2013 stills.

The set has no clips, and on one frame the frame attention's weights cancel and get no gradient, so training takes two
steps. :func:`train_backbone` trains backbone and classifier on single stills. :func:`train_attention` then trains the
frame attention, backbone frozen, on 15-frame clips composed of varied and degraded versions of one still.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from emotion_recognition.datasets.fer2013 import Faces
from emotion_recognition.emotions import CLASS_IDS
from emotion_recognition.models.factory import FaceNetwork
from emotion_recognition.training import face_refine
from emotion_recognition.training.augment_faces import augment, degrade, to_input
from emotion_recognition.training.face_refine import Refinement
from emotion_recognition.training.loop import Optimisation, train
from emotion_recognition.training.networks import start_network
from emotion_recognition.training.objectives import Objective

CLIP_FRAMES = 15
EVALUATION_BATCH = 64


@dataclass(frozen=True)
class FaceRecipe:
    """Settings of a face training.

    Attributes:
        architecture: name in ``models.configurations.FACE``.
        size: side in pixels that stills are enlarged to.
        optimisation: see there.
        absent: classes the data lacks; the network's columns for them are never trained and never named.
        refinement: of the second training on stills; None: there is none.
        readings: of the paper's open points (``models.configurations.READINGS``), those that are not the default.
    """

    architecture: str
    size: int
    optimisation: Optimisation
    absent: tuple[int, ...] = (2,)
    refinement: Refinement | None = None
    readings: Mapping[str, str | bool] = field(default_factory=dict)

    @property
    def present(self) -> list[int]:
        """Class ids that the data has."""
        return [number for number in CLASS_IDS if number not in self.absent]

    @property
    def columns(self) -> list[int]:
        """Columns of the network's output for the classes present."""
        return [number - 1 for number in self.present]

    @property
    def objective(self) -> Objective:
        """What the network's logits are held against."""
        return Objective(tuple(self.columns))


RECIPES = {
    "resnet-fan": FaceRecipe(
        "resnet-fan", 48,
        Optimisation(((80, 0.1),), batch=128, optimizer="sgd", warm_up=200, weight_decay=5e-4, average=0.999,
                     precision="bfloat16"),
        refinement=Refinement(
            Optimisation(((50, 0.05),), batch=128, optimizer="sgd", warm_up=200, weight_decay=5e-4, label_smoothing=0.0,
                         average=0.999, precision="bfloat16"),
        ),
    ),
    "ghostnet-tam-fan": FaceRecipe(
        "ghostnet-tam-fan", 96,
        Optimisation(((13, 3e-3), (5, 1e-3)), batch=96, warm_up=300, average=0.998),
        refinement=Refinement(
            Optimisation(((10, 2e-3),), batch=96, warm_up=300, label_smoothing=0.0, average=0.998),
            trust=0.3, teacher="shipped",
        ),
    ),
}  # fmt: skip


class Stills:
    """Grey stills, augmented anew in every epoch, with their targets among the classes present."""

    def __init__(self, faces: Faces, recipe: FaceRecipe, targets: torch.Tensor):
        self._images = torch.from_numpy(faces.images)
        self._targets = targets
        self._size = recipe.size

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return inputs (N, 3, size, size) and targets of chosen stills."""
        inputs = augment(self._images[chosen], self._size, generator)
        return inputs.contiguous(memory_format=torch.channels_last), self._targets[chosen]


def still_logits(network: FaceNetwork, images: np.ndarray, size: int) -> np.ndarray:
    """Return logits (N, 8) float32 of grey stills (N, H, W) uint8, each a clip of one frame."""
    network.eval()
    device = next(network.parameters()).device
    parts = torch.from_numpy(images).split(EVALUATION_BATCH)
    with torch.inference_mode():
        inputs = (to_input(part, size).contiguous(memory_format=torch.channels_last) for part in parts)
        return torch.cat([network(part.to(device)).cpu() for part in inputs]).numpy()


def accuracy(logits: np.ndarray, class_ids: np.ndarray, recipe: FaceRecipe) -> float:
    """Return the share, 0 to 1, of logits (N, 8) whose largest among the classes present is the class."""
    return float(np.mean(np.array(recipe.present)[logits[:, recipe.columns].argmax(1)] == class_ids))


def train_backbone(
    learned: Faces, validation: Faces, recipe: FaceRecipe, checkpoint: Path | None, report: Callable[[dict], None]
) -> FaceNetwork:
    """Train on stills; a run that was killed goes on after the last whole epoch.

    Args:
        learned: stills to learn from.
        validation: stills to report accuracy on after every epoch.
        recipe: the settings.
        checkpoint: file for that.
        report: called with a dictionary of figures after every epoch.

    Returns:
        The averaged network.

    Raises:
        FloatingPointError, ValueError, ModelError: see :func:`emotion_recognition.training.loop.train`.
    """
    network = start_network(recipe.optimisation, recipe.architecture, readings=recipe.readings)

    def check(averaged: FaceNetwork) -> dict[str, float]:
        logits = still_logits(averaged, validation.images, recipe.size)
        return {"validation_accuracy": accuracy(logits, validation.class_ids, recipe)}

    places = torch.from_numpy(np.searchsorted(recipe.present, learned.class_ids))
    fields = {
        "architecture": recipe.architecture, "size": recipe.size, "stills": len(learned.images),
        "readings": dict(recipe.readings),
    }  # fmt: skip

    def run(network: FaceNetwork, targets: torch.Tensor, optimisation: Optimisation, file: Path | None, **more):
        examples = Stills(learned, recipe, targets)
        return train(network, examples, optimisation, recipe.objective, file, report, check, {**fields, **more})

    network = run(network, places, recipe.optimisation, checkpoint)
    refinement = recipe.refinement
    if refinement is None:
        return network
    teacher, size = face_refine.teacher_of(refinement, network, recipe.size)
    targets = face_refine.refined_targets(
        learned, places.numpy(), recipe.columns, refinement.trust, lambda images: still_logits(teacher, images, size)
    )
    file = face_refine.checkpoint_of(checkpoint)
    return run(network, targets, refinement.optimisation, file, **face_refine.described(refinement))


def embed_variants(
    network: FaceNetwork, images: np.ndarray, size: int, generator: torch.Generator, good: int, bad: int
) -> torch.Tensor:
    """Return embeddings (N, good + bad, E) of augmented and degraded variants of N grey stills."""
    network.eval()
    pictures = torch.from_numpy(images)
    out = []
    with torch.inference_mode():
        for start in range(0, len(pictures), 32):
            part = pictures[start : start + 32]
            variants = [augment(part, size, generator) for _ in range(good)]
            variants += [augment(degrade(part, generator), size, generator) for _ in range(bad)]
            batch = torch.stack(variants, 1).flatten(0, 1).contiguous(memory_format=torch.channels_last)
            out.append(network.backbone(batch).unflatten(0, (len(part), good + bad)))
    return torch.cat(out).clone()


def compose_clips(variants: torch.Tensor, good: int, generator: torch.Generator) -> torch.Tensor:
    """Draw 15-frame clips (N, 15, E) from variants (N, V, E), the first ``good`` of which are not degraded.

    Each clip holds between none and 12 degraded frames and at least 3 others, in random order.
    """
    count, total = variants.shape[:2]
    bad_frames = torch.randint(0, CLIP_FRAMES - 2, (count, 1), generator=generator)
    is_bad = torch.arange(CLIP_FRAMES).expand(count, -1) < bad_frames
    pick_good = torch.randint(0, good, (count, CLIP_FRAMES), generator=generator)
    pick_bad = torch.randint(good, total, (count, CLIP_FRAMES), generator=generator)
    pick = torch.where(is_bad, pick_bad, pick_good)
    shuffle = torch.rand(count, CLIP_FRAMES, generator=generator).argsort(1)
    pick = pick.gather(1, shuffle)
    return variants.gather(1, pick.unsqueeze(2).expand(-1, -1, variants.shape[2]))


def train_attention(
    network: FaceNetwork, variants: torch.Tensor, class_ids: np.ndarray, good: int, recipe: FaceRecipe,
    epochs: int = 8, rate: float = 1e-3,
) -> None:  # fmt: skip
    """Train the weights ``alpha`` and ``beta`` of the frame attention on composed clips of embeddings.

    The classifier behind them stays as the stills trained it, so that the decision on a single frame does not change.

    Args:
        network: the trained model; only its frame attention's weights change.
        variants: embeddings (N, V, E) from :func:`embed_variants`.
        class_ids: class ids (N,).
        good: how many of the V variants are not degraded; they come first.
        recipe: batch, seed.
        epochs: passes over the N stills, new clips in each.
        rate: learning rate.
    """
    weights = [*network.fan.alpha.parameters(), *network.fan.beta.parameters()]
    optimizer = torch.optim.AdamW(weights, rate, weight_decay=recipe.optimisation.weight_decay)
    places = torch.from_numpy(np.searchsorted(recipe.present, class_ids))
    generator = torch.Generator().manual_seed(recipe.optimisation.seed)
    for _ in range(epochs):
        for chosen in torch.randperm(len(variants), generator=generator).split(recipe.optimisation.batch):
            clips = compose_clips(variants[chosen], good, generator)
            loss = F.cross_entropy(network.fan(clips)[:, recipe.columns], places[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def clip_accuracy(
    network: FaceNetwork, clips: torch.Tensor, class_ids: np.ndarray, recipe: FaceRecipe, uniform: bool = False
) -> float:
    """Return the share, 0 to 1, of clips of embeddings (N, T, E) classified right; ``uniform``: all frames alike."""
    network.eval()
    with torch.inference_mode():
        logits = network.fan(clips.mean(1, keepdim=True) if uniform else clips)
    return accuracy(logits.numpy(), class_ids, recipe)
