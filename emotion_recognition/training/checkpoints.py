"""Checkpoints of a training: one safetensors file, replaced whole, that a killed run goes on from."""

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from emotion_recognition.engines.errors import ModelError
from emotion_recognition.evaluation.recipes import completed
from emotion_recognition.training.averaging import MovingAverage

STATE = "training_state"


def save_checkpoint(
    path: Path,
    network: nn.Module,
    average: MovingAverage,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    identity: dict[str, Any],
) -> None:
    """Write the state after ``epoch`` epochs; what stood in the file before stays until the new one is whole."""
    tensors = {f"network.{key}": value for key, value in network.state_dict().items()}
    tensors |= {f"average.{key}": value for key, value in average.network.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{key}": torch.as_tensor(value) for key, value in state.items()}
    state = {"epoch": epoch, "steps": average.steps, "identity": identity}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(
        {key: value.detach().cpu().contiguous() for key, value in tensors.items()}, partial, {STATE: json.dumps(state)}
    )
    with open(partial, "rb") as stream:
        os.fsync(stream.fileno())
    partial.replace(path)


def load_checkpoint(
    path: Path, network: nn.Module, average: MovingAverage, identity: dict[str, Any]
) -> tuple[int, dict[int, dict[str, torch.Tensor]]]:
    """Restore a network and its average, and return the epochs done and the optimizer's state.

    Raises:
        ModelError: the file is not a whole checkpoint (truncated, a pickle, another file), or its tensors are another
            architecture's.
        ValueError: the checkpoint is of a run with other settings.
    """
    try:
        with safe_open(path, "pt") as stream:
            state = json.loads((stream.metadata() or {})[STATE])
            tensors = {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118 - not a dictionary
        epoch, steps, found = state["epoch"], state["steps"], completed(state["identity"])
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path}: not a whole checkpoint of a training ({error}): remove it to start again") from error
    wanted = completed(json.loads(json.dumps(identity)))
    if found != wanted:
        differing = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
        raise ValueError(
            f"{path} is of another run: "
            + "; ".join(f"{key} {found.get(key)!r}, not {wanted.get(key)!r}" for key in differing)
            + ": give another folder, or the same settings"
        )
    try:
        network.load_state_dict(_part(tensors, "network."))
        average.network.load_state_dict(_part(tensors, "average."))
    except RuntimeError as error:
        raise ModelError(f"{path}: its tensors are another architecture's: {error}") from error
    average.steps = steps
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in _part(tensors, "optimizer.").items():
        number, name = key.split(".")
        moments.setdefault(int(number), {})[name] = value
    return epoch, moments


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}
