"""One program to compare, in a process and an environment of its own; ``bench.peers`` starts and asks it.

``python -m emotion_recognition.bench.peer_process NAME INPUTS``: INPUTS is a ``.npz`` of ``frames`` (N, H, W, 3) uint8
RGB and ``clips`` (M, n) float32 at 16 kHz. The first line written is ``{"ready": versions}``, or a ``left_out`` with
the reason. Each line read is the number of an input; the answer has ``ms``, ``cpu_ms`` and ``said``,
what came of it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TextIO

import numpy as np

from emotion_recognition.bench.machine import versions
from emotion_recognition.bench.peer_programs import ENTRIES


def serve(name: str, path: str, questions: TextIO, answers: TextIO) -> int:
    """Answer until there are no more questions; return the exit code."""

    def say(value: dict) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    entry = ENTRIES[name]
    try:
        with np.load(path, allow_pickle=False) as found:
            inputs = found[entry.inputs]
        run = entry.make()
        run(inputs[0])
    except Exception as problem:  # whatever somebody else's package raises is its reason
        say({"left_out": f"{type(problem).__name__}: {problem}"})
        return 1
    say({"ready": versions(entry.packages)})
    for line in questions:
        chosen = inputs[int(line) % len(inputs)]
        used, begun = time.process_time(), time.perf_counter()
        said = run(chosen)
        clock, cpu = time.perf_counter() - begun, time.process_time() - used
        say({"ms": 1e3 * clock, "cpu_ms": 1e3 * cpu, "said": said})
    return 0


def main() -> int:
    """Serve on standard input and output; what packages print goes to standard error."""
    # A copy of the descriptor: libraries written in C print to descriptor 1, too.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        return serve(sys.argv[1], sys.argv[2], sys.stdin, answers)


if __name__ == "__main__":
    sys.exit(main())
