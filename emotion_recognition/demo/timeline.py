"""The picture of a run: every class's probability over time, who it is about, the winner and the status.

matplotlib is imported when a picture is drawn, not with this module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from emotion_recognition.demo.records import BOTH, FACE_ONLY, NEITHER, SPEECH_ONLY, Heard
from emotion_recognition.emotions import LABELS

# Okabe and Ito's colours (https://jfly.uni-koeln.de/color/), told apart with any common colour blindness; their
# black is grey here.
COLOURS = {
    "neutral": "#999999",
    "calm": "#56B4E9",
    "happy": "#F0E442",
    "sad": "#0072B2",
    "angry": "#D55E00",
    "fearful": "#CC79A7",
    "disgust": "#009E73",
    "surprised": "#E69F00",
}
STATUS_COLOURS = {NEITHER: "#FFFFFF", FACE_ONLY: "#D9D9D9", SPEECH_ONLY: "#A6A6A6", BOTH: "#404040"}
STATUS_TEXT = {NEITHER: "neither", FACE_ONLY: "face only", SPEECH_ONLY: "voice only", BOTH: "face and voice"}
WIDTH_PX, HEIGHT_PX, DPI = 1200, 700, 100
GAP_S = 1.5  # a person not heard of for longer than this is drawn as two pieces
MAX_LANES = 3
HOLD_S = 0.5  # a piece's last record is drawn this long
_BANDS, _SPACE, _NARROW = 0.85, 0.45, 0.1  # heights in tenths of the drawing
_LETTER = 0.0085  # width of a letter in a band, as share of the time axis
_DARK = {"#0072B2", "#D55E00", "#009E73", "#404040"}
_EMPTY = "#F4F4F4"
_FAINT = "#777777"

Piece = list[Heard]


def pieces(records: Sequence[Heard]) -> list[Piece]:
    """Split the records of every person into pieces without a gap, in order of their first stamp."""
    found: list[Piece] = []
    current: dict[str, Piece] = {}
    for record in sorted(records, key=lambda record: record.stamp_ns):
        piece = current.get(record.person_id)
        if piece is None or record.stamp_ns - piece[-1].stamp_ns > GAP_S * 1e9:
            piece = current[record.person_id] = []
            found.append(piece)
        piece.append(record)
    return found


def lanes(records: Sequence[Heard]) -> list[list[Piece]]:
    """Put every person's pieces into lanes without overlap: one lane for one person at a time, more for several.

    Records of nobody (status neither) fill the first lane where nobody is in it; the others are left out.
    """
    found: list[list[Piece]] = []
    for piece in pieces([record for record in records if record.person_id]):
        free = [lane for lane in found if all(_apart(piece, other) for other in lane)]
        same = [lane for lane in free if lane[-1][0].person_id == piece[0].person_id]
        if free:
            (same or free)[0].append(piece)
        else:
            found.append([piece])
    people = found[0] if found else []
    alone = [r for r in records if not r.person_id and all(_apart([r], piece) for piece in people)]
    ends = sorted(piece[-1].stamp_ns for piece in people)
    between: dict[int, list[Heard]] = {}
    for record in alone:
        between.setdefault(sum(end < record.stamp_ns for end in ends), []).append(record)
    first = sorted(
        [*people, *(piece for part in between.values() for piece in pieces(part))], key=lambda piece: piece[0].stamp_ns
    )
    return [first, *found[1:]] if first else []


def _apart(one: Piece, other: Piece) -> bool:
    return one[-1].stamp_ns < other[0].stamp_ns or other[-1].stamp_ns < one[0].stamp_ns


def winners(lane: list[Piece], start_ns: int, seconds: int) -> list[str | None]:
    """Return the label that won each second: the most frequent one, the more confident on a tie; None for no record.

    Records of status neither count as ``unknown``.
    """
    votes: list[Counter] = [Counter() for _ in range(seconds)]
    for record in (record for piece in lane for record in piece):
        second = (record.stamp_ns - start_ns) // 1_000_000_000
        if 0 <= second < seconds:
            votes[second][record.label] += 1 + record.confidence * 1e-3
    return [vote.most_common(1)[0][0] if vote else None for vote in votes]


def draw(records: Sequence[Heard], path: str | Path, title: str) -> None:
    """Write the timeline as a PNG of 1200 x 700 pixels.

    Args:
        records: what was heard, in any order; may be empty.
        path: the file to write.
        title: names what was played; shown as it is.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_PX / DPI, HEIGHT_PX / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.075, 0.955, title, fontsize=15, fontweight="bold", va="center", parse_math=False)
    if not records:
        figure.text(0.5, 0.5, "no emotion was published", fontsize=14, ha="center", color=_FAINT)
    else:
        _draw_lanes(figure, records)
    figure.savefig(path, dpi=DPI, format="png")


def _draw_lanes(figure, records: Sequence[Heard]) -> None:
    start_ns = min(min(record.stamp_ns, record.window_start_ns) for record in records)
    length_s = max((max(record.stamp_ns for record in records) - start_ns) / 1e9 + HOLD_S, 1.0)
    everyone = lanes(records)
    shown = everyone[:MAX_LANES]
    note = f"{len(records)} messages on the topic emotion"
    if len(everyone) > MAX_LANES:
        note += f"; {len(everyone) - MAX_LANES} more people at once are not drawn"
    figure.text(0.075, 0.917, note, fontsize=10, color=_FAINT, va="center")
    lane_height = (10 - (_BANDS + _SPACE + _NARROW) * len(shown) - 1.9) / len(shown)
    heights = [part for _ in shown for part in (lane_height, _NARROW, _BANDS, _SPACE)] + [1.9]
    grid = figure.add_gridspec(
        len(heights), 1, left=0.075, right=0.865, top=0.885, bottom=0.085, height_ratios=heights, hspace=0
    )
    rows = [row for row in range(len(heights)) if row % 4 in (0, 2)]  # the others are space
    axes = [figure.add_subplot(grid[row]) for row in rows]
    for number, lane in enumerate(shown):
        _areas(axes[2 * number], lane, start_ns)
        _bands(axes[2 * number + 1], lane, start_ns, length_s)
    _affect(axes[-1], shown[0], start_ns)
    for axis in axes:
        axis.set_xlim(0, length_s)
        for side in axis.spines.values():
            side.set_visible(False)
        axis.tick_params(length=0, labelsize=10, labelbottom=axis is axes[-1])
    axes[-1].set_xlabel("seconds since the first sample", fontsize=10)
    _legend(figure)


def _seconds(piece: Piece, start_ns: int) -> list[float]:
    times = [(record.stamp_ns - start_ns) / 1e9 for record in piece]
    return [*times, times[-1] + HOLD_S]


def _areas(axis, lane: list[Piece], start_ns: int) -> None:
    axis.set_facecolor(_EMPTY)
    axis.set_ylim(0, 1)
    axis.set_yticks([0, 0.5, 1])
    axis.set_ylabel("probability", fontsize=10)
    for number, piece in enumerate(lane):
        if piece[0].status == NEITHER:
            continue
        times = _seconds(piece, start_ns)
        if number + 1 < len(lane):  # never over the next piece
            limit = (lane[number + 1][0].stamp_ns - start_ns) / 1e9
            times[-1] = max(times[-2], min(times[-1], limit))
        rows = [[r.probabilities.get(label, 0.0) for r in [*piece, piece[-1]]] for label in LABELS.values()]
        axis.stackplot(times, rows, colors=[COLOURS[label] for label in LABELS.values()], linewidth=0.4, ec="white")
        axis.axvline(times[0], color="white", linewidth=2)
        axis.text(
            times[0] + 0.06, 0.955, piece[0].person_id, fontsize=9, va="top", parse_math=False,
            bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "boxstyle": "round,pad=0.25"},
        )  # fmt: skip


def _bands(axis, lane: list[Piece], start_ns: int, length_s: float) -> None:
    """Draw the winner of each second, and the status below it."""
    axis.set_ylim(0, 2)
    axis.set_yticks([0.5, 1.5], ["status", "winner"])
    for second, label in enumerate(winners(lane, start_ns, int(length_s) + 1)):
        if label is None:
            continue
        width = min(1.0, length_s - second)
        colour = COLOURS.get(label, _EMPTY)
        axis.add_patch(_cell(second, 1, width, colour))
        if width / length_s > _LETTER * len(label):
            axis.text(second + width / 2, 1.47, label, **_inside(colour))
    for begin, end, status in _runs([record for piece in lane for record in piece], start_ns, length_s):
        colour = STATUS_COLOURS[status]
        axis.add_patch(_cell(begin, 0, end - begin, colour))
        text = STATUS_TEXT[status]
        if (end - begin) / length_s > _LETTER * len(text):
            axis.text((begin + end) / 2, 0.47, text, **_inside(colour))


def _cell(x: float, y: float, width: float, colour: str):
    from matplotlib.patches import Rectangle

    edge = "#BBBBBB" if colour == STATUS_COLOURS[NEITHER] else "white"
    return Rectangle((x, y + 0.04), width, 0.92, facecolor=colour, edgecolor=edge, linewidth=0.8)


def _inside(colour: str) -> dict:
    return {
        "ha": "center", "va": "center", "fontsize": 9, "clip_on": True,
        "color": "white" if colour in _DARK else "black",
    }  # fmt: skip


def _runs(records: Sequence[Heard], start_ns: int, length_s: float) -> list[tuple[float, float, int]]:
    """Return (begin, end, status) in seconds of every stretch of one status; it ends where the next record is."""
    found: list[tuple[float, float, int]] = []
    times = [(record.stamp_ns - start_ns) / 1e9 for record in records] + [length_s]
    for record, begin, following in zip(records, times, times[1:], strict=False):
        end = following if following - begin <= GAP_S else begin + HOLD_S
        if found and found[-1][2] == record.status and begin - found[-1][1] < 1e-9:
            found[-1] = (found[-1][0], end, record.status)
        else:
            found.append((begin, end, record.status))
    return found


def _affect(axis, lane: list[Piece], start_ns: int) -> None:
    axis.set_facecolor(_EMPTY)
    axis.set_ylim(-1, 1)
    axis.set_yticks([-1, 0, 1])
    axis.set_ylabel("affect", fontsize=10)
    axis.axhline(0, color="white", linewidth=1.5)
    for piece in lane:
        if piece[0].status != NEITHER:
            times = _seconds(piece, start_ns)[:-1]
            axis.plot(times, [record.valence for record in piece], color="#333333", linewidth=1.8)
            axis.plot(
                times, [record.arousal for record in piece], color="#333333", linewidth=1.4, linestyle=(0, (4, 2))
            )


def _legend(figure) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    classes = [Patch(facecolor=COLOURS[label], label=label) for label in reversed(LABELS.values())]
    figure.legend(handles=classes, loc="upper left", bbox_to_anchor=(0.872, 0.895), frameon=False, fontsize=10.5,
                  labelspacing=0.7, handlelength=1.2, handleheight=1.1)  # fmt: skip
    lines = [
        Line2D([], [], color="#333333", linewidth=1.8, label="valence"),
        Line2D([], [], color="#333333", linewidth=1.4, linestyle=(0, (4, 2)), label="arousal"),
    ]
    figure.legend(handles=lines, loc="lower left", bbox_to_anchor=(0.872, 0.1), frameon=False, fontsize=10.5)
