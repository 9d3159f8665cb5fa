import io
import json
import sys
from dataclasses import replace

import numpy as np
from made_bench import MACHINE

from emotion_recognition.bench import peer_process, peers
from emotion_recognition.bench.material import Material
from emotion_recognition.bench.peer_programs import ENTRIES

SOUND = (1000 * np.sin(np.arange(48000) / 5)).astype(np.int16)
MATERIAL = Material(np.zeros((3, 48, 64, 3), np.uint8), 25.0, SOUND)


def serve(monkeypatch, tmp_path, make, questions):
    monkeypatch.setitem(ENTRIES, "librosa", replace(ENTRIES["librosa"], make=make, packages=("numpy", "no-such")))
    peers.write_inputs(MATERIAL, tmp_path / peers.INPUTS)
    answers = io.StringIO()
    code = peer_process.serve("librosa", str(tmp_path / peers.INPUTS), io.StringIO(questions), answers)
    return code, [json.loads(line) for line in answers.getvalue().splitlines()]


def test_a_program_is_given_the_input_asked_for(monkeypatch, tmp_path):
    seen = []

    def make():
        return lambda clip: f"{seen.append(clip)}" and f"{len(clip)} samples"

    code, answers = serve(monkeypatch, tmp_path, make, "3\n13\n1\n")
    assert code == 0 and answers[0] == {"ready": {"numpy": np.__version__}}
    assert [one["said"] for one in answers[1:]] == ["48000 samples"] * 3 and all(one["ms"] > 0 for one in answers[1:])
    assert np.array_equal(seen[1], seen[2]) and not np.array_equal(seen[1], seen[3])  # the first was to warm up
    assert seen[1].dtype == np.float32 and np.array_equal(seen[3], MATERIAL.sound_at(4800, 48000) / np.float32(32768))


def test_one_that_cannot_be_loaded_says_why(monkeypatch, tmp_path):
    def make():
        raise OSError("its library is missing")

    code, answers = serve(monkeypatch, tmp_path, make, "0\n")
    assert code == 1 and answers == [{"left_out": "OSError: its library is missing"}]


def test_programs_in_processes_beside_one_that_is_not_installed():
    found = peers.compare(MATERIAL, sys.executable, 3, ("own_mfcc", "own_detection", "facemood"))
    for name, said in (("own_mfcc", "40 x 94"), ("own_detection", "0 faces")):
        assert found[name]["ms"]["n"] == 3 and found[name]["said"] == {said: 3} and found[name]["rss_mib"] > 10
    assert found["facemood"]["left_out"] == "ModuleNotFoundError: No module named 'tensorflow'"
    text = peers.markdown({"date": "today", **MACHINE, "command": "it", "peers": found})
    assert "- facemood (looks for no face): left out: ModuleNotFoundError: No module named 'tensorflow'" in text
    assert "## 40 MFCCs of 3 s" in text and "40 x 94 (3)" in text and "numpy " in text


def test_one_that_ends_meanwhile_is_left_out_with_its_last_words(tmp_path, monkeypatch):
    peers.write_inputs(MATERIAL, tmp_path / peers.INPUTS)
    script = tmp_path / "python"
    script.write_text('#!/bin/sh\necho \'{"ready": {}}\'\nread line\necho "out of memory" >&2\n')
    script.chmod(0o755)
    peer = peers.Peer("fer", str(script), tmp_path)
    peer.wait()
    peer.ask(0)
    peer.ask(1)
    found = peer.to_json()
    peer.close()
    assert found["left_out"] == "its process ended: out of memory" and "ms" not in found
    assert (tmp_path / "emotion_recognition" / "bench" / "peers.py").is_file()
