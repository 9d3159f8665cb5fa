"""Processes that work for ``reliability.fuzz`` and ``reliability.soak``, leave a report, and may crash."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotion_recognition.processes import Process

REPORT, FLIGHT = "report.json", "flight.jsonl"
# Where so many have crashed, the rest is not tried.
MAX_CRASHES = 20
_LOOK_S = 0.1


@dataclass(frozen=True)
class Ended:
    """A process that has ended.

    Attributes:
        report: what it wrote last; empty where it wrote none.
        crashed: how it crashed and where what is left of it is kept; empty where it did not.
    """

    report: dict[str, Any]
    crashed: str


def run(name: str, command: Sequence[str], limit_s: float, keep: Path) -> Ended:
    """Run a process until it ends; one that ends with another exit code than 0, or not within the limit, has crashed.

    Args:
        name: what the process is called where it crashes, and its folder there.
        command: program and arguments; ``--folder`` and where it has to leave its report are added.
        limit_s: time it may take in seconds.
        keep: folder that takes a crashed process's output and what it was sent last.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        process = Process(name, [*command, "--folder", temporary])
        try:
            end = time.monotonic() + limit_s
            while process.is_running and time.monotonic() < end:
                time.sleep(_LOOK_S)
            hangs = process.is_running
            code = process.end()
            report = read_report(folder)
            if not (hangs or code):
                return Ended(report, "")
            kept = keep / name
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            output = process.output()
            (kept / "output.txt").write_text(output, encoding="utf-8")
            for file in (folder / REPORT, folder / FLIGHT):
                if file.is_file():
                    shutil.copy(file, kept)
            last = next((line for line in reversed(output.splitlines()) if line.strip()), "")
            how = f"did not end within {limit_s:.0f} s" if hangs else f"ended with exit code {code}"
            return Ended(report, f"process {name} {how}; kept in {kept}: {last[:300]}")
        finally:
            process.close()


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """Write a process's report in place of the last one."""
    file = folder / f"{REPORT}.part"
    file.write_text(json.dumps(report), encoding="utf-8")
    file.replace(folder / REPORT)


def read_report(folder: Path) -> dict[str, Any]:
    """Return a process's last report, empty where there is none."""
    file = folder / REPORT
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
