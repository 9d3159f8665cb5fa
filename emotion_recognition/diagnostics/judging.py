"""Counts to statuses: the levels and their reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from emotion_recognition.diagnostics.counting import InputCounts, OutputCounts
from emotion_recognition.diagnostics.status import Level, Status
from emotion_recognition.stamps import SECOND_NS

# An error that nobody expected is shown so long after it.
ERROR_HOLD_S = 60.0


@dataclass(frozen=True)
class NodeFacts:
    """What holds of a node at a moment.

    Attributes:
        state: of its lifecycle: unconfigured, inactive, active or finalized.
        enabled: whether perception is switched on.
        demanded: whether somebody listens to it; None for a node that works anyway.
        working: whether it takes input.
        failure: of its last transition; empty where it was made.
        errors: how many errors nobody expected.
        error: the last of them.
        error_age_s: seconds since then.
        mismatches: listeners that its publishers do not fit, by topic.
        about: what it was configured with, such as model and engine.
        notes: values of the moment.
        memory_mib: resident memory of its process; None where that is not known.
    """

    state: str
    enabled: bool = True
    demanded: bool | None = None
    working: bool = False
    failure: str = ""
    errors: int = 0
    error: str = ""
    error_age_s: float = 0.0
    mismatches: Mapping[str, int] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    memory_mib: float | None = None

    @property
    def is_stuck(self) -> bool:
        """Whether the node should work whoever listens and does not."""
        return self.state == "active" and self.enabled and self.demanded is None and not self.working

    @property
    def rest(self) -> str:
        """Why the node does not work, empty where it does."""
        if self.working:
            return ""
        if not self.enabled:
            return "perception is switched off"
        if self.is_stuck:
            return "cannot begin to work"
        return "at rest: nobody listens" if self.state == "active" else self.state


def input_status(
    name: str,
    counts: InputCounts,
    *,
    rest: str = "",
    now_ns: int = 0,
    stale_after_s: float = 5.0,
    publishers: int = 0,
    mismatches: int = 0,
) -> Status:
    """Return how one input is doing.

    OK while the node does not listen to it, whatever the input does; STALE where nothing has come yet or for
    ``stale_after_s``; WARN where something is left out, skipped, frozen or otherwise wrong, or publishers do not fit.

    Args:
        name: of the status.
        counts: of the topic.
        rest: why the node does not listen, where it does not.
        now_ns: ROS time.
        stale_after_s: longest silence, seconds.
        publishers: how many there are.
        mismatches: publishers whose quality of service does not fit.
    """
    values = {"rate (Hz)": f"{counts.rate:.1f}"}
    if counts.heard:
        if counts.stamp_ns is not None:
            values["age (s)"] = f"{(now_ns - counts.stamp_ns) / SECOND_NS:.3f}"
        values["last message (s)"] = f"{counts.silent_s:.1f}"
    values |= {
        "received": str(counts.received),
        "left out": str(counts.left_out),
        "skipped": str(counts.skipped),
        "publishers": str(publishers),
        "qos mismatches": str(mismatches),
    }
    level, message = _judge_input(counts, rest, stale_after_s, publishers, mismatches)
    return Status(name, level, message, tuple(values.items()), counts.frame_id)


def _judge_input(
    counts: InputCounts, rest: str, stale_after_s: float, publishers: int, mismatches: int
) -> tuple[Level, str]:
    if not counts.listening:
        return Level.OK, rest or "not listened to"
    if not counts.heard:
        return Level.STALE, f"no message yet, publishers: {publishers}"
    if counts.silent_s >= stale_after_s:
        return Level.STALE, f"no message for {counts.silent_s:.0f} s, publishers: {publishers}"
    if counts.problem:
        return Level.WARN, counts.problem
    if counts.recently_left_out:
        return Level.WARN, f"{counts.recently_left_out} messages left out of late"
    if counts.recently_skipped:
        return Level.WARN, f"{counts.recently_skipped} messages skipped of late: the processor is too busy"
    if mismatches:
        return Level.WARN, f"{mismatches} publishers whose quality of service does not fit"
    return Level.OK, "receiving"


def node_status(name: str, facts: NodeFacts, outputs: OutputCounts) -> Status:
    """Return how a node is doing.

    ERROR where its last transition failed, for ERROR_HOLD_S after an error that nobody expected, and where it should
    work and cannot; WARN where listeners do not fit; else OK, with the reason where it is at rest.
    """
    values = {
        "state": facts.state,
        "perception": "on" if facts.enabled else "off",
        "demanded": "always" if facts.demanded is None else "yes" if facts.demanded else "no",
        **facts.about,
        "published": str(outputs.published),
        "publish rate (Hz)": f"{outputs.rate:.1f}",
    }
    if outputs.latencies_ms is not None:
        for what, value in zip(("p50", "p95", "max"), outputs.latencies_ms, strict=True):
            values[f"latency {what} (ms)"] = f"{value:.1f}"
    values |= {
        **facts.notes,
        "unexpected errors": str(facts.errors),
        "qos mismatches": str(sum(facts.mismatches.values())),
    }
    if facts.memory_mib is not None:
        values["resident memory (MiB)"] = f"{facts.memory_mib:.1f}"
    level, message = _judge_node(facts)
    return Status(name, level, message, tuple(values.items()))


def _judge_node(facts: NodeFacts) -> tuple[Level, str]:
    if facts.failure:
        return Level.ERROR, facts.failure
    if facts.errors and facts.error_age_s < ERROR_HOLD_S:
        return Level.ERROR, facts.error
    if facts.is_stuck:
        return Level.ERROR, f"{facts.rest}: {facts.error}" if facts.error else facts.rest
    unfit = [topic for topic, count in facts.mismatches.items() if count]
    if unfit:
        return Level.WARN, f"listeners whose quality of service does not fit: {', '.join(unfit)}"
    return Level.OK, facts.rest or "at work"
