"""A run of ``evaluate`` as one HTML page that needs nothing else: no script, no file beside it, no network."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import markupsafe
import numpy as np

from emotion_recognition import emotions
from emotion_recognition.bags import timeline
from emotion_recognition.bags.moments import LIMIT, Moment, main_stream, worst_moments
from emotion_recognition.bags.results import COVERAGE, BagResult, to_json
from emotion_recognition.demo.records import reason_names
from emotion_recognition.demo.timeline import COLOURS

TEMPLATES = Path(__file__).resolve().parent / "templates"
TITLE = "Emotions in recordings"
# A row of the timeline is the first of these that needs no more than MOST_ROWS of them.
ROWS_S = (30, 60, 120, 300, 600, 1800, 3600)
MOST_ROWS = 12
TICKS = 6
_TICKS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
LATENCY_BINS = 24
# On these colours white reads better than black.
_DARK = ("sad",)
_JPEG = b"\xff\xd8\xff"


def page(results: Sequence[BagResult], title: str = TITLE) -> str:
    """Return the HTML page of a run: timelines, worst moments, scores, calibration, latency, coverage, settings.

    Faces are on it where the results have them. Every text from a bag, a label or a parameter is escaped.

    Args:
        results: of the bags, in order; may be without decisions, labels or duration.
        title: heading of the page.
    """
    found = to_json(results)
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            title=title,
            style=markupsafe.Markup(_style()),
            results=results,
            scores=found,
            labels=emotions.LABELS,
            coverage=COVERAGE,
            timing=found["timing"],
            modes=sorted({result.mode for result in results}),
            problems=found["problems"],
            bags=[_bag(*pair) for pair in zip(results, found["bags"], strict=True)],
            moments=[_moment(results, moment) for moment in worst_moments(results)],
            most_moments=LIMIT,
            latency=_latency(results),
            reasons=_reasons(results),
            settings=_settings(results),
        )
    )


def clock(seconds: float, digits: int = 1) -> str:
    """Return a time as ``m:ss.s``, with hours where there are any."""
    whole = round(seconds, digits)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(int(minutes), 60)
    tail = f"{rest:0{3 + digits if digits else 2}.{digits}f}"
    return f"{hours}:{minutes:02d}:{tail}" if hours else f"{minutes}:{tail}"


def figure(value: float | None, digits: int = 3) -> str:
    """Return a figure as it stands on the page, a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def share(value: float | None) -> str:
    """Return a share of 0 to 1 in per cent."""
    return "–" if value is None else f"{100 * value:.1f} %"


def row_seconds(duration_s: float) -> int:
    """Return how many seconds a row of the timeline of a bag of a duration has."""
    return next((row for row in ROWS_S if duration_s <= row * MOST_ROWS), ROWS_S[-1])


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters.update(clock=clock, figure=figure, share=share)
    return made


@cache
def _style() -> str:
    """Return the style sheet, with a class for each emotion's colour."""
    colours = [f".e0{{--c:transparent}}\n{''.join(_colour(*one) for one in emotions.LABELS.items())}"]
    return (TEMPLATES / "page.css").read_text(encoding="utf-8") + "".join(colours)


def _colour(number: int, label: str) -> str:
    return f".e{number}{{--c:{COLOURS[label]};--on:{'#fff' if label in _DARK else '#000'}}}\n"


def _bag(result: BagResult, found: dict[str, Any]) -> dict[str, Any]:
    lanes = timeline.lanes(result)
    end = max(
        [result.duration_s, *(one.end_s for lane in lanes for one in lane.segments)], default=result.duration_s
    )  # fmt: skip
    length = row_seconds(end)
    curves = timeline.curves(result)
    rows = [
        _row(lanes, curves, start, length, result.duration_s) for start in range(0, max(1, int(np.ceil(end))), length)
    ]
    return {"rows": rows, "scores": found["scores"], "left_out": {one.name: one.left_out for one in lanes}}


def _row(
    lanes: Sequence[timeline.Lane], curves: Sequence[timeline.Curve], start: int, length: int, duration_s: float
) -> dict[str, Any]:
    step = next((one for one in _TICKS_S if length <= one * TICKS), length)
    shown, before = [], None
    for lane in lanes:
        cells = [_cell(one, start, length) for one in timeline.between(lane.segments, start, start + length)]
        # People who are not in this stretch need no lane of their own in it.
        if cells or lane.name != before:
            shown.append({"name": lane.name, "is_next": lane.name == before, "cells": cells})
        before = lane.name
    return {
        "lanes": shown,
        "ticks": [{"at": _percent(at, length), "text": clock(start + at, 0)} for at in range(0, length, step)],
        "paths": [path for path in (_path(curve, start, length) for curve in curves) if path],
        "start": start, "end": start + length, "filled": _percent(min(length, max(0.0, duration_s - start)), length),
    }  # fmt: skip


def _cell(one: timeline.Segment, start: int, length: int) -> dict[str, Any]:
    words = [f"{clock(one.start_s)} to {clock(one.end_s)}", one.person, one.text]
    if one.confidence is not None:
        words.append(f"confidence {one.confidence:.2f}" + (f", mean of {one.decisions}" if one.decisions > 1 else ""))
    return {
        "left": _percent(one.start_s - start, length),
        "width": _percent(one.end_s - one.start_s, length),
        "kind": f"e{one.kind}" if isinstance(one.kind, int) else f"s-{one.kind.lower()}",
        "text": one.text,
        "short": one.text if len(one.text) < 5 else one.text[:3],
        "title": ", ".join(word for word in [*words, one.detail] if word),
        "wrong": one.is_wrong,
    }


def _path(curve: timeline.Curve, start: int, length: int) -> str:
    """Return a curve within a row as an SVG path in a box of 1000 by 100, with its neighbours outside the row."""
    inside = [at for at, (time_s, _) in enumerate(curve) if start <= time_s <= start + length]
    if not inside:
        return ""
    points = curve[max(0, inside[0] - 1) : inside[-1] + 2]
    # A point of its own needs a length to be seen.
    points = points if len(points) > 1 else (points[0], (points[0][0] + 0.1, points[0][1]))
    return "M" + "L".join(f"{1000 * (time_s - start) / length:.1f} {100 * (1 - high):.1f}" for time_s, high in points)


def _percent(value: float, whole: float) -> str:
    return f"{100 * value / whole:.3f}%"


def _moment(results: Sequence[BagResult], moment: Moment) -> dict[str, Any]:
    result = results[moment.bag]
    one = result.decisions[moment.decision]
    faces = (result.faces.get(index, b"") for index in (moment.decision, *moment.decisions))
    face = next((data for data in faces if data.startswith(_JPEG)), b"")
    ranked = sorted(zip(one.probabilities, one.class_ids, strict=True), key=lambda pair: (-pair[0], pair[1]))
    return {
        "bag": result.bag, "one": one, "number": len(moment.decisions),
        "said": emotions.label_of(one.class_id), "truth": emotions.label_of(one.truth),
        "ranked": [{"id": number, "label": emotions.label_of(number), "value": value} for value, number in ranked[:3]],
        "reasons": reason_names(one.reasons), "status": timeline.STATUS_TEXT.get(one.status, one.status),
        "face": base64.b64encode(face).decode("ascii"),
    }  # fmt: skip


def _latency(results: Sequence[BagResult]) -> dict[str, Any] | None:
    """Return the histogram of the latencies in ms of decisions that name a class, None without any."""
    values = [
        1000 * one.latency_s
        for result in results
        for one in result.decisions
        if one.latency_s is not None and one.class_id
    ]
    if not values:
        return None
    counts, edges = np.histogram(values, LATENCY_BINS)
    return {
        "bars": [
            {"from": float(low), "to": float(high), "count": int(count), "height": 100 * count / counts.max()}
            for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
        ],
        "least": min(values), "most": max(values), "count": len(values),
    }  # fmt: skip


def _reasons(results: Sequence[BagResult]) -> list[tuple[str, int]]:
    """Return how many decisions of the main streams carry each reason, most first."""
    found: Counter[str] = Counter()
    for result in results:
        main = main_stream(result.decisions)
        found.update(name for one in result.decisions if one.stream == main for name in reason_names(one.reasons))
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


def _settings(results: Sequence[BagResult]) -> list[dict[str, Any]]:
    """Return models and parameters, those that several bags share once, with the names of the bags."""
    out: dict[str, dict[str, Any]] = {}
    for result in results:
        key = json.dumps([result.models, result.parameters], sort_keys=True, default=str)
        parameters = [(name, _plain(value)) for name, value in sorted(result.parameters.items())]
        entry = {"bags": [], "models": result.models, "parameters": parameters}
        out.setdefault(key, entry)["bags"].append(result.bag)
    return list(out.values())


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
