"""Synthetic records of a subscriber."""

from emotion_recognition.demo.records import BOTH, FACE_ONLY, NEITHER, SPEECH_ONLY, Heard
from emotion_recognition.emotions import LABELS

START_NS = 1_700_000_000_000_000_000


def heard(time_s, status=BOTH, label="happy", confidence=0.6, person="face_1", reasons=0, probabilities=None):
    """Return one record at a time in seconds after the start; the rest of the mass is spread evenly."""
    stamp = START_NS + round(time_s * 1e9)
    if probabilities is None:
        others = [name for name in LABELS.values() if name != label]
        rest = 1 / 8 if status == NEITHER else (1 - confidence) / len(others)
        probabilities = {name: rest for name in LABELS.values()}
        if status != NEITHER:
            probabilities[label] = confidence
    if status == NEITHER:
        label, confidence, person = "unknown", 0.0, ""
    window_start = stamp if status == NEITHER else max(START_NS, stamp - 3_000_000_000)
    return Heard(
        stamp + 30_000_000,
        stamp,
        window_start,
        stamp,
        person,
        status,
        label,
        confidence,
        probabilities,
        0.5,
        0.2,
        reasons,
    )


def story():
    """Return a run with every status: neither, face, both, voice."""
    records = [heard(t, NEITHER, reasons=3) for t in (0.0, 1.0)]
    records += [heard(1.6 + 0.2 * i, FACE_ONLY, "happy", 0.5 + 0.02 * i, reasons=2) for i in range(9)]
    records += [heard(3.4 + 0.2 * i, BOTH, "happy" if i < 8 else "sad", 0.4) for i in range(16)]
    records += [heard(6.6 + 0.5 * i, SPEECH_ONLY, "sad", 0.55, "voice", reasons=1) for i in range(6)]
    return records
