"""Learners of the speech networks: on mean MFCCs, and on their matrix over time."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from emotion_recognition.datasets.clips import Clip
from emotion_recognition.datasets.reading import read_sound
from emotion_recognition.features import MfccSettings, NumpyMfcc
from emotion_recognition.features.trimming import RANGE_DB
from emotion_recognition.training import speech, speech_matrix
from emotion_recognition.training.learners import Learner
from emotion_recognition.training.loop import Report
from emotion_recognition.training.mel_bank import MelBank, make_bank
from emotion_recognition.training.side_tasks import side_targets
from emotion_recognition.training.speech_features import (
    SpeechFeatures,
    augmentation_settings,
    compute_features,
    mean_mfcc,
)

FEATURE_SEED = 1
# Raised when the features of the same sound change.
MEAN_VERSION, BANK_VERSION = 2, 1


class _SpeechLearner(Learner):
    """What both have in common."""

    modalities = ("audio", "audio-visual")

    def _export(self, network: nn.Module, fields: dict[str, Any], output: Path, name: str) -> Path:
        from emotion_recognition.engines.export import export_speech

        return export_speech(network, self.architecture, fields, output, name)


class SpeechMeanLearner(_SpeechLearner):
    """The paper's S1 to S3 on mean MFCCs (``training.speech``)."""

    def fit(
        self, chosen: np.ndarray, checkpoint: Path | None = None, report: Report | None = None
    ) -> speech.SpeechModel:
        """Train; see :func:`emotion_recognition.training.speech.fit`."""
        return speech.fit(
            self._features, chosen, self.recipe, self.columns, len(self.class_table), checkpoint, report
        )  # fmt: skip

    def network(self, model: speech.SpeechModel) -> nn.Module:
        """Return the torch module."""
        return model.network

    def _default_recipe(self) -> speech.SpeechRecipe:
        return speech.SpeechRecipe(architecture=self.architecture)

    def _read(self, clip: Clip) -> dict[str, np.ndarray]:
        # The random versions depend on the clip's name, too.
        settings = {
            "kind": "mean mfcc", "mfcc": asdict(MfccSettings()), "versions": self.recipe.versions,
            "seed": FEATURE_SEED, "name": clip.name, **augmentation_settings(self.recipe.augmentation),
        }  # fmt: skip

        def compute(_: Path) -> dict[str, np.ndarray]:
            found = compute_features([clip], self.recipe.versions, FEATURE_SEED, augmentation=self.recipe.augmentation)
            return {"whole": found.whole[0], "variants": found.variants[0]}

        return self._cache.get(clip.path, settings, compute, MEAN_VERSION)

    def _gather(self, results: list[dict[str, np.ndarray]]) -> None:
        self._features = SpeechFeatures(
            class_ids=self.class_ids,
            actors=self.actors,
            whole=np.stack([item["whole"] for item in results]),
            variants=np.stack([item["variants"] for item in results]),
            settings=MfccSettings(),
        )

    def _raw_logits(self, model: speech.SpeechModel, chosen: np.ndarray) -> np.ndarray:
        return model.logits(self._features.whole[chosen])

    def _raw_heard(self, model: speech.SpeechModel, sounds: Sequence[np.ndarray]) -> np.ndarray:
        mfcc = NumpyMfcc(MfccSettings())
        return model.logits(np.array([mean_mfcc(mfcc, sound) for sound in sounds]))

    def _preprocessing(self, model: speech.SpeechModel) -> dict[str, Any]:
        return {"mean": model.mean.tolist(), "std": model.std.tolist(), "mfcc": asdict(MfccSettings())}


class SpeechMatrixLearner(_SpeechLearner):
    """The network that reads whole MFCC matrices (``training.speech_matrix``)."""

    takes_added = True

    def fit(self, chosen: np.ndarray, checkpoint: Path | None = None, report: Report | None = None) -> nn.Module:
        """Train; see :func:`emotion_recognition.training.speech_matrix.fit`."""
        bank, columns = self._bank.select(chosen), self.columns[chosen]
        sides = side_targets(self.clips)[chosen]
        if self.added is not None:
            bank = bank.joined(self.added._bank)
            columns = np.concatenate((columns, np.searchsorted(self.class_table, self.added.class_ids)))
            sides = np.concatenate((sides, side_targets(self.added.clips)))
        return speech_matrix.fit(bank, columns, sides, self.recipe, len(self.class_table), checkpoint, report)

    def _default_recipe(self) -> speech_matrix.SpeechMatrixRecipe:
        return speech_matrix.SpeechMatrixRecipe(architecture=self.architecture)

    def _read(self, clip: Clip) -> np.ndarray:
        def compute(path: Path) -> dict[str, np.ndarray]:
            return {"bands": make_bank([read_sound(path, MfccSettings().rate)]).decibels[0].numpy()}

        settings = {"kind": "mel bands", "mfcc": asdict(MfccSettings()), "range_db": RANGE_DB}
        return self._cache.get(clip.path, settings, compute, BANK_VERSION)["bands"]

    def _gather(self, results: list[np.ndarray]) -> None:
        lengths = [bands.shape[1] for bands in results]
        decibels = np.zeros((len(results), results[0].shape[0], max(lengths)), np.float32)
        for row, bands in zip(decibels, results, strict=True):
            row[:, : bands.shape[1]] = bands
        self._bank = MelBank(torch.from_numpy(decibels), torch.tensor(lengths), MfccSettings())

    def _raw_logits(self, model: nn.Module, chosen: np.ndarray) -> np.ndarray:
        return speech_matrix.logits(model, self._bank.select(chosen))

    def _raw_heard(self, model: nn.Module, sounds: Sequence[np.ndarray]) -> np.ndarray:
        return speech_matrix.logits(model, make_bank(sounds))

    def _preprocessing(self, model: nn.Module) -> dict[str, Any]:
        return {"mfcc": asdict(MfccSettings()), "trim_db": RANGE_DB}
