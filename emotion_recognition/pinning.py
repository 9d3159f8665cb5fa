"""The processor cores that this process runs on.

Linux lists cores under /sys/devices/system/cpu (https://docs.kernel.org/admin-guide/cputopology.html). On a big.LITTLE
processor ``cpu_capacity`` says what each can do (https://docs.kernel.org/scheduler/sched-capacity.html); where a kernel
does not, cpufreq's highest frequency (https://docs.kernel.org/admin-guide/pm/cpufreq.html) stands for it.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

TREE = Path("/sys/devices/system/cpu")
BIG = "big"
# Share of the highest value from which on a core is a big one: cores of one kind may differ by some percent.
BIG_SHARE = 0.9
MEASURES = ("cpu_capacity", "cpufreq/cpuinfo_max_freq")

_pinned: frozenset[int] | None = None


class PinningError(ValueError):
    """The process cannot run on the cores asked for; the message says what was asked for and what there is."""


def parse_cores(text: str) -> frozenset[int]:
    """Return the numbers that a list such as ``4-5`` or ``0,2-3`` names, as Linux writes lists of cores.

    Raises:
        PinningError: not such a list.
    """
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,5})(?:-(\d{1,5}))?\s*", part, re.ASCII)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise PinningError(f"cpus is {text!r}; expected cores such as 4-5 or 0,2, or {BIG}, or nothing")
        found.update(range(first, last + 1))
    return frozenset(found)


def format_cores(cores: Iterable[int]) -> str:
    """Return cores as a list that :func:`parse_cores` reads: ``0,4-5``."""
    spans: list[list[int]] = []
    for core in sorted(set(cores)):
        if spans and core == spans[-1][1] + 1:
            spans[-1][1] = core
        else:
            spans.append([core, core])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def online_cores(tree: Path = TREE) -> frozenset[int]:
    """Return the cores that run.

    Raises:
        PinningError: the tree does not say.
    """
    try:
        return parse_cores((tree / "online").read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise PinningError(
            f"{tree / 'online'} does not list this machine's cores ({error}); leave cpus empty"
        ) from error


def big_cores(tree: Path = TREE) -> frozenset[int]:
    """Return the running cores that can do most; all of them where the tree does not tell them apart.

    Raises:
        PinningError: the tree does not list the cores.
    """
    online = online_cores(tree)
    for measure in MEASURES:
        try:
            values = {core: int((tree / f"cpu{core}" / measure).read_text(encoding="ascii")) for core in online}
        except (OSError, ValueError):
            continue
        return frozenset(core for core, value in values.items() if value >= BIG_SHARE * max(values.values()))
    return online


def chosen_cores(text: str, tree: Path = TREE) -> frozenset[int] | None:
    """Return the cores that a value of the parameter ``cpus`` means; None where it is empty.

    Args:
        text: ``big``, a list for :func:`parse_cores`, or empty.
        tree: folder laid out like Linux's /sys/devices/system/cpu.

    Raises:
        PinningError: neither, or a core that does not run on this machine.
    """
    if not text.strip():
        return None
    if text.strip() == BIG:
        return big_cores(tree)
    cores, online = parse_cores(text), online_cores(tree)
    if cores - online:
        raise PinningError(
            f"cpus is {text!r}, but there is no core {format_cores(cores - online)}; "
            f"this machine runs {format_cores(online)}"
        )
    return cores


def pin(text: str, tree: Path = TREE) -> frozenset[int] | None:
    """Keep every thread of this process, and those they start later, on the cores that ``cpus`` means.

    Returns:
        The cores, or None where ``cpus`` is empty and nothing was changed.

    Raises:
        PinningError: as :func:`chosen_cores`; or the process may not run on all of them, as in a container that has
            fewer; or it was pinned to others before, by another of its nodes.
    """
    global _pinned
    cores = chosen_cores(text, tree)
    if cores is None or cores == _pinned:
        return cores
    if _pinned is not None:
        raise PinningError(
            f"cpus is {text!r}, but this process is kept on cores {format_cores(_pinned)} already: "
            "give all nodes of one process the same cpus"
        )
    if not hasattr(os, "sched_setaffinity"):
        raise PinningError(f"cpus is {text!r}, but this system cannot keep a process on cores; leave it empty")
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, cores)
        got = os.sched_getaffinity(0)
    except OSError as error:
        raise PinningError(f"cpus is {text!r}, but this process may not run there: {error}") from error
    if got != cores:
        # Linux leaves out cores that a container or cpuset keeps from the process, without a word.
        os.sched_setaffinity(0, before)
        raise PinningError(f"cpus is {text!r}, but of these this process may only run on {format_cores(got)}")
    _pin_other_threads(cores)
    _pinned = cores
    return cores


def _pin_other_threads(cores: frozenset[int]) -> None:
    """Pin threads until there is none left that was started while others were being pinned."""
    done: set[int] = set()
    while threads := {int(name) for name in os.listdir("/proc/self/task")} - done:
        for thread in threads:
            try:
                os.sched_setaffinity(thread, cores)
            except ProcessLookupError:
                continue  # it has ended
        done |= threads
