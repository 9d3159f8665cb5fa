"""The terminal display of the demonstration: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from emotion_recognition.demo.records import NEITHER, STATUS_NAMES, Heard, reason_names
from emotion_recognition.demo.timeline import COLOURS
from emotion_recognition.emotions import LABELS

BAR_WIDTH = 40
FORGET_AFTER_S = 2.0  # a person not heard of for this long is not shown any more
LINE_EVERY_S = 1.0
REFRESH_PER_S = 10


class Display:
    """Shows what is heard: bars for each person where ``console`` is a terminal, else a line a second or per change.

    A context manager; ``update`` is called with every record in order of arrival.
    """

    def __init__(self, console: Console, title: str = ""):
        """Prepare the display.

        Args:
            console: where to draw; its ``is_terminal`` chooses the way.
            title: what is played.
        """
        self._console = console
        self._errors = Console(stderr=True)
        self._title = title
        self._persons: dict[str, Heard] = {}
        self._last_line: dict[str, tuple[int, tuple]] = {}
        self._start_ns: int | None = None
        self._live = (
            Live(console=console, refresh_per_second=REFRESH_PER_S, transient=True) if console.is_terminal else None
        )

    def __enter__(self) -> Display:
        """Begin to draw."""
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_) -> None:
        """Leave the terminal as it was, with the last state printed."""
        if self._live:
            self._live.stop()
            if self._persons:
                self._console.print(self.render())

    def update(self, record: Heard) -> None:
        """Show a record."""
        if self._start_ns is None:
            self._start_ns = record.stamp_ns
        if record.status == NEITHER:
            self._persons.clear()
        else:
            self._persons.pop("", None)
        self._persons[record.person_id] = record
        for person, last in list(self._persons.items()):
            if record.received_ns - last.received_ns > FORGET_AFTER_S * 1e9:
                del self._persons[person]
        if self._live:
            self._live.update(self.render())
        else:
            self._print_line(record)

    def note(self, text: str) -> None:
        """Show a line that is no record, above the bars; where there are none, it goes to stderr. Any thread."""
        console = self._console if self._live else self._errors
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    def line(self, record: Heard) -> str:
        """Return a record as one plain line."""
        seconds = (record.stamp_ns - (self._start_ns or record.stamp_ns)) / 1e9
        text = f"{seconds:6.1f} s  {record.person_id or '-':<8}  {STATUS_NAMES[record.status]:<7}  {record.label:<9}"
        if record.status != NEITHER:
            text += f"  {record.confidence:4.2f}  valence {record.valence:+.2f}  arousal {record.arousal:+.2f}"
        reasons = ", ".join(reason_names(record.reasons))
        return f"{text}  ({reasons})" if reasons else text.rstrip()

    def render(self) -> Group:
        """Return the current state, for a terminal."""
        parts: list = [Text(self._title, style="bold")] if self._title else []
        for record in sorted(self._persons.values(), key=lambda record: record.person_id):
            parts.append(self._person(record))
        return Group(*parts)

    def _person(self, record: Heard) -> Group:
        style = f"bold {COLOURS.get(record.label, 'white')}"
        head = Text.assemble(("● ", style), (record.label, style))
        if record.status != NEITHER:
            head.append(f"  {record.confidence:.0%}")
        head.append(f"   {record.person_id or 'nobody'}, from {_SOURCES[record.status]}", style="default")
        reasons = ", ".join(reason_names(record.reasons))
        if reasons:
            head.append(f"   ({reasons})", style="dim")
        bars = Table.grid(padding=(0, 1))
        bars.add_column(width=10)
        bars.add_column(width=BAR_WIDTH)
        bars.add_column(justify="right", width=5)
        for label in LABELS.values():
            share = 0.0 if record.status == NEITHER else record.probabilities.get(label, 0.0)
            bar = Text("█" * round(share * BAR_WIDTH), style=COLOURS[label])
            bars.add_row(label, bar, f"{share:.0%}" if label in record.probabilities else "–")
        return Group(head, bars)

    def _print_line(self, record: Heard) -> None:
        state = (record.status, record.label, record.reasons)
        told = self._last_line.get(record.person_id)
        if told and told[1] == state and record.received_ns - told[0] < LINE_EVERY_S * 1e9:
            return
        self._last_line[record.person_id] = (record.received_ns, state)
        self._console.print(self.line(record), markup=False, highlight=False, soft_wrap=True)


_SOURCES = {0: "nothing", 1: "the face", 2: "the voice", 3: "face and voice"}
