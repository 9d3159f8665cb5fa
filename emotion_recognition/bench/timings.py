"""Everything that is timed in one process on one thread; ``python -m emotion_recognition.bench.timings`` prints JSON.

Libraries take their number of threads when they are loaded, so :func:`measure` runs this in a process of its own.
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
# How the time is shared out.
SHARES = {"stages": 0.3, "paper": 0.2, "backbones": 0.1, "engines": 0.16, "faces": 0.12, "frame_sizes": 0.12}


def one_thread(environment: dict[str, str]) -> dict[str, str]:
    """Return an environment in which libraries use one thread, and this package is found."""
    path = os.pathsep.join([str(Path(__file__).parents[2]), environment.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {**environment, **dict.fromkeys(THREAD_VARIABLES, "1"), "GOMP_SPINCOUNT": "0", "PYTHONPATH": path}


def measure(seconds: float) -> dict[str, Any]:
    """Return what :func:`measure_here` measures in a process of its own.

    Raises:
        RuntimeError: the process failed; its last line is named.
    """
    command = [sys.executable, "-m", __name__, str(seconds)]
    try:
        environment = one_thread(dict(os.environ))
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, env=environment)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"the timings took longer than {TIMEOUT_S} s: is the machine busy?") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise RuntimeError(f"the timings ended with exit code {done.returncode}: {last}")
    return json.loads(done.stdout.splitlines()[-1])


def measure_here(seconds: float) -> dict[str, Any]:
    """Measure in this process, for about so many seconds.

    Returns:
        A value for each key of :data:`SHARES`, where a library is missing ``{"left_out": reason}``, and
        ``timings_cpu_share``: processor time over time on the clock; below 1 others had the processor in between.
    """
    from emotion_recognition.bench import networks, scaling, stages
    from emotion_recognition.bench.material import load_material

    # As in the nodes' processes.
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
    for name, part in parts.items():
        try:
            found[name] = part(SHARES[name] * seconds)
        except ImportError as problem:
            found[name] = {"left_out": str(problem)}
    found["timings_cpu_share"] = (time.process_time() - used) / (time.perf_counter() - begun)
    return found


if __name__ == "__main__":
    print(json.dumps(measure_here(float(sys.argv[1]))))
