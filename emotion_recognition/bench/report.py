"""What was measured, as one JSON object with the main figures at its top, and as Markdown."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from emotion_recognition.bench.goals import judge
from emotion_recognition.roofline import workloads

LATEST = "latest.json"
# Above this share of a core taken by other programs, or below the share of the processor got, figures are too slow.
BUSY_CORES, LEAST_CPU_SHARE = 0.2, 0.9


def compose(
    timings: Mapping[str, Any], live: Mapping[str, Any], peak_gflops: float, machine: Mapping[str, Any], day: date
) -> dict[str, Any]:
    """Return the report.

    Args:
        timings: of ``bench.timings``; a part may be ``{"left_out": reason}``.
        live: of ``bench.live``, by ``one_process``, ``five_processes`` and ``overload``; likewise.
        peak_gflops: this core's.
        machine: of ``bench.machine``.
        day: of the measurement.
    """
    stages, paper, backbones = (timings.get(name, {}) for name in ("stages", "paper", "backbones"))
    one, five, overload = (live.get(name, {}) for name in ("one_process", "five_processes", "overload"))
    flop = {(work.pair, work.part): work.operations() for work in workloads()}
    backbone_ms = _median(backbones, "shipped_224")
    figures = {
        "paper_way_ms": _median(paper, "paper_way"),
        "face_decision_ms": _median(paper, "face_decision"),
        "backbone_ms": backbone_ms,
        "backbone_plain_onnxruntime_ms": _median(backbones, "plain_224"),
        "backbone_96_ms": _median(backbones, "shipped_96"),
        "backbone_96_plain_onnxruntime_ms": _median(backbones, "plain_96"),
        "decision_ms": _median(stages, "decision"),
        "decision_mean_ms": stages.get("decision", {}).get("mean"),
        "latency_p50_ms": _in(one, "latency_ms", "p50"),
        "latency_p95_ms": _in(one, "latency_ms", "p95"),
        "latency_p99_ms": _in(one, "latency_ms", "p99"),
        "latency_p95_overload_ms": _in(overload, "latency_ms", "p95"),
        "cpu_share": one.get("cpu_share"),
        "cpu_share_five_processes": five.get("cpu_share"),
        "rss_one_process_mib": _in(one, "rss_mib", "end"),
        "pss_five_processes_mib": _in(five, "pss_mib", "end"),
        "rss_overload_start_mib": _in(overload, "rss_mib", "start"),
        "rss_overload_end_mib": _in(overload, "rss_mib", "end"),
        "peak_gflops": peak_gflops,
        "backbone_share_of_peak": _share(flop["paper", "backbone"], backbone_ms, peak_gflops),
        "default_backbone_share_of_peak": _share(flop["default", "backbone"], _median(stages, "backbone"), peak_gflops),
    }
    report = {"date": day.isoformat(), **machine, **figures, "goals": judge(figures), "timings": timings, "live": live}
    return {**report, "doubts": doubts(report)}


def doubts(report: Mapping[str, Any]) -> list[str]:
    """Return what makes the figures worse than the machine is: other programs that ran meanwhile."""
    found = []
    share = report["timings"].get("timings_cpu_share", 1.0)
    if share < LEAST_CPU_SHARE:
        found.append(f"the timings had the processor {share:.0%} of the time")
    for name, run in report["live"].items():
        others = run.get("others_share", 0.0)
        if others > BUSY_CORES:
            found.append(f"{name}: other programs used {others:.2f} cores meanwhile")
        if run.get("source", {}).get("missed"):
            found.append(f"{name}: the source missed {run['source']['missed']} frames")
        found += [f"{name}: {line}" for line in run.get("log", ())]
    return found


def write(report: Mapping[str, Any], text: str, folder: Path, stem: str, latest: str = LATEST) -> list[Path]:
    """Write ``stem``.json, ``stem``.md and ``latest`` into a folder, made if missing; return their paths.

    Raises:
        OSError: the folder cannot be written to.
        ValueError: a value is not finite.
    """
    content = json.dumps(report, indent=1, allow_nan=False) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{stem}.json", folder / f"{stem}.md", folder / latest
    for path, words in zip(paths, (content, text, content), strict=True):
        # A reader never meets half a file.
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, delete=False) as file:
            file.write(words)
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
    return list(paths)


def _median(part: Mapping[str, Any], name: str) -> float | None:
    return _in(part, name, "median")


def _in(part: Mapping[str, Any], name: str, key: str) -> float | None:
    return (part.get(name) or {}).get(key)


def _share(flop: int, milliseconds: float | None, peak_gflops: float) -> float | None:
    return None if milliseconds is None else flop / (milliseconds * 1e6) / peak_gflops
