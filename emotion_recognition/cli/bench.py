"""Commands ``bench`` and ``bench-peers``: what this package costs on this machine, by itself and beside others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from emotion_recognition.cli.output import EXIT_USAGE, fail, load, print_json, say

Folder = Annotated[Path, typer.Option(help="Folder of the reports.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as one JSON object, too.")]
COMMAND = "emotion-recognition bench"


def bench(
    output: Folder = Path("bench"),
    seconds: Annotated[float, typer.Option(min=1, help="About how long stages and networks are timed.")] = 120.0,
    live_seconds: Annotated[float, typer.Option(min=2, help="Time at 30 frames/s, one process and five.")] = 30.0,
    overload_seconds: Annotated[float, typer.Option(min=2, help="Time at 120 frames/s.")] = 60.0,
    nodes: Annotated[
        bool, typer.Option("--nodes/--no-nodes", help="Run the nodes as processes, too (needs ROS).")
    ] = True,
    json: AsJson = False,
) -> None:
    """Measure stages, a decision, and the nodes live; write a dated report and latest.json."""
    live, report, machine = (load(f"emotion_recognition.bench.{name}") for name in ("live", "report", "machine"))
    timings, tables = load("emotion_recognition.bench.timings"), load("emotion_recognition.bench.tables")
    measuring = load("emotion_recognition.roofline.measuring")
    load("av")
    if nodes:
        load("emotion_recognition.nodes.running")
    described = machine.describe()
    try:
        say("this core's peak")
        peak = measuring.measure().gflops
        say(f"stages, networks, faces and frame sizes: about {1.3 * seconds:.0f} s")
        found = timings.measure(seconds)
        peak = max(peak, measuring.measure().gflops)
    except RuntimeError as problem:
        fail(str(problem))
    scenarios = {
        "one_process": live.Scenario(composed=True, seconds=live_seconds),
        "five_processes": live.Scenario(composed=False, seconds=live_seconds),
        "overload": live.Scenario(composed=True, rate=120.0, seconds=overload_seconds),
    }
    runs = {}
    for name, scenario in scenarios.items():
        say(f"{tables.LIVE_WORDS[name]}, {scenario.rate:g} frames/s: {scenario.seconds:g} s and the start")
        runs[name] = _live(lambda scenario=scenario: live.measure(scenario)) if nodes else {"left_out": "--no-nodes"}
    made = report.compose(found, runs, peak, described, date.today())
    made["command"] = COMMAND
    _finish(made, tables.markdown(made), output, made["date"], report, json)
    for goal in made["goals"]:
        value = f"{tables.number(goal['value'])} {goal['unit']}".strip()
        say(f"{tables.REACHED[goal['reached']]:>12}  {goal['goal']}: {value} ({goal['bound']})")
    for doubt in made["doubts"]:
        say(f"note: {doubt}")
    failed = [name for name, run in runs.items() if nodes and "left_out" in run]
    if failed:
        fail(f"not measured: {', '.join(failed)}")


def _live(run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return run()
    except RuntimeError as problem:
        say(f"left out: {problem}")
        return {"left_out": str(problem)}


def _finish(made: dict, text: str, output: Path, stem: str, report, json: bool, latest: str = "latest.json") -> None:
    try:
        paths = report.write(made, text, output, stem, latest)
    except OSError as problem:
        fail(f"--output {output}: {problem}")
    if json:
        print_json(made)
    say(f"report: {', '.join(map(str, paths))}")


def bench_peers(
    python: Annotated[Path, typer.Option(help="Python of the other packages' environment.")],
    output: Folder = Path("bench"),
    rounds: Annotated[int, typer.Option(min=1, help="Times each program runs.")] = 60,
    json: AsJson = False,
) -> None:
    """Time fer, facemood, facenet-pytorch and librosa beside this package; write a report and peers-latest.json."""
    if not python.is_file():
        fail(f"--python {python}: no such file; `make bench-peers` makes the environment", EXIT_USAGE)
    material, peers, report, machine = (
        load(f"emotion_recognition.bench.{name}") for name in ("material", "peers", "report", "machine")
    )
    load("av")
    described = machine.describe()
    found = peers.compare(material.load_material(), str(python.absolute()), rounds)
    day = date.today().isoformat()
    made = {"date": day, **described, "command": "emotion-recognition bench-peers", "peers": found}
    _finish(made, peers.markdown(made), output, f"peers-{day}", report, json, "peers-latest.json")
    for one in found.values():
        said = f"left out: {one['left_out']}" if "left_out" in one else f"{one['ms']['median']:.3g} ms"
        say(f"{one['task']}: {one['words']}: {said}")
