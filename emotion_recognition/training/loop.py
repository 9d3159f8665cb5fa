"""The training loop that every network goes through: seeded, averaged, checkpointed after every epoch.

All random draws of an epoch come from a generator seeded with the recipe's seed and the epoch's number, and one file
holds everything a run needs to go on, so a run that was killed and started again ends with the same weights as one
that was not (on the processor, with one thread).
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from emotion_recognition.training.averaging import MovingAverage
from emotion_recognition.training.checkpoints import load_checkpoint, save_checkpoint
from emotion_recognition.training.devices import training_device
from emotion_recognition.training.objectives import Objective

OPTIMIZERS = ("adamw", "sgd")
PRECISIONS = ("float32", "bfloat16")
MOMENTUM = 0.9

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Optimisation:
    """How a network is optimised.

    Attributes:
        cycles: (epochs, peak rate) of each cycle; in each the rate rises over ``warm_up`` steps and falls as a cosine.
        batch: examples a step; an epoch's last, incomplete batch is left out.
        optimizer: ``adamw``, or ``sgd`` with Nesterov's momentum of 0.9.
        warm_up: steps.
        weight_decay: of the optimizer.
        label_smoothing: 0 to below 1.
        average: decay of the moving average of the weights, which is what is kept.
        precision: ``bfloat16`` runs the forward pass in mixed precision.
        seed: where all random draws start.

    Raises:
        ValueError: a setting is out of its range.
    """

    cycles: tuple[tuple[int, float], ...]
    batch: int = 64
    optimizer: str = "adamw"
    warm_up: int = 50
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    average: float = 0.99
    precision: str = "float32"
    seed: int = 1

    def __post_init__(self):
        if not self.cycles or any(epochs < 1 or rate <= 0 for epochs, rate in self.cycles):
            raise ValueError(f"cycles {self.cycles}: expected (epochs from 1, rate above 0), at least once")
        if self.batch < 2 or self.warm_up < 1 or self.weight_decay < 0:
            raise ValueError(
                f"batch {self.batch}, warm_up {self.warm_up}, weight_decay {self.weight_decay}: expected at least 2, "
                "at least 1 and at least 0"
            )
        if not 0 <= self.label_smoothing < 1 or not 0 <= self.average < 1:
            raise ValueError(f"label_smoothing {self.label_smoothing}, average {self.average}: expected 0 to below 1")
        if self.optimizer not in OPTIMIZERS or self.precision not in PRECISIONS:
            raise ValueError(
                f"optimizer {self.optimizer!r}, precision {self.precision!r}: expected one of {OPTIMIZERS} and one of "
                f"{PRECISIONS}"
            )

    @property
    def epochs(self) -> int:
        """Epochs of all cycles together."""
        return sum(epochs for epochs, _ in self.cycles)


class Examples(Protocol):
    """What a network learns from."""

    def __len__(self) -> int:
        """Return the number of examples."""

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return inputs of chosen examples (N,), drawn anew, and their targets, see ``objectives.Objective.loss``."""


def train(
    network: nn.Module,
    examples: Examples,
    optimisation: Optimisation,
    objective: Objective | None = None,
    checkpoint: Path | None = None,
    report: Report | None = None,
    check: Callable[[nn.Module], dict[str, float]] | None = None,
    described: dict[str, Any] | None = None,
) -> nn.Module:
    """Train a network, on the GPU where there is one, and return the moving average of its weights on the processor.

    Args:
        network: changed in place, except when the run had already ended. It gives logits (N, C), or while it is
            trained (N, members, C), each member to be right by itself.
        examples: what it learns from.
        optimisation: the settings.
        objective: what the logits are held against; None: cross-entropy over all columns.
        checkpoint: file that is written after every epoch and that an unfinished run goes on from.
        report: called after every epoch with ``epoch``, ``of``, ``loss``, ``seconds`` and what ``check`` gave.
        check: scores the averaged network, wherever it is, after an epoch.
        described: what else a checkpoint must agree in (architecture, data) for the run to go on from it.

    Raises:
        ValueError: fewer examples than a batch, or the checkpoint is another run's.
        FloatingPointError: the loss or the weights were not finite; the checkpoint before stays.
        ModelError: the checkpoint cannot be read.
    """
    if len(examples) < optimisation.batch:
        raise ValueError(f"{len(examples)} examples to learn from, fewer than a batch of {optimisation.batch}")
    network.to(training_device())
    with torch.random.fork_rng():
        return _train(
            network, examples, optimisation, objective or Objective(), checkpoint, report, check, described or {}
        ).cpu()


def _train(network, examples, optimisation, objective, checkpoint, report, check, described) -> nn.Module:
    device = next(network.parameters()).device
    identity = {"optimisation": asdict(optimisation), **described}
    average = MovingAverage(network, optimisation.average)
    done, moments = 0, None
    if checkpoint is not None and checkpoint.is_file():
        done, moments = load_checkpoint(checkpoint, network, average, identity)
        if not _finite(network, average.network):
            raise FloatingPointError(f"{checkpoint}: its weights are not finite: delete it, and lower the rate")
    steps = len(examples) // optimisation.batch
    number = 0
    for epochs, rate in optimisation.cycles:
        for epoch in range(epochs):
            number += 1
            if number <= done:
                continue
            if epoch == 0 or number == done + 1:
                optimizer = _optimizer(network, optimisation, rate)
                if epoch == 0:
                    average.steps = 0
                else:
                    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
            generator = torch.Generator().manual_seed(optimisation.seed * 1000 + number)
            torch.manual_seed(optimisation.seed * 1000 + number)
            order = torch.randperm(len(examples), generator=generator)
            network.train()
            started, total = time.monotonic(), 0.0
            for step in range(steps):
                _set_rate(optimizer, rate, epoch * steps + step, epochs * steps, optimisation.warm_up)
                chosen = order[step * optimisation.batch : (step + 1) * optimisation.batch]
                inputs, targets = (part.to(device) for part in examples.batch(chosen, generator))
                with torch.autocast(device.type, torch.bfloat16, enabled=optimisation.precision == "bfloat16"):
                    logits = network(inputs)
                loss = objective.loss(logits, targets, optimisation.label_smoothing)
                if not torch.isfinite(loss):
                    raise _diverged(f"loss {loss.item()}", number, rate, checkpoint)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                average.update(network)
                total += loss.item()
            # The last step's loss was computed before its gradient moved the weights.
            if not _finite(network, average.network):
                raise _diverged("weights that are not finite", number, rate, checkpoint)
            if checkpoint is not None:
                save_checkpoint(checkpoint, network, average, optimizer, number, identity)
            if report:
                figures = check(average.network) if check else {}
                seconds = time.monotonic() - started
                report(
                    {"epoch": number, "of": optimisation.epochs, "loss": total / steps, "seconds": seconds, **figures}
                )
    return average.network


def _finite(*networks: nn.Module) -> bool:
    values = (value for network in networks for value in network.state_dict().values())
    return all(bool(torch.isfinite(value).all()) for value in values)


def _diverged(what: str, number: int, rate: float, checkpoint: Path | None) -> FloatingPointError:
    kept = checkpoint if checkpoint is not None and checkpoint.is_file() else "not on disk"
    return FloatingPointError(f"{what} in epoch {number}: lower the rate {rate}; the last good state is {kept}")


def _optimizer(network: nn.Module, optimisation: Optimisation, rate: float) -> torch.optim.Optimizer:
    decay = optimisation.weight_decay
    if optimisation.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), rate, MOMENTUM, weight_decay=decay, nesterov=True)
    return torch.optim.AdamW(network.parameters(), rate, weight_decay=decay)


def _set_rate(optimizer: torch.optim.Optimizer, peak: float, step: int, steps: int, warm_up: int) -> None:
    warm = min(1.0, (step + 1) / warm_up)
    for group in optimizer.param_groups:
        # It ends a thousandth above zero: the last steps still count.
        group["lr"] = peak * warm * (0.5 * (1 + np.cos(np.pi * step / steps)) + 1e-3)
