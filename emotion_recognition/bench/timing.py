"""Times of several functions, taken in turns so that whatever slows the machine slows all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from emotion_recognition.bench.summary import Summary, summarise

ROUNDS = 7, 300  # at least, at most
# Of consecutive runs in one round all count: the first finds the caches as the function before left them.
REPEATS = 3


@dataclass(frozen=True)
class Candidate:
    """A function to time, and what has to be done before each run without being timed."""

    run: Callable[[], object]
    prepare: Callable[[], object] | None = None

    def seconds(self) -> tuple[float, float]:
        """Run once; return the time on the clock and the processor time of all threads, in s."""
        if self.prepare is not None:
            self.prepare()
        used, begun = time.process_time(), time.perf_counter()
        self.run()
        return time.perf_counter() - begun, time.process_time() - used


def interleaved(
    candidates: Mapping[str, Candidate | Callable[[], object]], seconds: float, repeats: int = REPEATS
) -> dict[str, Summary]:
    """Return the times of each candidate in ms.

    Each is run twice without being counted. Then come rounds in which every one runs ``repeats`` times, as many as take
    about ``seconds`` together, within :data:`ROUNDS`.
    """
    made = {name: one if isinstance(one, Candidate) else Candidate(one) for name, one in candidates.items()}
    begun = time.perf_counter()
    for one in made.values():
        one.seconds()
    for one in made.values():
        one.seconds()
    # Two runs of each took this long; the first ones, with what they allocate, more than others will.
    round_s = (time.perf_counter() - begun) / 2 * repeats
    rounds = min(max(round(seconds / max(round_s, 1e-9)), ROUNDS[0]), ROUNDS[1])
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, one in made.items():
            times[name] += [one.seconds() for _ in range(repeats)]
    return {
        name: summarise([1e3 * clock for clock, _ in found], [1e3 * cpu for _, cpu in found])
        for name, found in times.items()
    }
