"""What a subscriber of the topic ``emotion`` heard, as plain records, and their summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

NEITHER, FACE_ONLY, SPEECH_ONLY, BOTH = range(4)
STATUS_NAMES = {NEITHER: "neither", FACE_ONLY: "face", SPEECH_ONLY: "voice", BOTH: "both"}
REASON_NAMES = {
    1: "no face",
    2: "no voice",
    4: "camera stale",
    8: "microphone stale",
    16: "camera frozen",
    32: "microphone frozen",
    64: "disabled",
    128: "abstained",
    256: "voice of another",
    512: "model missing",
}


@dataclass(frozen=True)
class Heard:
    """One Emotion message as it was heard; times in nanoseconds, the other fields as in msg/Emotion.msg.

    ``received_ns`` is when it arrived, ``stamp_ns`` that of the newest sensor sample used, ``probabilities`` by label.
    """

    received_ns: int
    stamp_ns: int
    window_start_ns: int
    window_end_ns: int
    person_id: str
    status: int
    label: str
    confidence: float
    probabilities: dict[str, float]
    valence: float
    arousal: float
    reasons: int


def reason_names(reasons: int) -> list[str]:
    """Return the names of the reasons whose bits are set; an unassigned bit as ``reason <value>``."""
    bits = [1 << position for position in range(reasons.bit_length()) if reasons & 1 << position]
    return [REASON_NAMES.get(bit, f"reason {bit}") for bit in bits]


def counts(records: Sequence[Heard]) -> dict[str, int]:
    """Return how many records there are (``published``) and how many of each status, by its name."""
    found = Counter(record.status for record in records)
    return {"published": len(records), **{name: found[status] for status, name in STATUS_NAMES.items()}}


def summary(records: Sequence[Heard]) -> str:
    """Return the demonstration's last line, e.g. ``emotions published: 41, both: 18, face: 9, voice: 12``.

    N counts every message, those of status neither too.
    """
    found = counts(records)
    return (
        f"emotions published: {found['published']}, both: {found['both']}, face: {found['face']}, "
        f"voice: {found['voice']}"
    )
