"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Sequence[str]
REACHED = {True: "reached", False: "missed", None: "not measured"}
LIVE_WORDS = {
    "one_process": "all nodes in one process",
    "five_processes": "five processes",
    "overload": "one process, overload",
}
PAPER_WORDS = {
    "paper_way": "paper's way: (15, 3, 224, 224) and frame attention, torch eager",
    "face_decision": "one face decision, shipped default: crop to probabilities, embeddings kept",
    "face_decision_paper": "one face decision, the paper's architecture as shipped",
}
BACKBONE_WORDS = {
    "plain_224": "224 pixels, plain export",
    "shipped_224": "224 pixels, exported as shipped",
    "plain_96": "96 pixels, plain export",
    "shipped_96": "96 pixels, the shipped file",
}
TIMED = ["median ms", "quartiles", "processor ms", "n"]


def markdown(report: Mapping[str, Any]) -> str:
    """Return everything in tables; `command` of the report stands at the end."""
    timings, live = report["timings"], report["live"]
    lines = [f"# Bench, {report['date']}", "", *machine_lines(report), ""]
    if report["doubts"]:
        lines += ["Other programs or mishaps were in the way:", "", *(f"- {one}" for one in report["doubts"]), ""]
    lines += ["## Goals", "", *table(["goal", "bound", "measured", ""], map(_goal_row, report["goals"])), ""]
    lines += ["## Stages", "", *_part(timings.get("stages"), _stage_rows, ["stage", *TIMED, "what"])]
    lines += ["## The paper's way and this one", "", *_named(timings.get("paper"), PAPER_WORDS)]
    lines += ["## The paper's backbone, one frame, ONNX Runtime", "", *_named(timings.get("backbones"), BACKBONE_WORDS)]
    share, peak = report["backbone_share_of_peak"], report["peak_gflops"]
    words = f"This core multiplies matrices at {peak:.1f} GFLOP/s."
    if share is not None:
        words += f" The backbone at 224 pixels, exported as shipped, runs at {share:.0%} of that."
    if report["default_backbone_share_of_peak"] is not None:
        words += f" The default's backbone runs at {report['default_backbone_share_of_peak']:.0%}."
    lines += [words, "", "## Engines", "", *_part(timings.get("engines"), _engine_rows, None)]
    scaled = ["search of the frame, ms", "frame to emotions, ms"]
    lines += ["## Faces in a 640x480 frame", ""]
    lines += _part(timings.get("faces"), lambda found: _scaled_rows(found, "faces"), ["faces", *scaled])
    lines += ["## Frame size, one face", ""]
    lines += _part(timings.get("frame_sizes"), lambda found: _scaled_rows(found, "size"), ["pixels", *scaled])
    lines += ["## Live", "", *_live_lines(live)]
    words = "one thread, in turns; processor ms is the processor time meanwhile, which other programs lengthen less"
    lines += [f"Written by `{report['command']}`; {words}.", ""]
    return "\n".join(lines)


def machine_lines(report: Mapping[str, Any]) -> list[str]:
    """Return what was measured on, a list item each."""
    named = ", ".join(f"{name} {found}" for name, found in report["versions"].items())
    return [
        f"- {report['processor']}, {report['cores']} cores, {report['memory_mib']} MiB; load before "
        f"{report['load_before']:.2f}",
        f"- {report['system']}",
        f"- emotion_recognition {report['emotion_recognition']}, commit {report['commit'] or 'unknown'}",
        f"- {named}",
    ]


def table(header: Row, rows: Iterable[Row]) -> list[str]:
    """Return a table's lines."""
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]


def number(value: float | None) -> str:
    """Return a value with three digits that count, whole from 100 on; a dash for None."""
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def timed(one: Mapping[str, Any]) -> list[str]:
    """Return median, quartiles, processor time and number of a summary: the cells under :data:`TIMED`."""
    quartiles = f"{number(one['q1'])} to {number(one['q3'])}"
    return [number(one["median"]), quartiles, number(one["cpu_median"]), str(one["n"])]


def _goal_row(goal: Mapping[str, Any]) -> list[str]:
    return [goal["goal"], goal["bound"], f"{number(goal['value'])} {goal['unit']}".strip(), REACHED[goal["reached"]]]


def _left_out(found: Any) -> list[str] | None:
    """Return the lines of a part that was not measured, None for one that was."""
    if found is None:
        return ["Not measured.", ""]
    if isinstance(found, Mapping) and "left_out" in found:
        return [f"Left out: {found['left_out']}", ""]
    return None


def _part(found: Any, rows, header: Row | None) -> list[str]:
    missing = _left_out(found)
    if missing is not None:
        return missing
    if header is None:
        header, *body = rows(found)
    else:
        body = rows(found)
    return [*table(header, body), ""]


def _named(found: Any, words: Mapping[str, str]) -> list[str]:
    def rows(part):
        return [[text, *timed(part[name])] for name, text in words.items() if name in part]

    return _part(found, rows, ["", *TIMED])


def _stage_rows(found: Mapping[str, Any]) -> list[list[str]]:
    return [[name.replace("_", " "), *timed(one), one["what"]] for name, one in found.items()]


def _engine_rows(found: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    engines = list(found[0]["engines"])
    rows = [["network", "input", *(f"{engine}, ms" for engine in engines)]]
    for one in found:
        cells = [
            number(part["median"]) if "median" in part else "left out" for part in (one["engines"][e] for e in engines)
        ]
        shape = "x".join(map(str, one["shape"]))
        rows.append([f"{one['model']}: {one['architecture']} {one['part']}", shape, *cells])
    return rows


def _scaled_rows(found: Sequence[Mapping[str, Any]], key: str) -> list[list[str]]:
    return [[str(one[key]), number(one["search"]["median"]), number(one["frame"]["median"])] for one in found]


def _live_lines(live: Mapping[str, Any]) -> list[str]:
    header = [
        "", "frames/s", "s", "latency p50, p95, p99, ms", "decisions/s", "share of a core", "RSS, MiB", "PSS, MiB",
        "sampled, skipped",
    ]  # fmt: skip
    rows, notes = [], []
    for name, one in live.items():
        if "left_out" in one:
            notes += [f"{LIVE_WORDS[name].capitalize()}: left out: {one['left_out']}", ""]
            continue
        latency = one["latency_ms"]
        memory = (f"{one[kind]['start']:.0f} to {one[kind]['end']:.0f}" for kind in ("rss_mib", "pss_mib"))
        rows.append([
            LIVE_WORDS[name], f"{one['source']['images_per_s']:.1f}", number(one["seconds"]),
            ", ".join(number(latency[key]) for key in ("p50", "p95", "p99")), number(one["decisions_per_s"]),
            f"{one['cpu_share']:.1%}", *memory,
            f"{one['sampled']}, {one['skipped']}",
        ])  # fmt: skip
        if one["processes"] > 1:
            shares = ", ".join(f"{node} {share:.1%}" for node, share in one["cpu_share_by_process"].items())
            notes += [f"Shares of a core in {LIVE_WORDS[name]}: {shares}.", ""]
    notes += [
        "Latency is the time from a camera frame's stamp to the receipt of its `emotion` in another process; the "
        "source stamps a frame just before it sends it. Source and receiver are not counted. Memory is that of all "
        "node processes together, at the start and at the end of the time measured.",
        "",
    ]
    return [*table(header, rows), "", *notes] if rows else notes


__all__ = ["TIMED", "machine_lines", "markdown", "number", "table", "timed"]
