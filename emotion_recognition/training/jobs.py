"""Independent jobs (folds, trials of a search) on the machine's cores or on a Dask cluster, both through joblib.

A job keeps its own results on disk, in a folder of its own, so that what one does is not lost when another fails, and
a second run finds it there. On a cluster the workers must see the same folders, have this package installed, and be
trusted: Dask sends its messages as pickles.
"""

import contextlib
import os
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import joblib

CONNECT_S = 10
WORKERS_S = 30

Report = Callable[[dict[str, Any]], None]


class JobsFailed(RuntimeError):
    """Some jobs failed; ``failures`` has the reason of each by its name."""

    def __init__(self, failures: dict[str, str], of: int):
        self.failures = failures
        reasons = "; ".join(f"{name}: {reason}" for name, reason in failures.items())
        super().__init__(f"{len(failures)} of {of} jobs failed, the others' results are kept: {reasons}")


def run_jobs(
    function: Callable[..., Any],
    arguments: Sequence[Sequence[Any]],
    jobs: int | None = None,
    scheduler: str | None = None,
    report: Report | None = None,
    names: Sequence[str] | None = None,
) -> list[Any]:
    """Call a function with each of several arguments and return the results in that order.

    Args:
        function: of a module that the workers can import, as are the arguments' types.
        arguments: positional arguments of each call.
        jobs: calls at a time, each in a process of its own with one thread; None: the machine's cores. With 1 the calls
            run in this process, one after another.
        scheduler: address of a Dask scheduler (``tcp://host:port``), which then runs the calls; ``jobs`` is not used.
        report: called in this process after every call with ``stage`` ("jobs"), ``done``, ``of``, ``name``,
            ``failed``.
        names: of the calls, for reports and errors; numbers from 1 if left out.

    Raises:
        JobsFailed: calls raised an exception; all calls were tried.
        ConnectionError: no scheduler answers at the address, or it has no worker.
        ValueError: ``jobs`` is below 1, or as many names as arguments were not given.
        RuntimeError: a worker process died.
    """
    names = [f"job {number}" for number in range(1, len(arguments) + 1)] if names is None else list(names)
    if jobs is not None and jobs < 1:
        raise ValueError(f"jobs {jobs}: expected at least 1, or none for the machine's cores")
    if len(names) != len(arguments):
        raise ValueError(f"{len(names)} names for {len(arguments)} jobs")
    if not arguments:
        return []
    results: list[Any] = [None] * len(arguments)
    failures: dict[str, str] = {}
    calls = (joblib.delayed(_call)(function, number, given) for number, given in enumerate(arguments))
    with _backend(jobs, scheduler, len(arguments)) as parallel:
        try:
            for done, (number, result, problem) in enumerate(parallel(calls), 1):
                results[number] = result
                if problem:
                    failures[names[number]] = problem
                if report:
                    report({
                        "stage": "jobs", "done": done, "of": len(arguments), "name": names[number],
                        "failed": bool(problem),
                    })  # fmt: skip
        except joblib.externals.loky.process_executor.BrokenProcessPool as error:
            raise RuntimeError(
                f"a worker process died ({error}); perhaps memory ran out: take fewer jobs at a time. "
                "Run the command again: finished jobs are kept"
            ) from error
    if failures:
        raise JobsFailed({name: failures[name] for name in names if name in failures}, len(arguments))
    return results


def cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def _backend(jobs: int | None, scheduler: str | None, count: int) -> Iterator[joblib.Parallel]:
    if scheduler is None:
        jobs = min(jobs or cores(), count)
        settings = {"n_jobs": jobs} if jobs == 1 else {"backend": "loky", "n_jobs": jobs, "inner_max_num_threads": 1}
        with joblib.parallel_config(**settings), warnings.catch_warnings():
            # joblib replaces workers whose memory has grown, and takes a data set that is held for a leak.
            warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
            yield joblib.Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="all")
        return
    with _connected(scheduler), joblib.parallel_config(backend="dask", wait_for_workers_timeout=WORKERS_S):
        yield joblib.Parallel(n_jobs=-1, return_as="generator_unordered", batch_size=1, pre_dispatch="all")


@contextlib.contextmanager
def _connected(scheduler: str) -> Iterator[None]:
    from dask.distributed import Client

    try:
        client = Client(scheduler, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"no Dask scheduler answers at {scheduler} ({error}): start one with `dask scheduler` and give the address "
            "that it prints, tcp://HOST:PORT"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError as error:
            raise ConnectionError(
                f"the Dask scheduler {scheduler} has no worker after {WORKERS_S} s: start one with "
                f"`dask worker {scheduler} --nthreads 1`"
            ) from error
        yield


def _call(function: Callable[..., Any], number: int, arguments: Sequence[Any]) -> tuple[int, Any, str]:
    """Run one call; what it raises comes back as text, so that the other calls go on."""
    try:
        return number, function(*arguments), ""
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        plain = isinstance(error, (ValueError, OSError, FloatingPointError))
        place = "" if plain else f" (line {where.lineno} of {os.path.basename(where.filename)})"
        return number, None, f"{type(error).__name__}: {error}{place}"
