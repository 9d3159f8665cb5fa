"""Training of the speech classifier on RAVDESS, and its speaker-independent score.

The network is the paper's (``models.speech_cnn.SpeechCNN``) on 40 mean MFCCs, standardised by the training clips. Every
epoch draws one version of each clip (``training.speech_features``), a gain and pairs to mix. The number of epochs is
fixed beforehand, so no test clip takes part in any choice.
"""

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from emotion_recognition.datasets.ravdess import find_clips
from emotion_recognition.emotions import CLASS_IDS
from emotion_recognition.evaluation.calibration import calibration_error, fit_temperature, softmax
from emotion_recognition.evaluation.folds import FOLDS, actor_folds
from emotion_recognition.evaluation.metrics import score
from emotion_recognition.models.speech_cnn import SpeechCNN
from emotion_recognition.training.speech_features import SpeechFeatures, apply_gain, compute_features

NAME = "speech_ravdess"
LICENCE = "CC BY-NC-SA 4.0 (https://creativecommons.org/licenses/by-nc-sa/4.0/), as RAVDESS"
TRAINED_ON = (
    "RAVDESS speech (Livingstone & Russo 2018, PLoS ONE 13(5): e0196391): {clips} clips of {actors} actors, whole and "
    "in windows of 3 s, at random gain, speed and noise"
)
EVALUATION_SEED = 0

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class SpeechRecipe:
    """Settings of a speech training.

    Attributes:
        variant: ``s1``, ``s2`` or ``s3`` of the network.
        epochs: passes over the clips, a new version of each in every pass.
        batch: clips a step.
        rate: peak learning rate of AdamW; it rises over ``warm_up`` steps and falls as a cosine.
        weight_decay, label_smoothing, dropout: as usual.
        average: decay of the moving average of the weights, which is what is kept.
        mixup: both parameters of the beta distribution that pairs of vectors and of labels are mixed by; 0: not mixed.
            Zhang et al., "mixup: Beyond Empirical Risk Minimization", https://arxiv.org/abs/1710.09412.
        gain_db: every vector is made louder or quieter by up to this many dB.
        whole_share: share of the vectors that are the clip as it is.
        versions: random versions made of each clip.
        seed: where all random draws start.
    """

    variant: str = "s2"
    epochs: int = 50
    batch: int = 64
    rate: float = 2e-3
    warm_up: int = 50
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    dropout: float = 0.2
    average: float = 0.99
    mixup: float = 0.2
    gain_db: float = 12.0
    whole_share: float = 0.25
    versions: int = 16
    seed: int = 1


@dataclass(frozen=True)
class SpeechModel:
    """A trained network with the mean and standard deviation (40,) that standardise its input."""

    network: SpeechCNN
    mean: np.ndarray
    std: np.ndarray

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """Return logits (N, 8) float64 of mean MFCCs (N, 40)."""
        self.network.eval()
        with torch.inference_mode():
            standardised = torch.from_numpy(((vectors - self.mean) / self.std).astype(np.float32))
            return self.network(standardised).numpy().astype(np.float64)


def fit(
    features: SpeechFeatures, chosen: np.ndarray, recipe: SpeechRecipe, progress: Progress | None = None
) -> SpeechModel:
    """Train on the clips of index ``chosen``.

    Args:
        features: of all clips.
        chosen: indices of the clips to learn from, at least one batch.
        recipe: the settings.
        progress: called with ``{"stage": "training", "epoch": n, "of": epochs, "loss": mean}`` after every epoch.

    Raises:
        ValueError: fewer clips than one batch.
        FloatingPointError: the loss was not finite.
    """
    if len(chosen) < recipe.batch:
        raise ValueError(f"{len(chosen)} clips to learn from, fewer than a batch of {recipe.batch}")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _fit(features, chosen, recipe, progress)
    finally:
        torch.set_num_threads(threads)


def _fit(features: SpeechFeatures, chosen: np.ndarray, recipe: SpeechRecipe, progress: Progress | None) -> SpeechModel:
    rng = np.random.default_rng(recipe.seed)
    bank = np.concatenate([features.whole[chosen, None], features.variants[chosen]], axis=1)
    targets = F.one_hot(torch.from_numpy(features.class_ids[chosen] - 1), len(CLASS_IDS)).float()
    mean, std = _statistics(bank, recipe, features)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = SpeechCNN(recipe.variant, dropout=recipe.dropout)
        averaged = copy.deepcopy(network).eval()
        optimizer = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=recipe.weight_decay)
        steps, total_steps = 0, recipe.epochs * (len(chosen) // recipe.batch)
        for epoch in range(recipe.epochs):
            inputs = torch.from_numpy((_draw(bank, rng, recipe, features) - mean) / std)
            order = torch.from_numpy(rng.permutation(len(chosen)))
            network.train()
            losses = []
            # The last, incomplete batch is left out: the batch statistics of a few clips are no good.
            for start in range(0, len(chosen) - recipe.batch + 1, recipe.batch):
                for group in optimizer.param_groups:
                    warm = min(1.0, (steps + 1) / recipe.warm_up)
                    group["lr"] = recipe.rate * warm * 0.5 * (1 + np.cos(np.pi * steps / total_steps))
                batch = order[start : start + recipe.batch]
                vectors, labels = _mix(inputs[batch], targets[batch], rng, recipe.mixup)
                loss = F.cross_entropy(network(vectors), labels, label_smoothing=recipe.label_smoothing)
                if not torch.isfinite(loss):
                    raise FloatingPointError(f"loss {loss.item()} in epoch {epoch + 1}: lower rate {recipe.rate}")
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                steps += 1
                _average(averaged, network, min(recipe.average, steps / (steps + 10)))
                losses.append(loss.item())
            if progress:
                progress({"stage": "training", "epoch": epoch + 1, "of": recipe.epochs, "loss": float(np.mean(losses))})
    return SpeechModel(averaged, mean, std)


def _statistics(bank: np.ndarray, recipe: SpeechRecipe, features: SpeechFeatures) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the training vectors, the spread of the gain included."""
    vectors = bank.reshape(-1, bank.shape[-1]).astype(np.float64)
    variance = vectors.var(axis=0)
    variance[0] += recipe.gain_db**2 / 3 * features.settings.mels
    return vectors.mean(axis=0).astype(np.float32), np.sqrt(variance).astype(np.float32)


def _draw(bank: np.ndarray, rng: np.random.Generator, recipe: SpeechRecipe, features: SpeechFeatures) -> np.ndarray:
    """Return one version of each clip (N, 40) at a random gain."""
    count, versions = bank.shape[:2]
    pick = np.zeros(count, int)
    if versions > 1:
        pick = np.where(rng.random(count) < recipe.whole_share, 0, rng.integers(1, versions, count))
    gain = rng.uniform(-recipe.gain_db, recipe.gain_db, count)
    return apply_gain(bank[np.arange(count), pick], gain, features.settings)


def _mix(
    vectors: torch.Tensor, labels: torch.Tensor, rng: np.random.Generator, mixup: float
) -> tuple[torch.Tensor, torch.Tensor]:
    if not mixup:
        return vectors, labels
    share = float(rng.beta(mixup, mixup))
    other = torch.from_numpy(rng.permutation(len(vectors)))
    return share * vectors + (1 - share) * vectors[other], share * labels + (1 - share) * labels[other]


def _average(averaged: torch.nn.Module, network: torch.nn.Module, decay: float) -> None:
    with torch.no_grad():
        for mine, theirs in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - decay)
            else:
                mine.copy_(theirs)


def cross_validate_speech(
    data: Path | str | SpeechFeatures, recipe: SpeechRecipe | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Score a recipe speaker-independently: six folds of four actors no training heard.

    Args:
        data: folder of RAVDESS speech, or its features.
        recipe: the settings.
        progress: as for :func:`fit`, with ``fold`` and ``folds`` added.

    Returns:
        What JSON can hold: ``protocol``, ``folds`` (actors, clips, and for ``clips``, ``windows`` and ``windows_gain``
        accuracy and UAR), for each of these three kinds of input the means over the folds, the confusion of all clips,
        ``temperature`` fitted on the windows' out-of-fold logits, calibration error before and after, the recipe.
        ``windows`` are the 3 s windows a robot sees of the clips, ``windows_gain`` the same at random gains.

    Raises:
        FileNotFoundError, ValueError: see ``find_clips`` and ``actor_folds``.
    """
    recipe = recipe or SpeechRecipe()
    features = _features(data, recipe, progress)
    gains = np.random.default_rng(EVALUATION_SEED).uniform(-recipe.gain_db, recipe.gain_db, len(features.windows))
    inputs = {
        "clips": (features.whole, np.arange(len(features.whole))),
        "windows": (features.windows, features.window_clips),
        "windows_gain": (apply_gain(features.windows, gains, features.settings), features.window_clips),
    }
    logits = {kind: np.full((len(vectors), len(CLASS_IDS)), np.nan) for kind, (vectors, _) in inputs.items()}
    split = actor_folds(features.actors)
    folds = []
    for number, (train, test) in enumerate(split):
        report = _with_fold(progress, number, len(split))
        model = fit(features, train, recipe, report)
        fold: dict[str, Any] = {"actors": sorted(set(features.actors[test].tolist())), "clips_tested": len(test)}
        for kind, (vectors, clips) in inputs.items():
            part = np.flatnonzero(np.isin(clips, test))
            logits[kind][part] = model.logits(vectors[part])
            found = score(features.class_ids[clips[part]], logits[kind][part].argmax(axis=1) + 1, CLASS_IDS)
            fold[kind] = {"accuracy": found.accuracy, "uar": found.uar}
        folds.append(fold)
        if report:
            report({"stage": "fold", "uar": fold["clips"]["uar"], "accuracy": fold["clips"]["accuracy"]})
    return _summary(features, inputs, logits, folds, recipe)


def _summary(
    features: SpeechFeatures, inputs: dict, logits: dict, folds: list[dict], recipe: SpeechRecipe
) -> dict[str, Any]:
    truth = {kind: features.class_ids[clips] for kind, (_, clips) in inputs.items()}
    temperature = fit_temperature(logits["windows"], truth["windows"])
    before, after = (
        calibration_error(truth["windows"], softmax(logits["windows"] / t), CLASS_IDS) for t in (1.0, temperature)
    )
    means = {}
    for kind in inputs:
        for name in ("uar", "accuracy"):
            values = [fold[kind][name] for fold in folds]
            means.setdefault(kind, {})[name] = {"mean": float(np.mean(values)), "std": float(np.std(values))}
    return {
        "protocol": f"P2: RAVDESS speech, folds of actors {', '.join(f'{fold[0]}-{fold[-1]}' for fold in FOLDS)}, "
        "fixed number of epochs",
        "clips": len(features.whole),
        "folds": folds,
        "means": means,
        "confusion_clips": score(truth["clips"], logits["clips"].argmax(axis=1) + 1, CLASS_IDS).to_json()["confusion"],
        "class_ids": list(CLASS_IDS),
        "temperature": temperature,
        "calibration_error_windows": {"before": before, "after": after},
        "recipe": asdict(recipe),
    }


def train_speech(
    data: Path | str | SpeechFeatures,
    output: Path | str,
    recipe: SpeechRecipe | None = None,
    cross_validation: dict[str, Any] | None = None,
    progress: Progress | None = None,
    name: str = NAME,
) -> Path:
    """Train on all actors and write the model; its scores and temperature are those of the cross-validation.

    Args:
        data: folder of RAVDESS speech, or its features.
        output: folder the model's files are written to.
        recipe: the settings.
        cross_validation: result of :func:`cross_validate_speech` for the same recipe; it is run first if not given.
        progress: as for :func:`fit` and :func:`cross_validate_speech`.
        name: the model's name.

    Returns:
        The model's sidecar.

    Raises:
        FileNotFoundError, ValueError: see ``find_clips`` and ``actor_folds``; the cross-validation is another recipe's.
    """
    from emotion_recognition.engines.export import export_speech

    recipe = recipe or SpeechRecipe()
    if cross_validation is not None and cross_validation["recipe"] != asdict(recipe):
        raise ValueError(f"cross-validation of {cross_validation['recipe']}, not of {asdict(recipe)}: run it again")
    features = _features(data, recipe, progress)
    if cross_validation is None:
        cross_validation = cross_validate_speech(features, recipe, progress)
    model = fit(features, np.arange(len(features.whole)), recipe, progress)
    fields = {
        "class_ids": list(CLASS_IDS),
        "preprocessing": {"mean": model.mean.tolist(), "std": model.std.tolist(), "mfcc": asdict(features.settings)},
        "temperature": cross_validation["temperature"],
        "licence": LICENCE,
        "trained_on": TRAINED_ON.format(clips=len(features.whole), actors=len(set(features.actors.tolist()))),
        "scores": {"command": "emotion-recognition cross-validate speech --data FOLDER --json", **cross_validation},
    }
    return export_speech(model.network, fields, output, name)


def _features(data: Path | str | SpeechFeatures, recipe: SpeechRecipe, progress: Progress | None) -> SpeechFeatures:
    if isinstance(data, SpeechFeatures):
        return data
    return compute_features(find_clips(data), recipe.versions, recipe.seed, progress)


def _with_fold(progress: Progress | None, number: int, folds: int) -> Progress | None:
    if progress is None:
        return None
    return lambda figures: progress({"fold": number + 1, "folds": folds, **figures})
