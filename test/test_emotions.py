import re
from pathlib import Path

import pytest

from emotion_recognition import emotions

MESSAGE = Path(__file__).parents[1] / "msg" / "Emotion.msg"


def test_ids_are_the_papers_order():
    assert [emotions.label_of(number) for number in range(9)] == [
        "unknown", "neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised",
    ]  # fmt: skip


def test_ids_are_those_of_the_message():
    text = MESSAGE.read_text()
    for number, label in emotions.LABELS.items():
        assert re.search(rf"^uint8 {label.upper()}={number}\b", text, re.MULTILINE), label
    assert re.search(r"^uint8 UNKNOWN=0\b", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("happy", 3),
        ("Happiness", 3),
        (" JOY ", 3),
        ("Anger", 5),
        ("fear", 6),
        ("disgusted", 7),
        ("surprise", 8),
        ("scared", 6),
        ("Afraid", 6),
        ("fright", 6),
        ("frightened", 6),
        ("joyful", 3),
        ("MAD", 5),
        ("unhappy", 4),
        ("sorrow", 4),
        ("surprising", 8),
        ("disgusting", 7),
        ("neutrality", 1),
        ("calmness", 2),
    ],
)
def test_names_and_synonyms_are_understood(name, number):
    assert emotions.class_id(name) == number


@pytest.mark.parametrize("name", ["", "unknown", "contempt", "anxious", "boredom", "3"])
def test_other_names_are_none(name):
    assert emotions.class_id(name) is None


def test_every_label_names_its_own_id():
    assert all(emotions.class_id(label) == number for number, label in emotions.LABELS.items())


@pytest.mark.parametrize("number", [-1, 9, 255])
def test_an_unknown_id_is_an_error(number):
    with pytest.raises(KeyError):
        emotions.label_of(number)
