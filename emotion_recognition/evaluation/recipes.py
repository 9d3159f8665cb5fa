"""Recipes as run records, sidecars and output folders keep them."""

import copy
from collections.abc import Mapping
from typing import Any

# Settings that recipes gained, by their place in a recipe (``versions.shift``), each with what held before: the value
# in a recipe that was written without it.
GAINED: dict[str, Any] = {"readings": {}, "balanced": False, "versions.least_frames": 80, "side_weight": 0.0}


def completed(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe with the settings that it was written without, so that old and new ones can be compared."""
    found = copy.deepcopy(dict(recipe))
    for name, value in GAINED.items():
        *parents, key = name.split(".")
        place: Any = found
        for parent in parents:
            place = place.get(parent) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place.setdefault(key, copy.deepcopy(value))
    return found
