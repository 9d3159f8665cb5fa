"""The goals, and whether measured values reach them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Goal:
    """A bound on a measured value, or on the ratio of two.

    Attributes:
        what: in words.
        key: of the value in the report.
        over: of the value it is divided by, None for none.
        limit: the bound.
        at_least: whether the value must be at least the bound, else at most.
        unit: of the value.
    """

    what: str
    key: str
    limit: float
    over: str | None = None
    at_least: bool = False
    unit: str = ""

    def value(self, found: Mapping[str, Any]) -> float | None:
        """Return the value among the report's; None where it was not measured."""
        top, bottom = found.get(self.key), 1.0 if self.over is None else found.get(self.over)
        return None if top is None or not bottom else float(top) / float(bottom)


GOALS = (
    Goal("paper's way / one face decision", "paper_way_ms", 30, "face_decision_ms", at_least=True),
    Goal(
        "backbone, plain ONNX export / exported as shipped, 224 pixels", "backbone_plain_onnxruntime_ms", 1.4,
        "backbone_ms", at_least=True,
    ),
    Goal(
        "backbone, plain ONNX export / the shipped file, its own 96 pixels", "backbone_96_plain_onnxruntime_ms", 1.4,
        "backbone_96_ms", at_least=True,
    ),
    Goal("a whole decision", "decision_ms", 8, unit="ms"),
    Goal("latency from camera to /emotion, one process, 30 frames/s, p95", "latency_p95_ms", 40, unit="ms"),
    Goal("share of one core, one process, 30 frames/s", "cpu_share", 0.25),
    Goal("memory of one process, RSS", "rss_one_process_mib", 160, unit="MiB"),
    Goal("memory of five processes, sum of PSS", "pss_five_processes_mib", 450, unit="MiB"),
    Goal("latency p95 at 120 frames/s / at 30", "latency_p95_overload_ms", 2, "latency_p95_ms"),
    Goal("memory at the end of 120 frames/s / at its start", "rss_overload_end_mib", 1.05, "rss_overload_start_mib"),
)  # fmt: skip


def judge(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each goal with its value and whether it is reached; both None where it was not measured."""
    judged = []
    for goal in GOALS:
        value = goal.value(found)
        reached = None if value is None else value >= goal.limit if goal.at_least else value <= goal.limit
        bound = f"{'>=' if goal.at_least else '<='} {goal.limit:g} {goal.unit}".strip()
        judged.append({"goal": goal.what, "bound": bound, "unit": goal.unit, "value": value, "reached": reached})
    return judged
