"""The roofline as a picture: a line a board, a point a part on every line.

matplotlib is imported when a picture is drawn, not with this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from pathlib import Path

from emotion_recognition.roofline.boards import Board
from emotion_recognition.roofline.bounds import bound
from emotion_recognition.roofline.work import COUNTED, Count, Work

WIDTH_PX, HEIGHT_PX, DPI = 1300, 800, 100
# Okabe and Ito's colours (https://jfly.uni-koeln.de/color/), without yellow.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = {"paper": "o", "default": "s"}
_FAINT = "#777777"
_BOX = {"left": 0.065, "right": 0.79, "bottom": 0.085, "top": 0.66}  # of the axes, as shares of the picture
_LINE = 0.045  # height of a line of text, as share of the axes
_FLAG = 0.04  # of the lowest flag above the axes


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return places moved as little as is needed (least squares) so that they lie ``gap`` apart, in their order.

    Where there is no room between ``low`` and ``high`` for that, they lie closer.
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    gap = min(gap, (high - low) / max(1, len(order) - 1))
    groups: list[list[float]] = []  # of places less the room of those below, which must not fall
    for rank, index in enumerate(order):
        groups.append([places[index] - rank * gap])
        while len(groups) > 1 and _mean(groups[-2]) > _mean(groups[-1]):
            last = groups.pop()
            groups[-1] += last
    moved = [_mean(group) for group in groups for _ in group]
    top = high - (len(order) - 1) * gap
    found = [0.0] * len(order)
    for rank, index in enumerate(order):
        found[index] = min(max(moved[rank], low), top) + rank * gap
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def figure(boards: Sequence[Board], works: Sequence[Work], count: Count = Count.flop):
    """Return the picture as a matplotlib figure.

    Args:
        boards: at least one.
        works: at least one.
        count: what an operation is.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(WIDTH_PX / DPI, HEIGHT_PX / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(drawn)
    drawn.text(0.02, 0.965, "Roofline", fontsize=15, fontweight="bold", va="center")
    drawn.text(0.11, 0.964, COUNTED[count], fontsize=10, color=_FAINT, va="center")
    axes = drawn.add_axes((_BOX["left"], _BOX["bottom"], _BOX["right"] - _BOX["left"], _BOX["top"] - _BOX["bottom"]))
    places = [work.intensity(count) for work in works] + [board.ridge for board in boards]
    speeds = [bound(board, work, count).attainable_gflops for board in boards for work in works]
    _axes(
        axes, (min(places) / 1.6, max(places) * 1.6), (min(speeds) / 1.8, max(board.gflops for board in boards) * 1.5)
    )
    for number, board in enumerate(boards):
        _roof(axes, board, works, count, COLOURS[number % len(COLOURS)])
    _flags(axes, works, count)
    _name_boards(axes, boards)
    _legend(drawn)
    sources: dict[str, list[str]] = {}
    for board in boards:
        sources.setdefault(board.source, []).append(board.name)
    where = "; ".join(f"{', '.join(names)}: {source}" for source, names in sources.items())
    drawn.text(0.985, 0.018, where, fontsize=9, color=_FAINT, ha="right", va="center", parse_math=False)
    return drawn


def draw(path: Path | str, boards: Sequence[Board], works: Sequence[Work], count: Count = Count.flop) -> None:
    """Write :func:`figure` as a PNG of 1300 x 800 pixels."""
    figure(boards, works, count).savefig(path, dpi=DPI, format="png")


def _axes(axes, width: tuple[float, float], height: tuple[float, float]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(*width)
    axes.set_ylim(*height)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(10, (1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.grid(True, color="#E4E4E4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("operations a byte")
    axes.set_ylabel("GFLOP/s at most")


def _roof(axes, board: Board, works: Sequence[Work], count: Count, colour: str) -> None:
    low, high = axes.get_xlim()
    corner = min(max(board.ridge, low), high)
    axes.plot(
        [low, corner, high], [min(low * board.gbs, board.gflops), min(corner * board.gbs, board.gflops), board.gflops],
        color=colour, linewidth=2, zorder=2,
    )  # fmt: skip
    for work in sorted(works, key=lambda work: list(MARKERS).index(work.pair), reverse=True):  # circles over squares
        axes.plot(
            work.intensity(count), bound(board, work, count).attainable_gflops, MARKERS[work.pair], markersize=7,
            color=colour, markerfacecolor="white" if work.pair == "paper" else colour, markeredgewidth=1.6, zorder=3,
        )  # fmt: skip


def _flags(axes, works: Sequence[Work], count: Count) -> None:
    """Name the parts above the axes: the further right, the lower, so that no line runs through a name."""
    bottom = axes.get_ylim()[0]
    for rank, work in enumerate(sorted(works, key=lambda work: -work.intensity(count))):
        place, height = work.intensity(count), 1 + _FLAG + rank * _LINE
        foot = axes.get_xaxis_transform()
        axes.plot([place, place], [0, height], color="#AAAAAA", linewidth=0.8, transform=foot, clip_on=False, zorder=1)
        axes.annotate(
            f"{work.pair}: {work.title}, {place:.3g}", (place, height), xycoords=foot, xytext=(3, 0),
            textcoords="offset points", fontsize=9, va="center", annotation_clip=False, gid="part",
        )  # fmt: skip
    axes.set_ylim(bottom)


def _name_boards(axes, boards: Sequence[Board]) -> None:
    """Name the boards beside their lines' ends, apart from each other."""
    low, high = (log10(value) for value in axes.get_ylim())
    ends = [(log10(board.gflops) - low) / (high - low) for board in boards]
    for number, (board, end, place) in enumerate(zip(boards, ends, spread(ends, 2 * _LINE, 0.03, 0.96), strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        axes.plot([1, 1.02], [end, place], color=colour, linewidth=1, transform=axes.transAxes, clip_on=False)
        axes.text(
            1.025, place, f"{board.name}\n{board.gflops:.4g} GFLOP/s, {board.gbs:.4g} GB/s", color=colour, fontsize=9,
            va="center", transform=axes.transAxes, parse_math=False, gid="board",
        )  # fmt: skip


def _legend(drawn) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker=marker, color="none", markeredgecolor="#333333", markeredgewidth=1.6, markersize=7,
               markerfacecolor="white" if pair == "paper" else "#333333", label=text)
        for (pair, marker), text in zip(MARKERS.items(), ("paper's architecture", "robot's default"), strict=True)
    ]  # fmt: skip
    drawn.legend(handles=handles, loc="upper right", frameon=False, fontsize=10)
