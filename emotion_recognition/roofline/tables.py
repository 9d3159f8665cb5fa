"""Parts and bounds as rows of text, and as markdown."""

from __future__ import annotations

from collections.abc import Sequence

from emotion_recognition.models.formulas import FORMULAS, SYMBOLS
from emotion_recognition.roofline.boards import Board
from emotion_recognition.roofline.bounds import bound
from emotion_recognition.roofline.work import COUNTED, MOVED, Count, Work

Rows = list[list[str]]

WORKS = ["part", "parameters", "formula M", "counted M", "MFLOP", "MB moved", "op./byte"]


def works_rows(works: Sequence[Work], count: Count) -> Rows:
    """Return a row a part under the header :data:`WORKS`; the two M are operations as the paper counts them."""
    return [
        [
            work.title,
            f"{work.measured.parameters:,}",
            _number(work.formula.operations / 1e6),
            _number(work.measured.operations / 1e6),
            _number(work.operations(Count.flop) / 1e6),
            _number(work.moved_bytes / 1e6),
            f"{work.intensity(count):.2f}",
        ]
        for work in works
    ]


def pairs(works: Sequence[Work]) -> dict[str, list[Work]]:
    """Return the parts of each pair of models, by what it is called in a table: the pair and its models."""
    models = {work.pair: work.model for work in works if work.part == "decision"}
    found: dict[str, list[Work]] = {}
    for work in works:
        found.setdefault(f"{work.pair}: {models[work.pair]}", []).append(work)
    return found


def bounds_header(works: Sequence[Work]) -> list[str]:
    """Return the header of :func:`bounds_rows`."""
    names = dict.fromkeys(work.pair for work in works)
    return ["part", *(words for name in names for words in (f"{name} GFLOP/s", "limit", "least ms"))]


def bounds_rows(board: Board, works: Sequence[Work], count: Count) -> Rows:
    """Return a row a part, each pair's bounds side by side."""
    rows: dict[str, list[str]] = {}
    for work in works:
        found = bound(board, work, count)
        row = rows.setdefault(work.title, [work.title])
        row += [f"{found.attainable_gflops:.1f}", found.limit, f"{found.least_ms:.3f}"]
    return list(rows.values())


def board_words(board: Board) -> str:
    """Return a board's figures and where they are from."""
    ridge = f"ridge at {board.ridge:.2f} operations a byte"
    return f"{board.gflops:.4g} GFLOP/s, {board.gbs:.4g} GB/s, {ridge} ({board.source})"


def notes(count: Count) -> list[str]:
    """Return what the columns count, a line each."""
    return [
        f"Formula and counted: {COUNTED[Count.paper]}.",
        "Counted has the product with speech-resnet's fixed matrix, too, which is no layer and has no formula.",
        f"MFLOP: {COUNTED[Count.flop]}.",
        f"Moved: {MOVED}.",
        f"Operations a byte, GFLOP/s and least ms: of {'MFLOP' if count is Count.flop else 'the operations counted'}.",
    ]


def markdown(boards: Sequence[Board], works: Sequence[Work], count: Count) -> str:
    """Return everything as markdown: parts, each board's bounds, the formulas."""
    lines = []
    for title, part in pairs(works).items():
        lines += [f"## {title}", "", *_table(WORKS, works_rows(part, count)), ""]
    lines += [f"- {note}" for note in notes(count)]
    for board in boards:
        rows = bounds_rows(board, works, count)
        lines += ["", f"## {board.name}", "", f"{board_words(board)}.", "", *_table(bounds_header(works), rows)]
    formulas = [[one.layer, one.parameters, one.operations, one.source] for one in FORMULAS]
    lines += ["", "## Formulas", "", *_table(["layer", "parameters", "operations", "source"], formulas)]
    return "\n".join([*lines, "", f"{SYMBOLS}."])


def _number(value: float) -> str:
    return f"{value:,.1f}" if value >= 10 else f"{value:.2g}"


def _table(header: list[str], rows: Rows) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]
