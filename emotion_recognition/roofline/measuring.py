"""This machine's two numbers, measured with numpy on one thread.

Peak: the product of two float32 matrices of 1024 x 1024 by the BLAS that numpy is built with, 2 x 1024^3 operations.
Bandwidth: a copy of 64 MiB (two arrays moved) and a triad ``a = s b``, ``a += c`` of three such arrays (five moved, as
numpy makes two passes), the faster of the two; after McCalpin's STREAM, https://www.cs.virginia.edu/stream/. That a
store reads its line first is not counted. Medians of 15 runs after one that is not counted.

``python -m emotion_recognition.roofline.measuring`` prints the figures as JSON. A BLAS takes its number of threads
when it is loaded, so :func:`measure` runs that in a process of its own.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from emotion_recognition.roofline.boards import MEASURED, Board

NAME = "this machine"
SIDE = 1024
ARRAY_BYTES = 64 * 2**20
RUNS = 15
TIMEOUT_S = 300
# Of a run's time on the clock, the share on the processor below which others were in the way.
LEAST_CPU_SHARE = 0.9
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """What was measured.

    Attributes:
        gflops: 1e9 float32 operations a second.
        copy_gbs, triad_gbs: 1e9 bytes a second.
        cpu_share: processor time over time on the clock, 0 to 1 for one thread; below 1 another program had the
            processor in between, and the figures are too low.
        processor: as the system names it.
        numpy: version.
    """

    gflops: float
    copy_gbs: float
    triad_gbs: float
    cpu_share: float
    processor: str
    numpy: str

    @property
    def board(self) -> Board:
        """The two numbers as a board; the bandwidth is the larger one."""
        return Board(NAME, self.gflops, max(self.copy_gbs, self.triad_gbs), MEASURED)

    @property
    def words(self) -> str:
        """How it was measured, and what the parts gave."""
        sizes = f"of two matrices of {SIDE} x {SIDE} float32", f"of {ARRAY_BYTES >> 20} MiB"
        return (
            f"{NAME} ({self.processor}): medians of {RUNS}, one thread, numpy {self.numpy}; product {sizes[0]} "
            f"{self.gflops:.1f} GFLOP/s, copy {sizes[1]} {self.copy_gbs:.1f} GB/s, triad {self.triad_gbs:.1f} GB/s"
        )


def measure() -> Measured:
    """Return this machine's figures, measured in a process of its own with one thread; takes some seconds.

    Raises:
        RuntimeError: the process failed; its last line is named.
    """
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1"), "PYTHONPATH": path}
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__], capture_output=True, text=True, timeout=TIMEOUT_S, env=environment
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"the measurement took longer than {TIMEOUT_S} s: is the machine busy?") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise RuntimeError(f"the measurement ended with exit code {done.returncode}: {last}")
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def measure_here(side: int = SIDE, array_bytes: int = ARRAY_BYTES, runs: int = RUNS) -> Measured:
    """Measure in this process, on the threads it has; for the arguments see the module."""
    import numpy as np

    rng = np.random.default_rng(0)
    left, right = (rng.random((side, side), dtype=np.float32) for _ in range(2))
    product = np.empty_like(left)
    a, b, c = (np.full(array_bytes // 4, value, np.float32) for value in (0, 1, 2))
    scale = np.float32(3)

    def triad() -> None:
        np.multiply(b, scale, out=a)
        np.add(a, c, out=a)

    begun, used = time.perf_counter(), time.process_time()
    product_s = _seconds(lambda: np.matmul(left, right, out=product), runs)
    copy_s = _seconds(lambda: np.copyto(a, b), runs)
    triad_s = _seconds(triad, runs)
    share = (time.process_time() - used) / (time.perf_counter() - begun)
    return Measured(
        gflops=2 * side**3 / product_s / 1e9,
        copy_gbs=2 * a.nbytes / copy_s / 1e9,
        triad_gbs=5 * a.nbytes / triad_s / 1e9,
        cpu_share=share,
        processor=processor(),
        numpy=np.__version__,
    )


def _seconds(run: Callable[[], object], runs: int) -> float:
    run()
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return median(times)


def processor() -> str:
    """Return the processor's name as the system gives it, at least its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model")))
    return next(names, "") or platform.processor() or platform.machine()


if __name__ == "__main__":
    print(json.dumps(asdict(measure_here())))
