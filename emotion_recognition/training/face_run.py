"""The whole face training: stills, frame attention, temperature, export."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from emotion_recognition.datasets import fer2013
from emotion_recognition.emotions import CLASS_IDS
from emotion_recognition.engines.export import export_face
from emotion_recognition.engines.weights import load_metadata
from emotion_recognition.evaluation.calibration import fit_temperature
from emotion_recognition.training.augment_faces import to_input
from emotion_recognition.training.face import (
    FaceRecipe,
    VisualClassifier,
    clip_logits,
    compose_clips,
    embed_variants,
    train_attention,
    train_backbone,
)

NAME = "face_fer2013"
LICENCE = "no licence stated by FER2013; weights for research use, see face_fer2013.LICENSE"
TRAINED_ON = "FER2013 without copies: {train} stills, {validation} for validation; clips made of {clips} of the stills"
CROP_MARGIN = -0.04
GOOD_VARIANTS, BAD_VARIANTS = 4, 2
ATTENTION_STILLS = 3000
CHECKED_STILLS = 600

Progress = Callable[[dict], None]


def train_face(data: Path | str, output: Path | str, recipe: FaceRecipe | None = None, progress: Progress | None = None,
               name: str = NAME) -> Path:  # fmt: skip
    """Train on FER2013 and write the model; checkpoints in ``output``/checkpoints let a killed run go on.

    The test split is not touched. The temperature is fitted on the validation stills.

    Args:
        data: folder of FER2013.
        output: folder the model's files are written to.
        recipe: the settings.
        progress: called with a dictionary of figures after every step.
        name: the model's name.

    Returns:
        The model's sidecar.

    Raises:
        FileNotFoundError, ValueError: see :func:`fer2013.load`.
        FloatingPointError: the loss was not finite.
    """
    recipe = recipe or FaceRecipe()
    report = progress or (lambda figures: None)
    faces = fer2013.load(data)
    train, validation = faces["train"], faces["validation"]
    model = train_backbone(train, validation, recipe, Path(output) / "checkpoints", report)
    size = recipe.stages[-1][0]
    generator = torch.Generator().manual_seed(recipe.seed)
    chosen = torch.randperm(len(train.images), generator=generator)[:ATTENTION_STILLS].numpy()
    checked = torch.randperm(len(validation.images), generator=generator)[:CHECKED_STILLS].numpy()
    learned = embed_variants(model, train.images[chosen], size, generator, GOOD_VARIANTS, BAD_VARIANTS)
    held_out = embed_variants(model, validation.images[checked], size, generator, GOOD_VARIANTS, BAD_VARIANTS)
    clips = compose_clips(held_out, GOOD_VARIANTS, torch.Generator().manual_seed(recipe.seed))
    truth = validation.class_ids[checked]
    uniform = clip_accuracy(model, clips, truth, recipe, uniform=True)
    train_attention(model, learned, train.class_ids[chosen], GOOD_VARIANTS, recipe)
    attended = clip_accuracy(model, clips, truth, recipe)
    logits = _validation_logits(model, validation.images, size)
    present = [number for number in CLASS_IDS if number not in recipe.classes_without_data]
    columns = np.array(present) - 1
    temperature = fit_temperature(logits[:, columns], np.searchsorted(present, validation.class_ids) + 1)
    accuracy = float(np.mean(np.array(present)[logits[:, columns].argmax(1)] == validation.class_ids))
    scores = {
        "validation_accuracy": accuracy,
        "validation_clip_accuracy": {"frame_attention": attended, "uniform_weights": uniform},
        "recipe": asdict(recipe),
        "command": "emotion-recognition train face --data FOLDER --output DIR",
    }
    report({"stage": "attention", **scores["validation_clip_accuracy"], "validation_accuracy": accuracy})
    fields = {
        "class_ids": present,
        "preprocessing": {"size": size, "gray": True, "source_pixels": fer2013.SIZE, "crop_margin": CROP_MARGIN},
        "temperature": temperature,
        "licence": LICENCE,
        "trained_on": TRAINED_ON.format(train=len(train.images), validation=len(validation.images), clips=len(chosen)),
        "scores": scores,
    }
    sidecar = export_face(model, fields, output, name)
    load_metadata(sidecar)
    return sidecar


def clip_accuracy(
    model: VisualClassifier, clips: torch.Tensor, class_ids: np.ndarray, recipe: FaceRecipe, uniform: bool = False
) -> float:
    """Return the share, 0 to 1, of clips of embeddings (N, T, 576) classified right; ``uniform``: all frames alike."""
    if uniform:
        clips = clips.mean(1, keepdim=True)
    return float(np.mean(clip_logits(model, clips, recipe).argmax(1).numpy() + 1 == class_ids))


def _validation_logits(model: VisualClassifier, images: np.ndarray, size: int) -> np.ndarray:
    pictures = torch.from_numpy(images)
    with torch.inference_mode():
        inputs = (to_input(part, size).contiguous(memory_format=torch.channels_last) for part in pictures.split(64))
        return torch.cat([model(part) for part in inputs]).numpy()
