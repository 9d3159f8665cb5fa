"""Changes to a recipe's settings, as a command line or a search gives them."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from emotion_recognition.models.configurations import other_readings
from emotion_recognition.training.loop import Optimisation

Recipe = TypeVar("Recipe")


@dataclass(frozen=True)
class Changes:
    """What to change of a recipe; None leaves the recipe's own value.

    Attributes:
        epochs: passes over the data, as one cycle at the recipe's highest rate; a recipe's second training is left out.
        rate: peak learning rate; where a recipe has several cycles, that of the first, the others in proportion.
        dropout: 0 to below 1, for networks that have it.
        batch: examples a step.
        seed: where all random draws start.
        precision: ``float32`` or ``bfloat16``, see ``loop.Optimisation``.
        augmentation: ``robot``, ``paper`` or ``none``, for the paper's speech networks. The paper's is noise, pitch and
            rate only, so it leaves the gain as it is; with none they learn from the clips alone.
        mixup: of the paper's speech networks, see ``speech.SpeechRecipe``; from 0, which mixes nothing.
        side_weight: of each side task (``training.side_tasks``) of the voice, from 0, which leaves them out.
        readings: of the paper's open points, see ``models.configurations.READINGS``; those not named stay as they are.
    """

    epochs: int | None = None
    rate: float | None = None
    dropout: float | None = None
    batch: int | None = None
    seed: int | None = None
    precision: str | None = None
    augmentation: str | None = None
    mixup: float | None = None
    side_weight: float | None = None
    readings: Mapping[str, str | bool] = field(default_factory=dict)

    def applied(self, recipe: Recipe) -> Recipe:
        """Return a recipe with the changes; it must have ``optimisation``, and the other settings that are changed.

        Raises:
            ValueError: a value is out of its range, or the recipe has no such setting.
        """
        new: dict[str, Any] = {"optimisation": self._optimisation(recipe.optimisation)}
        second = getattr(recipe, "refinement", None)
        if second is not None:
            new["refinement"] = self._refinement(second)
        if self.dropout is not None:
            if not hasattr(recipe, "dropout"):
                raise ValueError(f"dropout {self.dropout}: {recipe.architecture} has none; leave it out")
            if not 0 <= self.dropout < 1:
                raise ValueError(f"dropout {self.dropout}: expected 0 to below 1")
            new["dropout"] = self.dropout
        if self.augmentation is not None:
            if not hasattr(recipe, "augmentation"):
                raise ValueError(f"augmentation {self.augmentation}: {recipe.architecture} has one only; leave it out")
            new["augmentation"] = self.augmentation
            if self.augmentation != "robot":
                new["gain_db"] = 0.0
            if self.augmentation == "none":
                new["versions"] = 0
        for name, what in {"mixup": "mixup", "side_weight": "side tasks"}.items():
            value = getattr(self, name)
            if value is None:
                continue
            if not hasattr(recipe, name):
                raise ValueError(f"{name} {value}: {recipe.architecture} has no {what}; leave it out")
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} {value}: expected a number from 0")
            new[name] = value
        if self.readings:
            before = getattr(recipe, "readings", {})
            new["readings"] = other_readings(recipe.architecture, {**before, **self.readings})
        return dataclasses.replace(recipe, **new)

    def _refinement(self, found: Any) -> Any:
        """Return a recipe's second training, whose epochs and rate are its own."""
        if self.epochs is not None:
            return None
        return dataclasses.replace(found, optimisation=dataclasses.replace(found.optimisation, **self._steps()))

    def _optimisation(self, found: Optimisation) -> Optimisation:
        new = self._steps()
        cycles = found.cycles
        if self.epochs is not None:
            cycles = ((self.epochs, max(rate for _, rate in cycles)),)
        if self.rate is not None:
            first = cycles[0][1]
            cycles = tuple((epochs, self.rate * (rate / first)) for epochs, rate in cycles)
        if cycles != found.cycles:
            new["cycles"] = cycles
        return dataclasses.replace(found, **new)

    def _steps(self) -> dict[str, Any]:
        """Return what holds for every step of a training."""
        given = {"batch": self.batch, "seed": self.seed, "precision": self.precision}
        return {key: value for key, value in given.items() if value is not None}
