"""The whole face training: stills, frame attention, temperature, export."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from emotion_recognition.datasets import fer2013
from emotion_recognition.datasets.reading import UnreadableFile
from emotion_recognition.engines.export import export_face
from emotion_recognition.engines.weights import load_metadata
from emotion_recognition.evaluation.calibration import fit_temperature
from emotion_recognition.models.configurations import FACE
from emotion_recognition.training.face import (
    RECIPES,
    FaceRecipe,
    accuracy,
    clip_accuracy,
    compose_clips,
    embed_variants,
    still_logits,
    train_attention,
    train_backbone,
)

DEFAULT = "resnet-fan"
LICENCE = "no licence stated by FER2013; weights for research use"
TRAINED_ON = "FER2013 without copies: {train} stills, {validation} for validation; clips made of {clips} of the stills"
CROP_MARGIN = -0.04
GOOD_VARIANTS, BAD_VARIANTS = 4, 2
ATTENTION_STILLS = 3000
CHECKED_STILLS = 600

Progress = Callable[[dict], None]


def train_face(data: Path | str, output: Path | str, recipe: FaceRecipe | None = None, progress: Progress | None = None,
               name: str = "", allow_partial: bool = False, on_unreadable: str = "skip",
               command: str = "") -> Path:  # fmt: skip
    """Train on FER2013 and write the model; ``output``/checkpoint.safetensors lets a killed run go on.

    The test split is not touched. The temperature is fitted on the validation stills.

    Args:
        data: folder of FER2013.
        output: folder the model's files are written to.
        recipe: the settings.
        progress: called with a dictionary of figures after every step; for a picture that cannot be read ``stage`` is
            "unreadable", with ``path`` and ``reason``.
        name: the model's name; the architecture and the data set if left out.
        allow_partial: the data set may lack pictures.
        on_unreadable: ``skip`` or ``stop``.
        command: kept in the sidecar.

    Returns:
        The model's sidecar.

    Raises:
        FileNotFoundError, ValueError: see :func:`fer2013.load`.
        UnreadableFile: a picture is, and ``on_unreadable`` says ``stop``.
        FloatingPointError, ModelError: see :func:`emotion_recognition.training.loop.train`.
    """
    recipe = recipe or RECIPES[DEFAULT]
    report = progress or (lambda figures: None)
    faces = fer2013.load(data)
    for found in faces.values():
        for picture in found.unreadable:
            problem = UnreadableFile(Path(data) / picture, "not a picture of 48 x 48 pixels that can be read")
            if on_unreadable == "stop":
                raise problem
            report({"stage": "unreadable", "path": str(problem.path), "reason": problem.reason})
    if not allow_partial:
        fer2013.check_whole(faces)
    train, validation = faces["train"], faces["validation"]
    network = train_backbone(train, validation, recipe, Path(output) / "checkpoint.safetensors", report)
    scores: dict[str, Any] = {"recipe": asdict(recipe), "command": command}
    if FACE[recipe.architecture].frame_attention:
        scores["validation_clip_accuracy"] = _attend(network, train, validation, recipe)
    logits = still_logits(network, validation.images, recipe.size)
    scores["validation_accuracy"] = accuracy(logits, validation.class_ids, recipe)
    report({"stage": "whole", **{key: value for key, value in scores.items() if key.startswith("validation")}})
    places = np.searchsorted(recipe.present, validation.class_ids)
    temperature = fit_temperature(logits[:, recipe.columns], places + 1)
    fields = {
        "class_ids": recipe.present,
        "preprocessing": {"size": recipe.size, "gray": True, "source_pixels": fer2013.SIZE, "crop_margin": CROP_MARGIN},
        "temperature": temperature,
        "licence": LICENCE,
        "trained_on": TRAINED_ON.format(
            train=len(train.images), validation=len(validation.images), clips=min(ATTENTION_STILLS, len(train.images))
        ),
        "scores": scores,
        "readings": recipe.readings,
    }
    sidecar = export_face(network, recipe.architecture, fields, output, name or f"{recipe.architecture}_fer2013")
    load_metadata(sidecar)
    return sidecar


def _attend(network, train: fer2013.Faces, validation: fer2013.Faces, recipe: FaceRecipe) -> dict[str, float]:
    """Train the frame attention and return the accuracy on held-out clips with it and with all frames alike."""
    generator = torch.Generator().manual_seed(recipe.optimisation.seed)
    chosen = torch.randperm(len(train.images), generator=generator)[:ATTENTION_STILLS].numpy()
    checked = torch.randperm(len(validation.images), generator=generator)[:CHECKED_STILLS].numpy()
    learned = embed_variants(network, train.images[chosen], recipe.size, generator, GOOD_VARIANTS, BAD_VARIANTS)
    held_out = embed_variants(network, validation.images[checked], recipe.size, generator, GOOD_VARIANTS, BAD_VARIANTS)
    seeded = torch.Generator().manual_seed(recipe.optimisation.seed)
    clips, truth = compose_clips(held_out, GOOD_VARIANTS, seeded), validation.class_ids[checked]
    uniform = clip_accuracy(network, clips, truth, recipe, uniform=True)
    train_attention(network, learned, train.class_ids[chosen], GOOD_VARIANTS, recipe)
    return {"frame_attention": clip_accuracy(network, clips, truth, recipe), "uniform_weights": uniform}
