"""Results of evaluations made by hand, for tests of the page and the comparison."""

import io
from dataclasses import replace

import numpy as np

from emotion_recognition import emotions
from emotion_recognition.bags.results import BagResult, Decision, Interval, with_truth

TABLES = {"face": tuple(number for number in emotions.CLASS_IDS if number != emotions.CALM)}


def made_decision(time_s, class_id, confidence=0.8, stream="fused", person="face_1", status="BOTH", **fields):
    """Return a decision; the other classes of its table share what its confidence leaves."""
    ids = TABLES.get(stream, emotions.CLASS_IDS)
    top = class_id or ids[0]
    rest = (1 - confidence) / (len(ids) - 1)
    return Decision(
        time_s, stream, person, status, fields.pop("reasons", 0), class_id, confidence, ids,
        tuple(confidence if number == top else rest for number in ids),
        fields.pop("face_box", (10.0, 20.0, 80.0, 90.0)), time_s - 3, time_s, **fields,
    )  # fmt: skip


def made_result(name="walk", seed=0, duration_s=40.0, wrong=0.2, **fields):
    """Return a bag's result: happy, then angry, some stretches without label, all streams each half second.

    Args:
        wrong: share of the decisions that name another class than the label.
        fields: of BagResult, instead of those made.
    """
    rng = np.random.default_rng(seed)
    half = duration_s / 2
    labels = (
        Interval(0.0, half - 2, "", emotions.HAPPY),
        Interval(half, duration_s - 3, "face_1", emotions.ANGRY),
    )
    decisions = []
    for time_s in np.arange(0.5, duration_s, 0.5).tolist():
        for stream, status in (("face", "FACE_ONLY"), ("fused", "BOTH"), ("speech", "SPEECH_ONLY")):
            right = emotions.HAPPY if time_s < half - 1 else emotions.ANGRY
            said = int(rng.choice([number for number in TABLES.get(stream, emotions.CLASS_IDS) if number != right]))
            decisions.append(
                made_decision(
                    time_s, said if rng.random() < wrong else right, float(rng.uniform(0.4, 0.95)), stream,
                    "voice" if stream == "speech" else "face_1", status,
                )
            )  # fmt: skip
    made = BagResult(
        name, duration_s, "offline", with_truth(decisions, labels), labels,
        {"face": 0.95, "voice": 0.9, "decision": 0.975},
        models={"face": {"name": "resnet-fan", "weights": "f" * 64}, "speech": {"name": "resnet", "weights": "e" * 64}},
        parameters={"hop": 0.5, "fusion_method": "geometric"},
        timing={"wall_s": duration_s / 25, "versions": {"numpy": np.__version__}, "date": "2026-01-02T03:04:05+00:00"},
    )  # fmt: skip
    return replace(made, **fields)


def made_jpeg(colour=(200, 80, 40), size=32):
    """Return a JPEG file of one colour."""
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(out, "JPEG")
    return out.getvalue()
