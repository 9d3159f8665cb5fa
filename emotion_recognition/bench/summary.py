"""Medians and spreads of measured values, and latencies from what was sent and heard."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class Summary:
    """Values in short: median, quartiles (numpy's linear interpolation), mean, smallest and their number.

    ``cpu_median``, of times on the clock: the median of the processor time taken meanwhile, by all threads.
    """

    median: float
    q1: float
    q3: float
    mean: float
    least: float
    n: int
    cpu_median: float | None = None

    @property
    def iqr(self) -> float:
        """Distance of the quartiles."""
        return self.q3 - self.q1

    def to_json(self) -> dict[str, float | int]:
        """Return everything as a dictionary that JSON can hold."""
        return {**asdict(self), "iqr": self.iqr}


def summarise(values: Sequence[float], cpu: Sequence[float] | None = None) -> Summary:
    """Return values in short.

    Args:
        values: what was measured.
        cpu: processor times beside them, for ``cpu_median``.

    Raises:
        ValueError: there is no value, or one is not finite.
    """
    array = _checked(values)
    q1, median, q3 = (float(value) for value in np.percentile(array, (25, 50, 75)))
    cpu_median = None if cpu is None else float(np.median(_checked(cpu)))
    return Summary(median, q1, q3, float(array.mean()), float(array.min()), len(array), cpu_median)


def percentiles(values: Sequence[float]) -> dict[str, float | int]:
    """Return ``p50``, ``p95``, ``p99``, ``max`` and ``n`` of values.

    Raises:
        ValueError: there is no value, or one is not finite.
    """
    array = _checked(values)
    found = np.percentile(array, PERCENTILES)
    named = {f"p{rank}": float(value) for rank, value in zip(PERCENTILES, found, strict=True)}
    return {**named, "max": float(array.max()), "n": len(array)}


def latencies_ms(
    heard: Iterable[tuple[int, int]], sent_ns: Collection[int], from_ns: int, until_ns: int
) -> list[float]:
    """Return how long after its stamp each message was heard, in ms and in the order given.

    Args:
        heard: stamp and time of receipt of each message, ns.
        sent_ns: stamps that count; a message with another one is of another sensor or made up, and left out.
        from_ns, until_ns: only messages received from the first and before the second count.
    """
    return [
        (received - stamp) / 1e6 for stamp, received in heard if from_ns <= received < until_ns and stamp in sent_ns
    ]


def _checked(values: Sequence[float]) -> np.ndarray:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise ValueError(f"values of shape {array.shape}: expected at least one, all finite")
    return array
