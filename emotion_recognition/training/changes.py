"""Changes to a recipe's settings, as a command line or a search gives them."""

import dataclasses
from dataclasses import dataclass
from typing import Any, TypeVar

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
        augmentation: ``robot`` or ``paper``, for the paper's speech networks.
    """

    epochs: int | None = None
    rate: float | None = None
    dropout: float | None = None
    batch: int | None = None
    seed: int | None = None
    augmentation: str | None = None

    def applied(self, recipe: Recipe) -> Recipe:
        """Return a recipe with the changes; it must have ``optimisation``, and the other settings that are changed.

        Raises:
            ValueError: a value is out of its range, or the recipe has no such setting.
        """
        new: dict[str, Any] = {"optimisation": self._optimisation(recipe.optimisation)}
        if self.epochs is not None and hasattr(recipe, "refinement"):
            new["refinement"] = None
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
        return dataclasses.replace(recipe, **new)

    def _optimisation(self, found: Optimisation) -> Optimisation:
        new: dict[str, Any] = {}
        cycles = found.cycles
        if self.epochs is not None:
            cycles = ((self.epochs, max(rate for _, rate in cycles)),)
        if self.rate is not None:
            first = cycles[0][1]
            cycles = tuple((epochs, self.rate * (rate / first)) for epochs, rate in cycles)
        if cycles != found.cycles:
            new["cycles"] = cycles
        for key in ("batch", "seed"):
            if getattr(self, key) is not None:
                new[key] = getattr(self, key)
        return dataclasses.replace(found, **new)
