"""Everything that is timed without ROS, on one thread; ``python -m emotion_recognition.bench.timings`` prints JSON.

Libraries take their number of threads when they are loaded, so :func:`measure` runs this in processes of its own: one
for what the nodes do, with memory kept as in theirs, and one for networks beside each other, with the C library as it
comes: keeping memory as the nodes do would make torch take twice to three times as long.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emotion_recognition.memory import keep_freed_memory
from emotion_recognition.roofline.measuring import THREAD_VARIABLES

TIMEOUT_S = 900
# How the time is shared out among the parts of each process.
SHARES = {
    "nodes": {"stages": 0.3, "faces": 0.12, "frame_sizes": 0.12},
    "networks": {"paper": 0.2, "backbones": 0.1, "engines": 0.16},
}


def one_thread(environment: dict[str, str]) -> dict[str, str]:
    """Return an environment in which libraries use one thread, and this package is found."""
    path = os.pathsep.join([str(Path(__file__).parents[2]), environment.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {**environment, **dict.fromkeys(THREAD_VARIABLES, "1"), "GOMP_SPINCOUNT": "0", "PYTHONPATH": path}


def measure(seconds: float) -> dict[str, Any]:
    """Return what :func:`measure_here` measures of each group, each in a process of its own.

    Raises:
        RuntimeError: a process failed; its last line is named.
    """
    found = {group: _measured(seconds, group) for group in SHARES}
    share = min(one.pop("timings_cpu_share") for one in found.values())
    return {name: part for one in found.values() for name, part in one.items()} | {"timings_cpu_share": share}


def _measured(seconds: float, group: str) -> dict[str, Any]:
    command = [sys.executable, "-m", __name__, str(seconds), group]
    try:
        environment = one_thread(dict(os.environ))
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, env=environment)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"the timings took longer than {TIMEOUT_S} s: is the machine busy?") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise RuntimeError(f"the timings ended with exit code {done.returncode}: {last}")
    return json.loads(done.stdout.splitlines()[-1])


def measure_here(seconds: float, group: str) -> dict[str, Any]:
    """Measure one group of parts in this process.

    Args:
        seconds: about how long to measure, all groups together.
        group: a key of :data:`SHARES`.

    Returns:
        A value for each part of the group, where a library is missing ``{"left_out": reason}``, and
        ``timings_cpu_share``: processor time over time on the clock; below 1 others had the processor in between.
    """
    from emotion_recognition.bench import networks, scaling, stages
    from emotion_recognition.bench.material import load_material

    if group == "nodes":
        keep_freed_memory()
    material = load_material()
    parts: dict[str, Callable[[float], Any]] = {
        "stages": lambda share: stages.stages(material, share),
        "paper": lambda share: networks.paper_comparison(material, share),
        "backbones": networks.backbones,
        "engines": networks.engine_times,
        "faces": lambda share: scaling.face_numbers(material, share),
        "frame_sizes": lambda share: scaling.frame_sizes(material, share),
    }
    found: dict[str, Any] = {}
    begun, used = time.perf_counter(), time.process_time()
    for name, share in SHARES[group].items():
        try:
            found[name] = parts[name](share * seconds)
        except ImportError as problem:
            found[name] = {"left_out": str(problem)}
    found["timings_cpu_share"] = (time.process_time() - used) / (time.perf_counter() - begun)
    return found


if __name__ == "__main__":
    print(json.dumps(measure_here(float(sys.argv[1]), sys.argv[2])))
