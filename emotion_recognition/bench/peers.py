"""This package beside what a user could pick from PyPI: the same frames and sound, in turns, one thread each.

Every program runs in a process of its own, the others' in an environment of their own. One that cannot be loaded or
fails is named with its reason.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from emotion_recognition.bench.decision import FULL_SCALE
from emotion_recognition.bench.material import Material
from emotion_recognition.bench.peer_programs import ENTRIES, RATE
from emotion_recognition.bench.summary import summarise
from emotion_recognition.bench.tables import TIMED, machine_lines, number, table, timed
from emotion_recognition.bench.timings import one_thread

FRAMES, CLIPS, CLIP_S = 30, 10, 3.0
MIB = 1 << 20
INPUTS = "inputs.npz"
# What makes a Python of the ROS wheels start itself anew with their libraries: not for another environment.
ROS_VARIABLES = ("_ROS_WHEELS_BOOTSTRAP_COMPLETE", "LD_LIBRARY_PATH", "PYTHONHOME")
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "TF_ENABLE_ONEDNN_OPTS": "1"}


class Peer:
    """A program in a process of its own.

    Args:
        name: key of ``peer_programs.ENTRIES``.
        python: interpreter of the others' environment; a program of this package runs in its own.
        folder: with the inputs; ``emotion_recognition`` is put there, so that the other environment finds this package
            and nothing that is installed beside it.
    """

    def __init__(self, name: str, python: str, folder: Path):
        self.name, self.entry = name, ENTRIES[name]
        inputs, alone = folder / INPUTS, folder / "emotion_recognition"
        environment = one_thread({key: value for key, value in os.environ.items() if key not in ROS_VARIABLES})
        if self.entry.is_own:
            python = sys.executable
        else:
            if not alone.is_symlink():
                alone.symlink_to(Path(__file__).resolve().parents[1])
            environment["PYTHONPATH"] = str(folder)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process runs)
        self._child = subprocess.Popen(
            [python, "-m", "emotion_recognition.bench.peer_process", name, str(inputs)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self._errors, text=True, env={**environment, **QUIET},
        )  # fmt: skip
        self.versions: dict[str, str] = {}
        self.left_out = ""
        self.times_ms: list[float] = []
        self.cpu_ms: list[float] = []
        self.said: list[str] = []
        self.rss_mib = 0.0

    def wait(self) -> None:
        """Wait until it is loaded, or has said why not."""
        answer = self._answer()
        self.versions = answer.get("ready", {})

    def ask(self, number: int) -> None:
        """Have it run one input."""
        if self.left_out:
            return
        try:
            self._child.stdin.write(f"{number}\n")
            self._child.stdin.flush()
        except OSError:
            pass  # it has ended; the answer's end says so
        answer = self._answer()
        if not self.left_out:
            self.times_ms.append(answer["ms"])
            self.cpu_ms.append(answer["cpu_ms"])
            self.said.append(answer["said"])

    def close(self) -> None:
        """Note its memory and end it."""
        if not self.left_out:
            self.rss_mib = psutil.Process(self._child.pid).memory_info().rss / MIB
        self._child.kill()
        self._child.communicate()
        self._errors.close()

    def to_json(self) -> dict[str, Any]:
        """Return what came of it: a summary, or why it was left out."""
        known = {"task": self.entry.task, "words": self.entry.words, "versions": self.versions}
        if self.left_out:
            return {**known, "left_out": self.left_out}
        said = {words: self.said.count(words) for words in dict.fromkeys(self.said)}
        return {**known, "ms": summarise(self.times_ms, self.cpu_ms).to_json(), "rss_mib": self.rss_mib, "said": said}

    def _answer(self) -> dict[str, Any]:
        line = self._child.stdout.readline()
        if not line:
            lines = os.pread(self._errors.fileno(), 1 << 20, 0).decode(errors="replace").strip().splitlines()
            self.left_out = f"its process ended: {lines[-1] if lines else 'it said nothing'}"
            return {}
        answer = json.loads(line)
        self.left_out = answer.get("left_out", "")
        return answer


def compare(material: Material, python: str, rounds: int, names: Sequence[str] = tuple(ENTRIES)) -> dict[str, Any]:
    """Return what each program took, in ms, by its name.

    Args:
        material: what is seen and heard.
        python: interpreter of the other packages' environment.
        rounds: times each program runs, in turns with the others; each time on another input.
        names: of the programs.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_inputs(material, Path(folder) / INPUTS)
        peers = []
        try:
            for name in names:
                peers.append(Peer(name, python, Path(folder)))
                peers[-1].wait()
            for number in range(rounds):
                for peer in peers:
                    peer.ask(number)
        finally:
            for peer in peers:
                peer.close()
        return {peer.name: peer.to_json() for peer in peers}


def write_inputs(material: Material, path: Path) -> None:
    """Write FRAMES frames spread over the recording and CLIPS pieces of its voice of CLIP_S seconds."""
    chosen = np.linspace(0, len(material.frames) - 1, FRAMES).round().astype(int)
    starts = np.linspace(0, len(material.sound), CLIPS, endpoint=False).astype(int)
    clips = np.stack([material.sound_at(start, round(CLIP_S * RATE)) for start in starts])
    np.savez(path, frames=material.frames[chosen], clips=clips.astype(np.float32) / FULL_SCALE)


def markdown(report: Mapping[str, Any]) -> str:
    """Return the report of a comparison as Markdown."""
    lines = [f"# Beside other packages, {report['date']}", "", *machine_lines(report), ""]
    peers = report["peers"]
    for task in dict.fromkeys(one["task"] for one in peers.values()):
        rows, missing = [], []
        for one in peers.values():
            if one["task"] != task:
                continue
            named = ", ".join(f"{name} {found}" for name, found in one["versions"].items())
            if "left_out" in one:
                missing.append(f"- {one['words']}: left out: {one['left_out']}")
                continue
            said = ", ".join(f"{words} ({times})" for words, times in one["said"].items())
            rows.append([one["words"], *timed(one["ms"]), number(one["rss_mib"]), said, named])
        header = ["", *TIMED, "RSS, MiB", "what came of it (times)", "with"]
        lines += [f"## {task[0].upper()}{task[1:]}", "", *table(header, rows), "", *missing, *[""] * bool(missing)]
    lines += [
        "The frames are 640x480 with one face, of the bundled recording; the face is a portrait, so what came of it "
        "says that a program ran, not how well it judges. Memory is that of its process, its libraries included.",
        "",
        f"Written by `{report['command']}`; one thread each, times on the clock, in turns.",
        "",
    ]
    return "\n".join(lines)
