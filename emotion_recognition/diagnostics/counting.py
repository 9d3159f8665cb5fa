"""Counts of what a node receives and publishes, over its life and over the last periods."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

# Rates, latencies and warnings are about so many of the latest periods, of a second each in the nodes.
PERIODS = 5
# Of one period; the newest, so that memory is bounded.
KEPT_LATENCIES = 1000


@dataclass(frozen=True)
class InputCounts:
    """What came on one topic.

    Attributes:
        listening: whether the node takes it now.
        received, left_out, skipped: messages over the node's life; skipped ones outran the processor.
        recently_left_out, recently_skipped: those of the last PERIODS periods.
        rate: messages a second over the last PERIODS periods.
        silent_s: seconds since the last message, or since the node began to listen where none has come since.
        heard: whether one has come since then.
        stamp_ns: of the last message; None where it carries none.
        frame_id: of the last message.
        problem: what was wrong with the input in the last PERIODS periods, the newest; empty for nothing.
    """

    listening: bool
    received: int
    left_out: int
    skipped: int
    recently_left_out: int
    recently_skipped: int
    rate: float
    silent_s: float
    heard: bool
    stamp_ns: int | None
    frame_id: str
    problem: str


@dataclass(frozen=True)
class OutputCounts:
    """What a node published.

    Attributes:
        published: messages over the node's life.
        rate: messages a second over the last PERIODS periods.
        latencies_ms: median, 95th percentile and maximum of the time from a message's receipt to the publication of
            what follows from it, over the last PERIODS periods; None where nothing did.
    """

    published: int
    rate: float
    latencies_ms: tuple[float, float, float] | None


@dataclass
class _Period:
    """What happened in one period, of a topic or of all outputs."""

    count: int = 0
    left_out: int = 0
    skipped: int = 0
    problem: str = ""
    latencies_s: deque = field(default_factory=lambda: deque(maxlen=KEPT_LATENCIES))


class _Periods:
    """The latest periods, the last of which is still going on."""

    def __init__(self):
        self.now = _Period()
        self._past: deque[_Period] = deque(maxlen=PERIODS)

    def close(self) -> None:
        self._past.append(self.now)
        self.now = _Period()

    def __iter__(self):
        return iter((*self._past, self.now))

    def total(self, name: str) -> int:
        return sum(getattr(period, name) for period in self)


class _Input:
    def __init__(self, now_s: float):
        self.periods = _Periods()
        self.received = self.left_out = self.skipped = 0
        self.stamp_ns: int | None = None
        self.frame_id = ""
        self.begin(now_s)

    def begin(self, now_s: float) -> None:
        self.listening, self.heard, self.since_s = True, False, now_s


class Monitor:
    """Counts for one node; several threads may feed it.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._lock = threading.Lock()
        self._inputs: dict[str, _Input] = {}
        self._outputs = _Periods()
        self._published = 0
        self._ends: deque[float] = deque([clock()], maxlen=PERIODS + 1)
        self._notes: dict[str, tuple[str, float]] = {}
        self._errors, self._error, self._error_s = 0, "", 0.0

    # Fed by the node.

    def begin(self, topic: str) -> None:
        """Take that the node begins to listen to a topic."""
        with self._lock:
            if topic in self._inputs:
                self._inputs[topic].begin(self._clock())
            else:
                self._inputs[topic] = _Input(self._clock())

    def rest(self) -> None:
        """Take that the node listens to nothing any more; what it noted holds no longer."""
        with self._lock:
            for one in self._inputs.values():
                one.listening = False
            self._notes.clear()

    def receive(self, topic: str, stamp_ns: int | None = None, frame_id: str = "") -> None:
        """Count a message on a topic."""
        with self._lock:
            one = self._inputs[topic]
            one.heard, one.since_s = True, self._clock()
            one.stamp_ns, one.frame_id = stamp_ns, frame_id
            one.received += 1
            one.periods.now.count += 1

    def leave_out(self, topic: str, problem: str) -> None:
        """Count a message that is not used."""
        self._count(topic, "left_out", 1, problem)

    def skip(self, topic: str, count: int) -> None:
        """Count messages for which the processor had no time."""
        if count:
            self._count(topic, "skipped", count, "")

    def caution(self, topic: str, problem: str) -> None:
        """Take that something is wrong with messages that are used."""
        self._count(topic, "left_out", 0, problem)

    def publish(self, latency_s: float | None = None) -> None:
        """Count a publication, and the seconds since the receipt of what it follows from, where it does."""
        with self._lock:
            self._published += 1
            self._outputs.now.count += 1
            if latency_s is not None:
                self._outputs.now.latencies_s.append(latency_s)

    def note(self, key: str, value: object) -> None:
        """Keep a value of the moment, such as how many faces are in view; the unit belongs into the key."""
        with self._lock:
            self._notes[key] = _text(value), self._clock()

    def fail(self, error: str) -> None:
        """Count an error that nobody expected."""
        with self._lock:
            self._errors, self._error, self._error_s = self._errors + 1, error, self._clock()

    def close_period(self) -> None:
        """End a period and begin the next."""
        with self._lock:
            self._ends.append(self._clock())
            for periods in (self._outputs, *(one.periods for one in self._inputs.values())):
                periods.close()

    # Read for the diagnostics.

    def inputs(self) -> dict[str, InputCounts]:
        """Return the counts of every topic the node has listened to."""
        with self._lock:
            return {topic: self._input_counts(one) for topic, one in self._inputs.items()}

    def outputs(self) -> OutputCounts:
        """Return the counts of what was published."""
        with self._lock:
            waits = [value for period in self._outputs for value in period.latencies_s]
            found = None
            if waits:
                found = tuple(float(value) * 1e3 for value in (*np.percentile(waits, (50, 95)), max(waits)))
            return OutputCounts(self._published, self._rate(self._outputs), found)

    def notes(self) -> dict[str, str]:
        """Return the values noted in the last PERIODS periods."""
        with self._lock:
            return {key: value for key, (value, noted_s) in self._notes.items() if noted_s >= self._ends[0]}

    def errors(self) -> tuple[int, str, float]:
        """Return how many errors nobody expected, the last one, and the seconds since then."""
        with self._lock:
            return self._errors, self._error, self._clock() - self._error_s

    def _count(self, topic: str, what: str, count: int, problem: str) -> None:
        with self._lock:
            one = self._inputs.get(topic)
            if one is None:
                return
            setattr(one, what, getattr(one, what) + count)
            setattr(one.periods.now, what, getattr(one.periods.now, what) + count)
            one.periods.now.problem = problem or one.periods.now.problem

    def _input_counts(self, one: _Input) -> InputCounts:
        return InputCounts(
            listening=one.listening,
            received=one.received,
            left_out=one.left_out,
            skipped=one.skipped,
            recently_left_out=one.periods.total("left_out"),
            recently_skipped=one.periods.total("skipped"),
            rate=self._rate(one.periods),
            silent_s=self._clock() - one.since_s,
            heard=one.heard,
            stamp_ns=one.stamp_ns,
            frame_id=one.frame_id,
            problem=next((period.problem for period in reversed([*one.periods]) if period.problem), ""),
        )

    def _rate(self, periods: _Periods) -> float:
        lasted_s = self._clock() - self._ends[0]
        return periods.total("count") / lasted_s if lasted_s > 0 else 0.0


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float | np.floating) else str(value)
