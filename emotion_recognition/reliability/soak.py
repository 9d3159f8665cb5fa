"""Simulated hours of faults before the real nodes: ``python -m emotion_recognition.reliability.soak``.

The hours are shared out among robots, each with its nodes in a process of its own; one that ends early or hangs has
crashed, and another goes on. The last line on stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from emotion_recognition.bench.machine import describe
from emotion_recognition.reliability.workers import MAX_CRASHES, Ended, run

HOURS, SEED = 24.0, 20261123
WORKER = (sys.executable, "-m", "emotion_recognition.reliability.soak_worker")
# What a robot's process may take at most: to start, and for a simulated minute.
START_S, MINUTE_S = 300.0, 10.0
SUMS = ("frames", "emotions", "decisions", "bad_emotions", "unhandled")
PROBLEMS_KEPT = 40
# Samples of memory, one a minute, that are taken together.
BLOCK = 10


def soak(
    hours: float,
    seed: int,
    robots: int,
    keep: Path,
    say: Callable[[str], None] = lambda text: None,
    worker: Sequence[str] = WORKER,
) -> dict[str, Any]:
    """Let robots live through faults and return what came of it.

    Args:
        hours: simulated, of all robots together.
        seed: of the faults.
        robots: processes at a time.
        keep: folder that takes the output of a process that crashed.
        say: told of every process that has ended.
        worker: command of a process.
    """
    began = time.monotonic()
    minutes = [
        round(60 * hours * (number + 1) / robots) - round(60 * hours * number / robots) for number in range(robots)
    ]

    def live(robot: int) -> list[Ended]:
        ended: list[Ended] = []
        left = minutes[robot]
        while left > 0 and len(ended) < MAX_CRASHES:
            name = f"soak-{seed}-{robot}-{len(ended)}"
            words = ["--minutes", str(left), "--seed", name]
            ended.append(run(name, [*worker, *words], START_S + MINUTE_S * left, keep))
            lived = ended[-1].report.get("minutes", 0)
            left -= lived
            say(f"robot {robot}: {lived} minutes{', crashed' if ended[-1].crashed else ''}")
        return ended

    with ThreadPoolExecutor(robots) as pool:
        lives = list(pool.map(live, range(robots)))
    return _result([one for ended in lives for one in ended], seed, robots, hours, time.monotonic() - began)


def _result(lives: list[Ended], seed: int, robots: int, hours: float, wall_s: float) -> dict[str, Any]:
    reports = [one.report for one in lives]
    sums = {key: sum(report.get(key, 0) for report in reports) for key in SUMS}
    faults, not_recovered = Counter(), Counter()
    for report in reports:
        faults.update(report.get("faults", {}))
        not_recovered.update(report.get("not_recovered", {}))
    crashes = sum(bool(one.crashed) for one in lives)
    memory = [_memory(report["rss_mib"], report["given_back_mib"]) for report in reports if report.get("rss_mib")]
    problems = [
        text
        for one in lives
        for text in (
            *([one.crashed] if one.crashed else []),
            *one.report.get("unexpected", []),
            *one.report.get("examples", []),
        )
    ]
    lived = sum(report.get("minutes", 0) for report in reports)
    clean = not (crashes or sums["bad_emotions"] or sums["unhandled"] or not_recovered) and lived >= round(60 * hours)
    return {
        "simulated_hours": round(lived / 60, 3),
        "crashes": crashes,
        "bad_emotions": sums["bad_emotions"],
        # Of every robot, with free memory and without it.
        "rss_growth_percent": max((kind["growth_percent"] for one in memory for kind in one.values()), default=0.0),
        "unhandled": sums["unhandled"],
        "not_recovered": sum(not_recovered.values()),
        "clean": clean,
        "robots": robots,
        "frames": sums["frames"],
        "emotions": sums["emotions"],
        "decisions": sums["decisions"],
        "seed": seed,
        "wall_s": round(wall_s, 1),
        "memory": memory,
        "faults": dict(sorted(faults.items())),
        "not_recovered_from": dict(not_recovered),
        "machine": describe(),
        "problems": problems[:PROBLEMS_KEPT],
    }


def _memory(rss_mib: list[float], given_back_mib: list[float]) -> dict[str, dict[str, float]]:
    """Return how a process's resident memory grew, as it was each minute and after free memory had gone back.

    Args:
        rss_mib: a sample after ten simulated minutes and after each further one.
        given_back_mib: the samples just after them, when what was free had gone back to the kernel.
    """
    return {"as_it_was": _growth(rss_mib), "given_back": _growth(given_back_mib)}


def _growth(samples: list[float]) -> dict[str, float]:
    """Return how memory in MiB grew.

    A single sample goes up and down with the minute's fault, so medians of ten minutes are compared: that of minutes 10
    to 20 with the largest from then on. ``largest_mib`` is the largest of all samples.
    """
    medians = [statistics.median(samples[at : at + BLOCK]) for at in range(0, len(samples), BLOCK)]
    return {
        "after_10_minutes_mib": round(medians[0], 2),
        "at_most_mib": round(max(medians), 2),
        "at_the_end_mib": round(medians[-1], 2),
        "largest_mib": max(samples),
        "growth_percent": round(100 * (max(medians) / medians[0] - 1), 2),
    }


def main(args: list[str] | None = None) -> int:
    """Let robots live; print what came of it; return 1 where something was found, else 0."""
    parser = argparse.ArgumentParser(prog="reliability.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=HOURS, help=f"simulated, of all robots, {HOURS:g} if left out")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the faults, {SEED} if left out")
    parser.add_argument("--robots", type=int, default=min(2, os.cpu_count() or 1), help="processes at a time")
    parser.add_argument("--keep", type=Path, default=Path("build/soak"), help="folder for what crashed leaves")
    options = parser.parse_args(args)
    if not options.hours > 0 or options.robots < 1:
        parser.error("--hours, --robots: expected above 0, 1 or more")
    found = soak(
        options.hours, options.seed, options.robots, options.keep,
        lambda text: print(text, file=sys.stderr, flush=True),
    )  # fmt: skip
    print(json.dumps(found), flush=True)
    return 0 if found["clean"] else 1


if __name__ == "__main__":
    sys.exit(main())
