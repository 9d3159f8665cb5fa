import pytest

pytest.importorskip("rich")

from heard import heard, story  # noqa: E402

from emotion_recognition.demo.records import BOTH, REASON_NAMES, counts, reason_names, summary  # noqa: E402


def test_summary_counts_every_status():
    assert summary(story()) == "emotions published: 33, both: 16, face: 9, voice: 6"
    assert counts(story()) == {"published": 33, "neither": 2, "face": 9, "voice": 6, "both": 16}
    assert summary([]) == "emotions published: 0, both: 0, face: 0, voice: 0"
    assert summary([heard(0, BOTH)]) == "emotions published: 1, both: 1, face: 0, voice: 0"


def test_reasons_are_named_bit_by_bit():
    assert reason_names(0) == []
    assert reason_names(1 | 8 | 128) == ["no face", "microphone stale", "abstained"]
    assert reason_names(1 << 20) == ["reason 1048576"]


def test_reasons_are_those_of_the_message():
    from pathlib import Path

    lines = (Path(__file__).parents[2] / "msg" / "Emotion.msg").read_text().splitlines()
    declared = dict(
        line.split()[1].removeprefix("REASON_").split("=") for line in lines if line.startswith("uint32 REASON_")
    )
    assert {int(bit): name.lower().replace("_", " ") for name, bit in declared.items()} == REASON_NAMES
