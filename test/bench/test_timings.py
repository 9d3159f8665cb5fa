"""What is timed in a process of its own, with one thread, and what is said where that fails."""

import json
import os
import sys

import pytest

pytest.importorskip("av", reason="the recording is read with PyAV")

from emotion_recognition.bench import material, networks, scaling, stages, timings  # noqa: E402
from emotion_recognition.roofline.measuring import THREAD_VARIABLES  # noqa: E402


def python_that(tmp_path, monkeypatch, *lines):
    """Let a script stand for Python; it says which environment it got."""
    script = tmp_path / "python"
    script.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


def test_libraries_get_one_thread_and_find_the_package():
    found = timings.one_thread({"PYTHONPATH": "/mine", "HOME": "/home/me", "OMP_NUM_THREADS": "8"})
    assert all(found[name] == "1" for name in THREAD_VARIABLES) and found["OMP_NUM_THREADS"] == "1"
    first, last = found["PYTHONPATH"].split(os.pathsep)
    assert last == "/mine" and os.path.isfile(os.path.join(first, "emotion_recognition", "bench", "timings.py"))
    assert found["HOME"] == "/home/me" and "PYTHONPATH" in timings.one_thread({})


def test_each_process_says_in_its_last_line_what_it_measured(tmp_path, monkeypatch):
    python_that(
        tmp_path, monkeypatch, "echo noise", "test $4 = nodes && share=0.9 || share=0.7",
        'echo "{\\"$4\\": \\"$*\\", \\"timings_cpu_share\\": $share, \\"threads\\": $OMP_NUM_THREADS}"',
    )  # fmt: skip
    asked = "-m emotion_recognition.bench.timings 12.5"
    assert timings.measure(12.5) == {
        "nodes": f"{asked} nodes", "networks": f"{asked} networks", "timings_cpu_share": 0.7, "threads": 1,
    }  # fmt: skip


@pytest.mark.parametrize(("said", "named"), [("echo one >&2; echo two >&2", "two"), ("true", "it said nothing")])
def test_a_process_that_fails_is_named_with_its_last_words(tmp_path, monkeypatch, said, named):
    python_that(tmp_path, monkeypatch, said, "exit 3")
    with pytest.raises(RuntimeError, match=f"^the timings ended with exit code 3: {named}$"):
        timings.measure(1.0)


def test_a_process_that_does_not_end_is_ended(tmp_path, monkeypatch):
    python_that(tmp_path, monkeypatch, "exec sleep 60")
    monkeypatch.setattr(timings, "TIMEOUT_S", 0.2)
    with pytest.raises(RuntimeError, match="took longer than 0.2 s: is the machine busy"):
        timings.measure(1.0)


def test_the_time_is_shared_out_and_what_is_missing_is_left_out(monkeypatch):
    made, asked, kept = object(), {}, []

    def part(name, needs_material):
        def measured(*arguments):
            *first, share = arguments
            assert first == ([made] if needs_material else [])
            asked[name] = share
            return {"ms": name}

        return measured

    def missing(share):
        raise ImportError("ncnn is not installed")

    monkeypatch.setattr(material, "load_material", lambda: made)
    monkeypatch.setattr(timings, "keep_freed_memory", lambda: kept.append(len(asked)))
    monkeypatch.setattr(stages, "stages", part("stages", True))
    monkeypatch.setattr(networks, "paper_comparison", part("paper", True))
    monkeypatch.setattr(networks, "backbones", part("backbones", False))
    monkeypatch.setattr(networks, "engine_times", missing)
    monkeypatch.setattr(scaling, "face_numbers", part("faces", True))
    monkeypatch.setattr(scaling, "frame_sizes", part("frame_sizes", True))
    groups = {group: timings.measure_here(200.0, group) for group in ("networks", "nodes")}
    assert all(0 <= found.pop("timings_cpu_share") < 1.5 for found in groups.values())
    assert groups == {
        "networks": {"paper": {"ms": "paper"}, "backbones": {"ms": "backbones"},
                     "engines": {"left_out": "ncnn is not installed"}},
        "nodes": {name: {"ms": name} for name in ("stages", "faces", "frame_sizes")},
    }  # fmt: skip
    assert asked == pytest.approx({"stages": 60, "paper": 40, "backbones": 20, "faces": 24, "frame_sizes": 24})
    assert sum(share for group in timings.SHARES.values() for share in group.values()) == pytest.approx(1.0)
    assert kept == [2], "memory is kept as the nodes keep it where they are measured, nowhere else"
    json.dumps(groups)
