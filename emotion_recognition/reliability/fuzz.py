"""Malformed messages to every subscription of every node: ``python -m emotion_recognition.reliability.fuzz``.

Messages go over the middleware to the real nodes in processes of their own, some thousands each; one that ends early or
hangs has crashed, and what it was sent last is kept. Only messages that are malformed and reach the nodes count. The
last line on stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emotion_recognition.bench.machine import describe
from emotion_recognition.reliability.workers import MAX_CRASHES, Ended, run

MESSAGES, CHUNK, SEED = 100_000, 5_000, 20261123
WORKER = (sys.executable, "-m", "emotion_recognition.reliability.fuzz_worker")
# A process that takes longer for its messages hangs: it ends by itself where its nodes do.
CHUNK_S = 1200.0
SUMS = ("messages", "unhandled", "bad_emotions", "emotions", "decisions")


@dataclass
class Tally:
    """What all processes together found.

    Attributes:
        sums: of the processes' reports, by key.
        subscriptions: messages by topic: ``sent`` (malformed), ``good`` (as they should be), ``received`` (by all
            nodes, what they sent each other, too), and ``undeliverable``: not published by the middleware.
        crashes: processes that ended early or hung.
        not_recovered: processes whose nodes made nothing of good messages after the bad ones.
        problems: what was found, in words, the first of each process.
    """

    sums: Counter[str] = field(default_factory=Counter)
    subscriptions: dict[str, Counter[str]] = field(default_factory=dict)
    crashes: int = 0
    not_recovered: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, ended: Ended) -> None:
        """Take what a process has found."""
        report = ended.report
        self.sums.update({key: report.get(key, 0) for key in SUMS})
        for key in ("sent", "good", "received", "undeliverable"):
            for topic, count in report.get(key, {}).items():
                self.subscriptions.setdefault(topic, Counter())[key] += count
        self.problems += [*report.get("unexpected", [])[:3], *report.get("examples", [])[:3]]
        if ended.crashed:
            self.crashes += 1
            self.problems.append(ended.crashed)
        elif report.get("recovered") is False:
            self.not_recovered += 1

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not (self.crashes or self.not_recovered or self.sums["unhandled"] or self.sums["bad_emotions"])


def fuzz(
    messages: int,
    seed: int,
    workers: int,
    keep: Path,
    chunk: int = CHUNK,
    say: Callable[[str], None] = lambda text: None,
    worker: Sequence[str] = WORKER,
) -> dict[str, Any]:
    """Send malformed messages and return what came of it.

    Args:
        messages: how many.
        seed: of their making; the same seed and number of messages make the same cases.
        workers: processes at a time.
        keep: folder that takes what a process was sent last before it crashed.
        chunk: messages a process.
        say: told of every process that has ended.
        worker: command of a process.
    """
    tally, lock, began = Tally(), threading.Lock(), time.monotonic()
    left = deque(enumerate(min(chunk, messages - first) for first in range(0, messages, chunk)))

    def work() -> None:
        while True:
            with lock:
                if not left or tally.crashes >= MAX_CRASHES:
                    return
                number, count = left.popleft()
            words = ["--count", str(count), "--seed", str(seed), "--chunk", str(number)]
            ended = run(f"fuzz-{seed}-{number}", [*worker, *words], CHUNK_S, keep)
            with lock:
                tally.add(ended)
                missing = count - ended.report.get("messages", 0)
                if missing > 0:
                    # The same cases again would crash again.
                    left.append((number + 1_000_000, missing))
                say(f"{tally.sums['messages']} of {messages} messages, {tally.crashes} crashes")

    with ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(work) for _ in range(workers)]:
            future.result()
    return {
        "messages": tally.sums["messages"],
        "crashes": tally.crashes,
        "unhandled": tally.sums["unhandled"],
        "bad_emotions": tally.sums["bad_emotions"],
        "not_recovered": tally.not_recovered,
        "clean": tally.is_clean and tally.sums["messages"] >= messages,
        "emotions": tally.sums["emotions"],
        "decisions": tally.sums["decisions"],
        "undeliverable": sum(counts["undeliverable"] for counts in tally.subscriptions.values()),
        "seed": seed,
        "workers": workers,
        "wall_s": round(time.monotonic() - began, 1),
        "subscriptions": {topic: dict(counts) for topic, counts in sorted(tally.subscriptions.items())},
        "machine": describe(),
        "problems": tally.problems,
    }


def main(args: list[str] | None = None) -> int:
    """Send malformed messages; print what came of it; return 1 where something was found, else 0."""
    parser = argparse.ArgumentParser(prog="reliability.fuzz", description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES, help=f"how many, {MESSAGES} if left out")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of their making, {SEED} if left out")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1), help="processes at a time")
    parser.add_argument("--chunk", type=int, default=CHUNK, help=f"messages a process, {CHUNK} if left out")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="folder for what crashed a process")
    options = parser.parse_args(args)
    if min(options.messages, options.workers, options.chunk) < 1:
        parser.error("--messages, --workers and --chunk: expected 1 or more")
    found = fuzz(
        options.messages, options.seed, options.workers, options.keep, options.chunk,
        lambda text: print(text, file=sys.stderr, flush=True),
    )  # fmt: skip
    print(json.dumps(found), flush=True)
    return 0 if found["clean"] else 1


if __name__ == "__main__":
    sys.exit(main())
