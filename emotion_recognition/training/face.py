"""Training of the visual classifier on FER2013 stills.

The set has no clips, and on one frame the frame attention's weights cancel and get no gradient, so training takes two
steps. :func:`train_backbone` trains backbone and classifier on single stills, enlarged from 48 to 96 pixels.
:func:`train_attention` then trains the frame attention, backbone frozen, on 15-frame clips composed of varied and
degraded versions of one still.
"""

import copy
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from emotion_recognition.datasets.fer2013 import Faces
from emotion_recognition.models.attention import FrameAttention
from emotion_recognition.models.ghostnet import GhostNet
from emotion_recognition.training.augment_faces import augment, degrade, to_input

CLIP_FRAMES = 15


@dataclass(frozen=True)
class FaceRecipe:
    """Settings of a face training: (resolution in pixels, epochs, peak learning rate) stages, then the rest."""

    stages: tuple[tuple[int, int, float], ...] = ((96, 13, 3e-3), (96, 5, 1e-3))
    batch: int = 96
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    average: float = 0.998
    seed: int = 1
    classes_without_data: tuple[int, ...] = field(default=(2,))


class VisualClassifier(nn.Module):
    """Backbone and frame attention; 314,918 parameters for 8 classes."""

    def __init__(self, attention: bool = True, classes: int = 8):
        super().__init__()
        self.backbone = GhostNet(attention)
        self.fan = FrameAttention(classes=classes)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of clips (N, T, 3, H, W) or of stills (N, 3, H, W)."""
        if frames.ndim == 4:
            return self.fan(self.backbone(frames).unsqueeze(1))
        count, length = frames.shape[:2]
        return self.fan(self.backbone(frames.flatten(0, 1)).unflatten(0, (count, length)))


def without_absent(logits: torch.Tensor, absent: tuple[int, ...]) -> torch.Tensor:
    """Return logits (N, classes) with the columns of class ids the data lacks set to minus infinity."""
    out = logits.clone()
    for number in absent:
        out[:, number - 1] = -torch.inf
    return out


def accuracy(model: VisualClassifier, faces: Faces, size: int, absent: tuple[int, ...]) -> float:
    """Return the share of stills whose most probable class is right, in [0, 1]."""
    model.eval()
    images = torch.from_numpy(faces.images)
    right = 0
    with torch.inference_mode():
        for start in range(0, len(images), 64):
            part = to_input(images[start : start + 64], size).contiguous(memory_format=torch.channels_last)
            found = without_absent(model(part), absent).argmax(1).numpy() + 1
            right += int((found == faces.class_ids[start : start + 64]).sum())
    return right / len(images)


class _Averaged:
    """Exponential moving average of a model's parameters and buffers."""

    def __init__(self, model: nn.Module, decay: float):
        self.model = copy.deepcopy(model).eval()
        self.decay = decay
        self.steps = 0

    def update(self, model: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        with torch.no_grad():
            for mine, theirs in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
                if mine.dtype.is_floating_point:
                    mine.lerp_(theirs, 1 - decay)
                else:
                    mine.copy_(theirs)


def train_backbone(
    train: Faces, validation: Faces, recipe: FaceRecipe, folder: Path, report: Callable[[dict], None]
) -> VisualClassifier:
    """Train on stills, stage after stage; resume after the last whole epoch found in ``folder``.

    Args:
        train: stills to learn from.
        validation: stills to report accuracy on after every epoch.
        recipe: the settings.
        folder: checkpoints ``face_model.safetensors``, ``face_average.safetensors`` and ``face_state.json`` go here.
        report: called with a dictionary of figures after every epoch.

    Returns:
        The averaged model.

    Raises:
        FloatingPointError: the loss was not finite; the last good checkpoint stays.
        ValueError: ``folder`` holds checkpoints of another recipe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    model = VisualClassifier().to(memory_format=torch.channels_last)
    averaged = _Averaged(model, recipe.average)
    done = _resume(model, averaged, recipe, folder)
    images = torch.from_numpy(train.images)
    targets = torch.from_numpy(train.class_ids) - 1
    index = 0
    for size, epochs, rate in recipe.stages:
        steps = len(images) // recipe.batch
        for epoch in range(epochs):
            index += 1
            if index <= done:
                continue
            if epoch == 0 or index == done + 1:
                optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=recipe.weight_decay)
                if epoch == 0:
                    # What was averaged at another resolution fades within a few steps.
                    averaged.steps = 0
                else:
                    _load_optimizer(optimizer, folder)
            generator = torch.Generator().manual_seed(recipe.seed * 1000 + index)
            order = torch.randperm(len(images), generator=generator)
            model.train()
            started, total = time.monotonic(), 0.0
            for step in range(steps):
                progress = (epoch * steps + step) / (epochs * steps)
                warm = min(1.0, (epoch * steps + step + 1) / 300)
                for group in optimizer.param_groups:
                    group["lr"] = rate * warm * (0.5 * (1 + np.cos(np.pi * progress)) + 1e-3)
                chosen = order[step * recipe.batch : (step + 1) * recipe.batch]
                inputs = augment(images[chosen], size, generator).contiguous(memory_format=torch.channels_last)
                loss = F.cross_entropy(
                    _present(model(inputs), recipe),
                    _shift(targets[chosen], recipe),
                    label_smoothing=recipe.label_smoothing,
                )
                if not torch.isfinite(loss):
                    raise FloatingPointError(f"loss {loss.item()} in epoch {index}; the last good checkpoint: {folder}")
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                averaged.update(model)
                total += loss.item()
            found = accuracy(averaged.model, validation, size, recipe.classes_without_data)
            _save(model, averaged, optimizer, recipe, folder, index)
            report(
                {
                    "epoch": index,
                    "size": size,
                    "loss": total / steps,
                    "validation_accuracy": found,
                    "seconds": time.monotonic() - started,
                }
            )
    return averaged.model


def _columns(recipe: FaceRecipe) -> list[int]:
    return [column for column in range(8) if column + 1 not in recipe.classes_without_data]


def _present(logits: torch.Tensor, recipe: FaceRecipe) -> torch.Tensor:
    return logits[:, _columns(recipe)]


def _shift(targets: torch.Tensor, recipe: FaceRecipe) -> torch.Tensor:
    lookup = torch.full((8,), -1)
    lookup[_columns(recipe)] = torch.arange(len(_columns(recipe)))
    return lookup[targets]


def _save(
    model: nn.Module,
    averaged: _Averaged,
    optimizer: torch.optim.Optimizer,
    recipe: FaceRecipe,
    folder: Path,
    epoch: int,
) -> None:
    moments = {
        f"{number}.{name}": value.contiguous()
        for number, state in optimizer.state_dict()["state"].items()
        for name, value in state.items()
    }
    parts = {"face_model": model.state_dict(), "face_average": averaged.model.state_dict(), "face_optimizer": moments}
    for name, tensors in parts.items():
        written = folder / f"{name}.partial"
        save_file({key: value.contiguous() for key, value in tensors.items()}, written)
        written.replace(folder / f"{name}.safetensors")
    state = {"epoch": epoch, "steps": averaged.steps, "recipe": asdict(recipe)}
    written = folder / "face_state.partial"
    written.write_text(json.dumps(state))
    written.replace(folder / "face_state.json")


def _load_optimizer(optimizer: torch.optim.Optimizer, folder: Path) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in load_file(folder / "face_optimizer.safetensors").items():
        number, name = key.split(".")
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _resume(model: nn.Module, averaged: _Averaged, recipe: FaceRecipe, folder: Path) -> int:
    state_file = folder / "face_state.json"
    if not state_file.is_file():
        return 0
    state = json.loads(state_file.read_text())
    wanted = json.loads(json.dumps(asdict(recipe)))
    if state["recipe"] != wanted:
        raise ValueError(
            f"{folder} holds checkpoints of the recipe {state['recipe']}, not of {wanted}: give another folder"
        )
    model.load_state_dict(load_file(folder / "face_model.safetensors"))
    averaged.model.load_state_dict(load_file(folder / "face_average.safetensors"))
    averaged.steps = state["steps"]
    return state["epoch"]


def embed_variants(
    model: VisualClassifier, images: np.ndarray, size: int, generator: torch.Generator, good: int, bad: int
) -> torch.Tensor:
    """Return embeddings (N, good + bad, 576) of augmented and degraded variants of N grey stills."""
    model.eval()
    pictures = torch.from_numpy(images)
    out = []
    with torch.inference_mode():
        for start in range(0, len(pictures), 32):
            part = pictures[start : start + 32]
            variants = [augment(part, size, generator) for _ in range(good)]
            variants += [augment(degrade(part, generator), size, generator) for _ in range(bad)]
            batch = torch.stack(variants, 1).flatten(0, 1).contiguous(memory_format=torch.channels_last)
            out.append(model.backbone(batch).unflatten(0, (len(part), good + bad)))
    return torch.cat(out).clone()


def compose_clips(variants: torch.Tensor, good: int, generator: torch.Generator) -> torch.Tensor:
    """Draw 15-frame clips (N, 15, 576) from variants (N, V, 576), the first ``good`` of which are not degraded.

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
    model: VisualClassifier, variants: torch.Tensor, class_ids: np.ndarray, good: int, recipe: FaceRecipe,
    epochs: int = 8, rate: float = 1e-3,
) -> None:  # fmt: skip
    """Train the weights ``alpha`` and ``beta`` of the frame attention on composed clips of embeddings.

    The classifier behind them stays as the stills trained it, so that the decision on a single frame does not change.

    Args:
        model: the trained model; only its frame attention's weights change.
        variants: embeddings (N, V, 576) from :func:`embed_variants`.
        class_ids: class ids (N,).
        good: how many of the V variants are not degraded; they come first.
        recipe: batch, seed.
        epochs: passes over the N stills, new clips in each.
        rate: learning rate.
    """
    weights = [*model.fan.alpha.parameters(), *model.fan.beta.parameters()]
    optimizer = torch.optim.AdamW(weights, rate, weight_decay=recipe.weight_decay)
    targets = _shift(torch.from_numpy(class_ids) - 1, recipe)
    generator = torch.Generator().manual_seed(recipe.seed)
    for _ in range(epochs):
        for chosen in torch.randperm(len(variants), generator=generator).split(recipe.batch):
            clips = compose_clips(variants[chosen], good, generator)
            loss = F.cross_entropy(_present(model.fan(clips), recipe), targets[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def clip_logits(model: VisualClassifier, clips: torch.Tensor, recipe: FaceRecipe) -> torch.Tensor:
    """Return logits (N, 8) of clips of embeddings (N, T, 576), minus infinity for the classes without data."""
    with torch.inference_mode():
        return without_absent(model.fan(clips), recipe.classes_without_data)
