"""What a bag's people felt, as somebody says: from a CSV file, a topic of the bag, or its name.

- A CSV file with the header ``start,end,person,emotion``: seconds from the bag's first message; an empty person is
  anyone, else a ``person_id`` of the run. A label that runs past the bag's end is clipped.
- A topic of std_msgs/String: ``emotion`` or ``person emotion`` holds from the message's receipt until the next of that
  person, ``none`` or an empty text ends it. Emotion messages on a topic that is named as the labels' count likewise,
  from their stamp; class 0 ends.
- A bag named as a clip of RAVDESS or CREMA-D: its emotion throughout.

Emotions are labels of :mod:`emotion_recognition.emotions` or their synonyms, in any case.
"""

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emotion_recognition import emotions
from emotion_recognition.bags.results import Interval

HEADER = ("start", "end", "person", "emotion")
ANYONE = ""
ENDS = ("", "none")
# A recording's own labels, where there are some.
FILE_NAME = "labels.csv"


class LabelError(ValueError):
    """Labels cannot be used; the text names the file or bag, the line and what was found."""


@dataclass(frozen=True)
class Change:
    """From a time on a person, anyone if empty, has an emotion; 0 for none."""

    time_s: float
    person: str
    class_id: int


def read_labels(
    path: Path, duration_s: float = math.inf, on_problem: Callable[[float, str], None] | None = None
) -> tuple[Interval, ...]:
    """Return the labels of a CSV file by their start, clipped at the bag's end; those after it are left out.

    Args:
        path: the file.
        duration_s: of the bag.
        on_problem: called with an offset in seconds and what is wrong there; such a line is left out. Without it the
            first one is raised.

    Raises:
        LabelError: the header is another; or, without ``on_problem``, a value is no time or no emotion, an end is not
            after its start, or labels of one person overlap.
        OSError: the file cannot be read.
    """

    def problem(offset_s: float, text: str) -> None:
        if on_problem is None:
            raise LabelError(f"{path}, {text}")
        on_problem(offset_s, text)

    found: list[tuple[int, Interval]] = []
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        try:
            header = next(rows, [])
            if tuple(cell.strip() for cell in header) != HEADER:
                raise LabelError(f"{path}, line 1: header {','.join(header)!r}, expected {','.join(HEADER)!r}")
            for row in rows:
                if not any(cell.strip() for cell in row):
                    continue
                try:
                    found.append((rows.line_num, _interval(row)))
                except LabelError as error:
                    problem(_seconds_of(row[0]) or 0.0, f"line {rows.line_num}: {error}")
        except (csv.Error, UnicodeDecodeError) as error:
            raise LabelError(f"{path}, line {rows.line_num + 1}: {error}; expected CSV in UTF-8") from error
    found.sort(key=lambda pair: (pair[1].start_s, pair[0]))
    return clip(_without_overlaps(found, problem), duration_s)


def from_changes(changes: Iterable[Change], duration_s: float) -> tuple[Interval, ...]:
    """Return the intervals between changes in the order of time; the last of a person lasts to the bag's end."""
    open_since: dict[str, Change] = {}
    out = []
    for change in sorted(changes, key=lambda one: one.time_s):
        last = open_since.pop(change.person, None)
        if last is not None:
            out.append(Interval(last.time_s, change.time_s, last.person, last.class_id))
        if change.class_id != emotions.UNKNOWN:
            open_since[change.person] = change
    out += [Interval(one.time_s, duration_s, one.person, one.class_id) for one in open_since.values()]
    return clip(sorted(out, key=lambda one: (one.start_s, one.person)), duration_s)


def change_of_text(text: str, time_s: float) -> Change:
    """Return the change that a text, ``emotion`` or ``person emotion``, stands for.

    Raises:
        LabelError: it names no emotion.
    """
    words = text.split()
    if " ".join(words).lower() in ENDS:
        return Change(time_s, ANYONE, emotions.UNKNOWN)
    if len(words) > 2:
        raise LabelError(f"label {text!r}: expected 'emotion' or 'person emotion'")
    person = words[0] if len(words) == 2 else ANYONE
    if words[-1].lower() in ENDS:
        return Change(time_s, person, emotions.UNKNOWN)
    try:
        return Change(time_s, person, class_of(words[-1]))
    except LabelError as error:
        raise LabelError(f"label {text!r}: {error}") from error


def from_name(name: str, duration_s: float) -> tuple[Interval, ...]:
    """Return the label that a bag's name gives it throughout, none where it is not named as RAVDESS's or CREMA-D's."""
    number = emotion_of_name(name)
    return () if number is None else (Interval(0.0, duration_s, ANYONE, number),)


def emotion_of_name(name: str) -> int | None:
    """Return the class id in a clip's name (without suffix), None where it is not RAVDESS's or CREMA-D's."""
    from emotion_recognition.datasets import cremad, ravdess

    for parse in (ravdess.parse, cremad.parse):
        for suffix in (".wav", ".mp4"):
            try:
                clip_found = parse(Path(f"{name}{suffix}"))
            except ValueError:
                continue
            if clip_found is not None:
                return clip_found.class_id
    return None


def write_labels(path: Path, labels: Sequence[Interval]) -> None:
    """Write labels as a CSV file that :func:`read_labels` reads."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(HEADER)
        rows.writerows(
            (f"{one.start_s:.6f}", f"{one.end_s:.6f}", one.person, emotions.LABELS[one.class_id]) for one in labels
        )


def clip(labels: Iterable[Interval], duration_s: float) -> tuple[Interval, ...]:
    """Return labels without what lies past the end."""
    return tuple(replace(one, end_s=min(one.end_s, duration_s)) for one in labels if one.start_s < duration_s)


def class_of(name: str) -> int:
    """Return the class id of an emotion's name.

    Raises:
        LabelError: there is none.
    """
    number = emotions.class_id(name)
    if number is None:
        known = ", ".join(emotions.LABELS.values())
        raise LabelError(f"emotion {name!r} is not known; expected one of {known} or a synonym")
    return number


def _interval(row: list[str]) -> Interval:
    if len(row) != len(HEADER):
        raise LabelError(f"{len(row)} values {','.join(row)!r}, expected {len(HEADER)}: {','.join(HEADER)}")
    times = []
    for name, text in zip(HEADER[:2], row[:2], strict=True):
        value = _seconds_of(text)
        if value is None:
            raise LabelError(f"{name} {text!r}, expected seconds from the bag's first message, 0 or more")
        times.append(value)
    if times[1] <= times[0]:
        raise LabelError(f"end {row[1].strip()} is not after start {row[0].strip()}")
    return Interval(times[0], times[1], row[2].strip(), class_of(row[3]))


def _seconds_of(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _without_overlaps(found: list[tuple[int, Interval]], problem: Callable[[float, str], None]) -> Iterator[Interval]:
    """Yield intervals in order of their start; one that overlaps an earlier one is a problem and left out."""
    last: dict[str, tuple[int, Interval]] = {}
    for line, one in found:
        # A label for anyone is one for each person, too.
        others = list(last.values()) if one.person == ANYONE else [last.get(one.person), last.get(ANYONE)]
        other = next((other for other in others if other is not None and one.start_s < other[1].end_s), None)
        if other is not None:
            problem(
                one.start_s,
                f"line {line}: {_words(one)} overlaps line {other[0]}: {_words(other[1])}; expected one label of a "
                "person at a time",
            )
            continue
        last[one.person] = (line, one)
        yield one


def _words(one: Interval) -> str:
    return f"{one.start_s:g} to {one.end_s:g} s {emotions.LABELS[one.class_id]} of {one.person or 'anyone'}"
