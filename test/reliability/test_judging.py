"""The judge: a message as it should be passes, and every way to be wrong is told apart and counted."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.emotions import CLASS_IDS, LABELS
from emotion_recognition.estimates import Modality, Reason, Status
from emotion_recognition.reliability import Judge, contract_problems

SECOND = 1_000_000_000
NAN, INFINITY = float("nan"), float("inf")
NOW = 1_700_000_000 * SECOND
CAMERA, MICROPHONE = "camera", "microphone"


@dataclass(frozen=True)
class Stamp:
    """Twin of builtin_interfaces/Time."""

    sec: int
    nanosec: int

    @classmethod
    def of(cls, time_ns: int) -> "Stamp":
        return cls(*divmod(time_ns, SECOND))


@dataclass(frozen=True)
class Header:
    """Twin of std_msgs/Header."""

    stamp: Stamp
    frame_id: str


@dataclass(frozen=True)
class Message:
    """Twin of msg/Emotion.msg: a happy face and voice."""

    header: Header = Header(Stamp.of(NOW), CAMERA)
    window_start: Stamp = Stamp.of(NOW - 3 * SECOND)
    window_end: Stamp = Stamp.of(NOW)
    person_id: str = "face_1"
    modality: int = int(Modality.FUSED)
    status: int = int(Status.BOTH)
    reasons: int = 0
    class_id: int = 3
    label: str = "happy"
    confidence: float = 0.65
    class_ids: tuple = CLASS_IDS
    labels: tuple = tuple(LABELS.values())
    probabilities: tuple = (0.05, 0.05, 0.65, 0.05, 0.05, 0.05, 0.05, 0.05)
    valence: float = 0.5
    arousal: float = 0.3
    face_box: tuple = (1.0, 2.0, 30.0, 40.0)
    face_frames: int = 15
    voice_activity: float = 0.8
    face_weights: str = "f"
    speech_weights: str = "s"
    extra: tuple = field(default=())


def at(time_ns: int, frame_id: str = CAMERA, **changes) -> Message:
    """Return a message of a stamp with a window of three seconds before it."""
    stamp = Stamp.of(time_ns)
    times = {"window_start": Stamp.of(time_ns - 3 * SECOND), "window_end": stamp}
    return Message(header=Header(stamp, frame_id), **{**times, **changes})


def nothing(time_ns: int = NOW, **changes) -> Message:
    stamp = Stamp.of(time_ns)
    fields = {
        "header": Header(stamp, ""), "window_start": stamp, "window_end": stamp, "person_id": "", "status": 0,
        "reasons": int(Reason.CAMERA_STALE), "class_id": 0, "label": "unknown", "confidence": 0.0,
        "probabilities": (0.125,) * 8, "valence": 0.0, "arousal": 0.0, "face_box": (0.0,) * 4, "face_frames": 0,
        "voice_activity": 0.0, "face_weights": "", "speech_weights": "",
    }  # fmt: skip
    return Message(**{**fields, **changes})


FACE = Message(status=1, reasons=int(Reason.NO_VOICE), voice_activity=0.0, speech_weights="")
VOICE = Message(status=2, reasons=int(Reason.NO_FACE), face_box=(0.0,) * 4, face_frames=0, face_weights="")
ABSTAINED = Message(class_id=0, label="unknown", reasons=int(Reason.ABSTAINED))


@pytest.mark.parametrize("message", [Message(), FACE, VOICE, nothing(), ABSTAINED])
def test_a_message_as_it_should_be_has_no_problem(message):
    assert contract_problems(message) == []


def eight(*first: float) -> tuple:
    return (*first, *[(1 - sum(first)) / (8 - len(first))] * (8 - len(first)))


BROKEN = {
    "NaN": (Message(probabilities=(NAN,) * 8), "finite"),
    "infinity": (Message(probabilities=(INFINITY,) * 8), "finite"),
    "sum of 2": (Message(probabilities=(0.25,) * 8, class_id=1, label="neutral", confidence=0.25), "sum"),
    "below 0": (Message(probabilities=eight(-0.5), class_id=2, label="calm", confidence=1.5 / 7), "range"),
    "above 1": (Message(probabilities=eight(1.5)), "range class class"),
    "no table": (Message(class_ids=(), labels=(), probabilities=()), "table"),
    "a probability too few": (Message(probabilities=(0.5, 0.5)), "table"),
    "a class twice": (Message(class_ids=(1, 1, 2, 3, 4, 5, 6, 7)), "table"),
    "an unknown class": (Message(class_ids=tuple(range(2, 10))), "table"),
    "names of other classes": (Message(labels=("happy",) * 8), "table"),
    "another class than the most probable": (Message(class_id=4, label="sad"), "class"),
    "another label": (Message(label="sad"), "class"),
    "another confidence": (Message(confidence=0.6), "class"),
    "confidence of NaN": (Message(confidence=NAN), "range class"),
    "unknown without a reason": (Message(class_id=0, label="unknown"), "class"),
    "valence": (Message(valence=-1.1), "range"),
    "arousal of NaN": (Message(arousal=NAN), "range"),
    "voice activity": (Message(voice_activity=1.1), "range"),
    "box of infinity": (Message(face_box=(0.0, 0.0, INFINITY, 1.0)), "finite"),
    "window backwards": (Message(window_start=Stamp.of(NOW + 1)), "window"),
    "unknown status": (Message(status=9), "state"),
    "unknown modality": (Message(modality=0), "state"),
    "unassigned bit": (replace(FACE, reasons=2 | 1 << 20), "reasons"),
    "face without a word of the voice": (replace(FACE, reasons=0), "reasons"),
    "voice without a word of the face": (replace(VOICE, reasons=int(Reason.NO_VOICE)), "reasons"),
    "both with a reason": (Message(reasons=int(Reason.NO_FACE)), "reasons"),
    "nothing without a reason": (nothing(reasons=0), "reasons"),
    "nothing with a class": (nothing(class_id=3, label="happy"), "class"),
    "nothing with a confidence": (nothing(confidence=0.125), "class"),
    "nothing with a favourite": (nothing(probabilities=eight(0.2)), "class"),
    "face without weights": (replace(FACE, face_weights=""), "origin"),
    "face without a box": (replace(FACE, face_box=(0.0,) * 4), "origin"),
    "voice without voice": (replace(VOICE, voice_activity=0.0), "origin"),
    "voice with a face's weights": (replace(VOICE, face_weights="f"), "origin"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_named(case):
    message, kinds = BROKEN[case]
    assert [one.split(":")[0] for one in contract_problems(message)] == kinds.split()


def test_a_smoothed_message_may_hold_a_class_that_is_not_the_most_probable():
    held = Message(class_ids=(3, 4), labels=("happy", "sad"), probabilities=(0.375, 0.625), confidence=0.375)
    assert contract_problems(held, smoothed=True) == []
    assert [one.split(":")[0] for one in contract_problems(held)] == ["class", "class"]
    other = replace(held, class_id=1, label="neutral")
    for wrong in (replace(held, confidence=0.625), replace(held, label="sad"), other):
        assert contract_problems(wrong, smoothed=True)
    judge = Judge()
    assert not [one for one in judge.hear("emotion", held) if one.startswith("class")]
    assert [one for one in judge.hear("emotion/raw", held) if one.startswith("class")]


def test_origins_of_made_up_estimates_need_not_be_judged():
    assert contract_problems(replace(FACE, face_weights=""), origins=False) == []
    assert contract_problems(replace(FACE, face_weights="", reasons=0), origins=False)


@pytest.fixture
def judge():
    made = Judge(longest_window_s=4.0, stale_after_s=1.5, weights={"f", "s"})
    made.sent(CAMERA, NOW)
    return made


def test_a_decision_on_what_a_sensor_sent_is_good(judge):
    assert judge.hear("emotion", at(NOW), NOW + SECOND) == []
    assert judge.hear("emotion", nothing(NOW), NOW) == []
    assert (judge.emotions, judge.decisions, judge.bad_emotions) == (2, 1, 0)


LIES = {
    "of another time": (at(NOW - 1), "stamp"),
    "of another sensor": (at(NOW, MICROPHONE), "stamp"),
    "of too long a window": (at(NOW, window_start=Stamp.of(NOW - 5 * SECOND)), "window"),
    "of a window beside its stamp": (at(NOW, window_end=Stamp.of(NOW - SECOND)), "window"),
    "of other weights": (at(NOW, face_weights="x"), "weights"),
    "about nobody": (at(NOW, person_id=""), "person"),
    "nothing about somebody": (nothing(NOW, person_id="face_1"), "person"),
    "nothing with a window": (nothing(NOW, window_start=Stamp.of(NOW - 1)), "window"),
    "nothing long ago": (nothing(NOW - 2 * SECOND), "stamp"),
    "nothing of a frame nobody sent": (nothing(NOW - 1, modality=1, header=Header(Stamp.of(NOW - 1), CAMERA)), "stamp"),
}


@pytest.mark.parametrize("case", LIES)
def test_a_decision_that_cannot_be_is_counted(judge, case):
    message, kind = LIES[case]
    if case == "nothing of a frame nobody sent":
        message = replace(message, window_start=Stamp.of(NOW - 1), window_end=Stamp.of(NOW - 1))
    (problem,) = judge.hear("emotion", message, NOW)
    assert problem.startswith(f"{kind}:")
    assert judge.bad_emotions == 1 and dict(judge.problems) == {kind: 1} and len(judge.examples) == 1


def test_a_window_of_sound_stamped_with_its_end_may_end_before_its_stamp_by_so_much_and_no_more():
    judge = Judge(longest_window_s=6.0, ends_before_s=2.0, rising=False)
    judge.sent(CAMERA, NOW)
    start = Stamp.of(NOW - 5 * SECOND)
    assert judge.hear("emotion", at(NOW, window_start=start, window_end=Stamp.of(NOW - 2 * SECOND))) == []
    (problem,) = judge.hear("emotion", at(NOW, window_start=start, window_end=Stamp.of(NOW - 3 * SECOND)))
    assert problem.startswith("window:")


def test_an_old_feeling_is_not_a_new_one(judge):
    (problem,) = judge.hear("emotion", at(NOW), NOW + 2 * SECOND)
    assert problem == "old: 2.000 s, expected at most 1.5 s"


def test_stamps_of_a_person_rise_on_each_topic_until_time_begins_anew(judge):
    for topic in ("emotion", "emotion/raw"):
        assert judge.hear(topic, at(NOW), NOW) == []
    (problem,) = judge.hear("emotion", at(NOW), NOW)
    assert problem.startswith("order:")
    assert judge.hear("emotion", at(NOW, person_id="face_2"), NOW) == []
    judge.began_anew()
    assert judge.hear("emotion", at(NOW), NOW) == []


def test_while_switched_off_there_is_no_decision(judge):
    judge.switched_off = True
    assert judge.hear("emotion", nothing(NOW), NOW) == []
    (problem,) = judge.hear("emotion", at(NOW), NOW)
    assert problem.startswith("off:")


def test_what_is_kept_does_not_grow():
    judge = Judge(rising=False)
    for number in range(20_001):
        judge.sent(CAMERA, number)
        judge.hear("emotion", at(NOW), NOW)
    assert len(judge._sent) == 20_000 and len(judge.examples) == 20
    assert judge.bad_emotions == 20_001


@given(st.lists(st.floats(min_value=0, max_value=1), min_size=8, max_size=8).filter(lambda values: sum(values) > 0.1))
def test_any_distribution_passes_and_none_that_is_off(values):
    probabilities = tuple(value / sum(values) for value in values)
    best = max(range(8), key=probabilities.__getitem__)
    message = Message(
        probabilities=probabilities, class_id=best + 1, label=LABELS[best + 1], confidence=probabilities[best]
    )
    assert contract_problems(message) == []
    assert contract_problems(replace(message, probabilities=tuple(0.9 * value for value in probabilities)))
