import dataclasses
import re
from pathlib import Path

import pytest

from emotion_recognition.estimates import Estimate, Modality, Reason, Status

MESSAGE = Path(__file__).parents[1] / "msg" / "Emotion.msg"


def estimate(**fields):
    given = {
        "stamp_ns": 10, "frame_id": "camera", "window_start_ns": 5, "window_end_ns": 10, "person_id": "face_1",
        "modality": Modality.FACE, "status": Status.FACE_ONLY, "reasons": Reason.NO_VOICE, "class_id": 3,
        "confidence": 0.75, "class_ids": (1, 3), "probabilities": (0.25, 0.75),
    }  # fmt: skip
    return Estimate(**{**given, **fields})


def constants(prefix):
    """Return the message's constants of a prefix by name."""
    found = re.findall(rf"^uint\d+ {prefix}_(\w+)=(\d+)", MESSAGE.read_text(), re.MULTILINE)
    return {name: int(value) for name, value in found}


def test_constants_are_those_of_the_message():
    assert constants("MODALITY") == {item.name: item.value for item in Modality}
    assert constants("STATUS") == {item.name: item.value for item in Status}
    assert constants("REASON") == {item.name: item.value for item in Reason if item}


def test_fields_are_those_of_the_message():
    declared = re.findall(r"^[\w/]+(?:\[\d*\])? (\w+)\s*(?:#.*)?$", MESSAGE.read_text(), re.MULTILINE)
    names = {"header": {"stamp_ns", "frame_id"}, "window_start": {"window_start_ns"}, "window_end": {"window_end_ns"}}
    expected = set().union(*(names.get(name, {name}) for name in declared)) - {"label", "labels"}
    assert len(declared) > 20
    assert {field.name for field in dataclasses.fields(Estimate)} == expected


def test_labels_follow_from_the_ids():
    assert estimate().label == "happy"
    assert estimate().labels == ("neutral", "happy")
    assert estimate(class_id=0).label == "unknown"


def test_nothing_is_uniform_unknown_and_empty():
    found = Estimate.nothing(Modality.FUSED, Reason.NO_FACE | Reason.MICROPHONE_STALE, 77)
    assert (found.status, found.class_id, found.label, found.confidence) == (Status.NEITHER, 0, "unknown", 0.0)
    assert found.class_ids == (1, 2, 3, 4, 5, 6, 7, 8)
    assert found.probabilities == (0.125,) * 8
    assert (found.stamp_ns, found.window_start_ns, found.window_end_ns, found.frame_id) == (77, 77, 77, "")
    assert (found.valence, found.arousal, found.person_id, found.reasons) == (0.0, 0.0, "", Reason(1 | 8))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"class_ids": (), "probabilities": ()}, "class_ids"),
        ({"class_ids": (1, 1)}, "class_ids"),
        ({"class_ids": (0, 3)}, "class_ids"),
        ({"class_ids": (3, 9)}, "class_ids"),
        ({"probabilities": (1.0,)}, "1 probabilities for 2 classes"),
        ({"probabilities": (float("nan"), 1.0)}, "from 0 to 1"),
        ({"probabilities": (-0.5, 1.5)}, "from 0 to 1"),
        ({"probabilities": (0.5, 0.6)}, "sum to 1.1"),
        ({"class_id": 4}, "class_id 4 is not in the label table"),
        ({"confidence": 1.5}, "confidence 1.5, expected 0 to 1"),
        ({"valence": float("nan")}, "valence nan, expected -1 to 1"),
        ({"reasons": 1 << 20}, "reasons 1048576, expected bits of 1023 only"),
        ({"person_id": ""}, "person_id '' with status FACE_ONLY"),
        ({"status": Status.NEITHER, "reasons": Reason.NO_FACE}, "person_id 'face_1' with status NEITHER"),
        ({"status": Status.NEITHER, "person_id": "", "reasons": Reason.NONE}, "status NEITHER with reasons 0"),
        ({"status": Status.NEITHER, "person_id": "", "reasons": Reason.NO_VOICE}, "status NEITHER with reasons 2"),
        ({"arousal": -1.01}, "arousal -1.01, expected -1 to 1"),
        ({"voice_activity": 2.0}, "voice_activity 2.0"),
        ({"window_start_ns": 11}, "window ends at 10, before its start 11"),
    ],
)
def test_values_out_of_range_are_refused(fields, problem):
    with pytest.raises(ValueError, match=problem):
        estimate(**fields)


def test_probabilities_that_travelled_as_float32_are_accepted():
    import numpy as np

    values = np.random.default_rng(0).dirichlet(np.ones(8)).astype(np.float32)
    estimate(class_ids=tuple(range(1, 9)), probabilities=tuple(float(value) for value in values))
