"""Progress of trainings on stderr: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any

from emotion_recognition.cli.output import load, say

READING_LINES = 10


class TrainingProgress:
    """Shows the figures that trainings report; a context manager.

    Args:
        bars: draw bars; None: if stderr is a terminal.
    """

    def __init__(self, bars: bool | None = None):
        self.unreadable = 0
        self._bars = sys.stderr.isatty() if bars is None else bars
        self._progress = None
        self._tasks: dict[str, Any] = {}
        # Epochs are reported by a thread that follows the folds' logs.
        self._lock = threading.Lock()

    def __enter__(self) -> TrainingProgress:
        if self._bars:
            console = load("rich.console").Console(stderr=True)
            parts = load("rich.progress")
            self._progress = parts.Progress(
                parts.TextColumn("{task.description}"), parts.BarColumn(), parts.MofNCompleteColumn(),
                parts.TimeRemainingColumn(), parts.TextColumn("{task.fields[figures]}"), console=console,
            )  # fmt: skip
            self._progress.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._progress is not None:
            self._progress.stop()
        if self.unreadable:
            say(f"{self.unreadable} files could not be used and were left out")

    def __call__(self, figures: dict[str, Any]) -> None:
        """Show figures; ``stage`` says of what."""
        with self._lock:
            stage = figures.get("stage", "training")
            if stage == "unreadable":
                self.unreadable += 1
                self._line(f"{figures['path']}: cannot be used: {figures['reason']}")
            elif stage == "reading":
                self._advance("reading", figures["done"], figures["of"], "", every=READING_LINES)
            elif stage == "jobs":
                failed = f"{figures['name']} failed" if figures["failed"] else figures["name"]
                self._advance("done", figures["done"], figures["of"], failed)
            elif "epoch" in figures:
                name = str(figures.get("fold", "training"))
                shown = {key: value for key, value in figures.items() if key not in ("stage", "fold", "epoch", "of")}
                self._advance(name, figures["epoch"], figures["of"], plain(shown))
            else:
                self._line(plain(figures))

    def _advance(self, name: str, done: int, of: int, figures: str, every: int = 0) -> None:
        if self._progress is not None:
            if name not in self._tasks:
                self._tasks[name] = self._progress.add_task(name, total=of, figures="")
            self._progress.update(self._tasks[name], completed=done, total=of, figures=figures)
        elif not every or done == of or done % max(1, of // every) == 0:
            say(f"{name} {done}/{of}" + (f"  {figures}" if figures else ""))

    def _line(self, text: str) -> None:
        if self._progress is not None:
            self._progress.console.print(text, markup=False, highlight=False)
        else:
            say(text)


def plain(figures: dict[str, Any]) -> str:
    """Return figures as one line."""
    return "  ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in figures.items()
    )
