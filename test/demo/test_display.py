import io

import pytest

pytest.importorskip("rich")

from heard import heard, story  # noqa: E402
from rich.console import Console  # noqa: E402

from emotion_recognition.demo.display import Display  # noqa: E402
from emotion_recognition.demo.records import BOTH, FACE_ONLY, NEITHER, SPEECH_ONLY  # noqa: E402


def lines_of(records):
    console = Console(file=io.StringIO(), force_terminal=False, width=200)
    with Display(console) as display:
        for record in records:
            display.update(record)
    return console.file.getvalue().splitlines()


def test_a_plain_line_tells_everything():
    first, second = lines_of([heard(0, NEITHER, reasons=3), heard(2.5, FACE_ONLY, "happy", 0.625, reasons=2)])
    assert first == "   0.0 s  -         neither  unknown    (no face, no voice)"
    assert second == "   2.5 s  face_1    face     happy      0.62  valence +0.50  arousal +0.20  (no voice)"


def test_plain_lines_come_once_a_second_or_on_change():
    steady = [heard(0.1 * i, BOTH, "happy") for i in range(31)]
    assert [line.split()[0] for line in lines_of(steady)] == ["0.0", "1.0", "2.0", "3.0"]
    changing = [heard(0.1 * i, BOTH, "happy" if i < 5 else "sad") for i in range(8)]
    assert [line.split()[4] for line in lines_of(changing)] == ["happy", "sad"]
    two = [heard(0.1 * i, BOTH, person=f"face_{i % 2}") for i in range(8)]
    assert [line.split()[2] for line in lines_of(two)] == ["face_0", "face_1"]


def test_names_are_not_read_as_markup():
    assert "[bold]x" in lines_of([heard(0, BOTH, person="[bold]x")])[0]


def terminal(records):
    console = Console(file=io.StringIO(), force_terminal=True, width=100, record=True)
    display = Display(console, "film.mp4")
    for record in records:
        display.update(record)
    console.print(display.render())
    return console.export_text()


def test_bars_on_a_terminal():
    text = terminal([heard(0, BOTH, "happy", 0.65, reasons=128)])
    rows = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert "film.mp4" in text
    assert "happy  65%   face_1, from face and voice   (abstained)" in text
    assert rows["happy"].count("█") == 26 and "65%" in rows["happy"]
    assert rows["sad"].count("█") == 2 and "5%" in rows["sad"]


def test_only_present_people_are_shown():
    text = terminal([heard(0, BOTH, person="face_1"), heard(0.1, FACE_ONLY, person="face_2")])
    assert "face_1" in text and "face_2" in text
    assert text.index("face_1") < text.index("face_2")
    text = terminal([heard(0, BOTH, person="face_1"), heard(2.2, SPEECH_ONLY, person="voice")])
    assert "face_1" not in text and "voice, from the voice" in text
    text = terminal([heard(0, BOTH), heard(0.5, NEITHER)])
    assert "face_1" not in text and "nobody, from nothing" in text and "█" not in text


def test_a_class_that_the_table_lacks_is_marked():
    probabilities = {"neutral": 0.25, "happy": 0.75}
    text = terminal([heard(0, FACE_ONLY, "happy", 0.75, probabilities=probabilities)])
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    assert rows["calm"] == ["calm", "–"] and rows["neutral"][-1] == "25%"


def test_the_live_display_draws_and_leaves_the_last_state():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with Display(console, "film.mp4") as display:
        for record in story():
            display.update(record)
    assert "voice, from the voice" in console.file.getvalue().split("film.mp4")[-1]
