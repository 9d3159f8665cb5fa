"""Learner of the visual networks on clips of RAVDESS or CREMA-D video (``training.face_clips``)."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from emotion_recognition.datasets.clips import Clip
from emotion_recognition.datasets.face_clips import CropSettings, FaceClipReader
from emotion_recognition.training import face_clips
from emotion_recognition.training.learners import Learner
from emotion_recognition.training.loop import Report


class CropSequence(Sequence):
    """Crops (T, side, side, 3) uint8 of clips, read from the cache when they are asked for."""

    def __init__(self, clips: Sequence[Clip], reader: FaceClipReader):
        self._clips = clips
        self._reader = reader

    def __len__(self) -> int:
        return len(self._clips)

    def __getitem__(self, index: int) -> np.ndarray:
        return self._reader(self._clips[index])


class FaceClipLearner(Learner):
    """F1 to F4, or another visual network, on 15 crops of each clip."""

    modalities = ("video", "audio-visual")

    def fit(self, chosen: np.ndarray, checkpoint: Path | None = None, report: Report | None = None) -> nn.Module:
        """Train; see :func:`emotion_recognition.training.face_clips.fit`."""
        return face_clips.fit(
            self._crops(chosen), self.columns[chosen], self.recipe, len(self.class_table), checkpoint, report
        )

    def _default_recipe(self) -> face_clips.FaceClipsRecipe:
        return face_clips.default_recipe(self.architecture)

    def _read(self, clip: Clip) -> bool:
        if not hasattr(self, "_reader"):
            self._reader = FaceClipReader(CropSettings(skip=self.task.skip_frames), self._cache)
        self._reader(clip)  # the crops of a whole set are too many to hold
        return True

    def _gather(self, results: list[bool]) -> None:
        pass

    def _crops(self, chosen: np.ndarray) -> CropSequence:
        return CropSequence([self.clips[index] for index in chosen], self._reader)

    def _raw_logits(self, model: nn.Module, chosen: np.ndarray) -> np.ndarray:
        return face_clips.logits(model, self._crops(chosen), self.recipe)

    def _preprocessing(self, model: nn.Module) -> dict[str, Any]:
        found = asdict(self.recipe.preprocessing)
        return {**found, "mean": list(found["mean"]), "std": list(found["std"])}

    def _export(self, network: nn.Module, fields: dict[str, Any], output: Path, name: str) -> Path:
        from emotion_recognition.engines.export import export_face

        return export_face(network, self.architecture, fields, output, name)
