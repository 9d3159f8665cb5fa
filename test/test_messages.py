"""The messages agree with the plain data they carry, in Python and in C++."""

import subprocess
import sys
from pathlib import Path

import pytest

from emotion_recognition import emotions
from emotion_recognition.estimates import Modality, Reason, Status

messages = pytest.importorskip("emotion_recognition.msg", reason="needs the generated messages (make setup)")

PLANNER = r"""
#include <emotion_recognition/msg/emotion.hpp>
using emotion_recognition::msg::Emotion;
static_assert(Emotion::UNKNOWN == 0 && Emotion::NEUTRAL == 1 && Emotion::SURPRISED == 8, "class ids");
int main() {
  Emotion heard;
  if (heard.class_id != Emotion::UNKNOWN || heard.status != Emotion::STATUS_NEITHER) return 1;
  heard.status = Emotion::STATUS_BOTH;
  heard.class_ids = {Emotion::HAPPY, Emotion::SAD};
  heard.probabilities = {0.75f, 0.25f};
  return heard.probabilities.size() == heard.class_ids.size() ? 0 : 2;
}
"""


def test_class_ids_are_the_constants():
    for number, label in emotions.LABELS.items():
        assert getattr(messages.Emotion, label.upper()) == number
    assert messages.Emotion.UNKNOWN == emotions.UNKNOWN == 0


@pytest.mark.parametrize(("enumeration", "prefix"), [(Modality, "MODALITY"), (Status, "STATUS"), (Reason, "REASON")])
def test_enumerations_are_the_constants(enumeration, prefix):
    names = [name for name in dir(type(messages.Emotion)) + dir(messages.Emotion) if name.startswith(prefix + "_")]
    assert {name: getattr(messages.Emotion, name) for name in names} == {
        f"{prefix}_{member.name}": member.value for member in enumeration if member.value or enumeration is not Reason
    }


def test_a_fresh_message_says_nothing():
    fresh = messages.Emotion()
    assert (fresh.class_id, fresh.status, fresh.confidence) == (emotions.UNKNOWN, Status.NEITHER, 0.0)


def test_a_cpp_planner_compiles_and_reads_the_message(tmp_path):
    include = Path(sys.prefix) / "include"
    if not (include / "emotion_recognition").is_dir():
        pytest.skip("the C++ headers are not installed in this environment")
    source = tmp_path / "planner.cpp"
    source.write_text(PLANNER)
    folders = sorted(path for path in include.iterdir() if path.is_dir())
    command = ["g++", "-std=c++17", *(f"-I{folder}" for folder in [include, *folders]), str(source), "-o"]
    built = subprocess.run([*command, str(tmp_path / "planner")], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr[-2000:]
    assert subprocess.run([str(tmp_path / "planner")], check=False).returncode == 0
