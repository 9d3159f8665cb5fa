"""The real nodes as processes, fed by a source and heard from outside: latency, processor time, memory."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from emotion_recognition.bench.processes import MeasuredProcess, busy_cores
from emotion_recognition.bench.source import CAMERA
from emotion_recognition.bench.summary import latencies_ms, percentiles
from emotion_recognition.parameters import PERCEPTION
from emotion_recognition.processes import own_domain

DEADLINE_S = 90.0
LOG_LINES = 10
MEMORY_EVERY_S = 5.0
_numbers = count(1)


@dataclass(frozen=True)
class Scenario:
    """One run.

    Attributes:
        composed: all nodes in one process, else five.
        rate: camera frames a second.
        seconds: how long is measured.
        warm_up_s: from the first decision on a face until then.
    """

    composed: bool
    rate: float = 30.0
    seconds: float = 30.0
    warm_up_s: float = 10.0


@dataclass
class _Heard:
    """What came: stamp, time of receipt and frame of each emotion; time of receipt and skipped frames of samples."""

    emotions: list[tuple[int, int, str]] = field(default_factory=list)
    samples: list[tuple[int, int]] = field(default_factory=list)


def node_command(name: str, namespace: str) -> list[str]:
    """Return the command of an installed node.

    Raises:
        RuntimeError: it is not installed.
    """
    from ament_index_python.packages import PackageNotFoundError, get_package_prefix

    from emotion_recognition.nodes.running import prepare_environment

    prepare_environment()
    try:
        executable = Path(get_package_prefix("emotion_recognition")) / "lib" / "emotion_recognition" / name
    except PackageNotFoundError:
        raise RuntimeError("emotion_recognition is not installed in this ROS environment: run `make setup`") from None
    if not executable.is_file():
        raise RuntimeError(f"{executable}: no such file; run `make setup`")
    return [str(executable), "--ros-args", "-r", f"__ns:={namespace}"]


def measure(scenario: Scenario) -> dict[str, Any]:
    """Run a scenario.

    Returns:
        ``latency_ms`` (camera's stamp to receipt of ``emotion``: p50, p95, p99, max, n), ``voice_latency_ms`` likewise
        from the stamp of a chunk's first sample, ``decisions_per_s`` by the camera, ``cpu_share`` of one core over all
        nodes and by process, ``rss_mib`` and ``pss_mib`` (sums, at the start and the end), ``rss_series_mib`` (every
        MEMORY_EVERY_S and at the end), ``sampled`` and ``skipped`` frames, ``source`` (what it achieved),
        ``others_share`` (cores that neither nodes nor source nor this process used) and ``log`` (the nodes' warnings).

    Raises:
        RuntimeError: a process ended or nothing came; its last lines are named.
    """
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from rclpy.signals import SignalHandlerOptions

    from emotion_recognition.msg import Emotion, FaceSamples
    from emotion_recognition.nodes.running import prepare_environment

    os.environ.update(own_domain())
    prepare_environment()
    namespace = f"/bench_{next(_numbers)}"
    heard = _Heard()
    context = rclpy.Context()
    rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node("bench_listener", context=context, namespace=namespace)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    processes: list[MeasuredProcess] = []

    def hear(message: Emotion) -> None:
        received = node.get_clock().now().nanoseconds
        heard.emotions.append((_stamp(message), received, message.header.frame_id))

    def hear_samples(message: FaceSamples) -> None:
        heard.samples.append((node.get_clock().now().nanoseconds, message.skipped))

    qos = QoSProfile(depth=200, reliability=ReliabilityPolicy.RELIABLE)
    node.create_subscription(Emotion, "emotion", hear, qos)
    node.create_subscription(FaceSamples, "face_samples", hear_samples, qos)

    def spin(until: Callable[[], bool], deadline_s: float, what: str = "") -> None:
        end = time.monotonic() + deadline_s
        while not until() and time.monotonic() < end:
            executor.spin_once(timeout_sec=0.05)
            _check(processes)
        if what and not until():
            raise RuntimeError(f"not within {deadline_s:.0f} s: {what}; {_tails(processes)}")

    try:
        names = ("composed",) if scenario.composed else PERCEPTION
        nodes = [MeasuredProcess(name, node_command(name, namespace)) for name in names]
        processes += nodes
        words = ["--rate", str(scenario.rate), "--namespace", namespace]
        source = MeasuredProcess("source", [sys.executable, "-m", "emotion_recognition.bench.source", *words])
        processes.append(source)
        spin(lambda: any(frame == CAMERA for *_, frame in heard.emotions), DEADLINE_S, "a decision on a face")
        spin(lambda: False, scenario.warm_up_s)
        _check_errors(nodes)
        before = _reading(nodes, source, node)
        end = time.monotonic() + scenario.seconds
        memory = [before.rss_mib]
        while (left := end - time.monotonic()) > 0:
            spin(lambda: False, min(left, MEMORY_EVERY_S))
            memory.append(sum(one.rss_mib() for one in nodes))
        after = _reading(nodes, source, node)
        code = source.end()
        if code:
            raise RuntimeError(f"the source ended with exit code {code}: {_tails([source])}")
        sent = json.loads(source.output().splitlines()[-1])
        return {
            "processes": len(nodes),
            "rate": scenario.rate,
            "seconds": scenario.seconds,
            **_figures(heard, sent, before, after),
            "rss_series_mib": memory,
            "log": _warnings(nodes),
        }
    finally:
        for process in reversed(processes):
            process.close()
        node.destroy_node()
        executor.shutdown()
        context.try_shutdown()


@dataclass(frozen=True)
class _Reading:
    """What the machine and the processes have used up to a time."""

    now_ns: int
    clock_s: float
    all_cpu_s: float
    own_cpu_s: float
    cpu_s: dict[str, float]
    rss_mib: float
    pss_mib: float


def _reading(nodes: list[MeasuredProcess], source: MeasuredProcess, node) -> _Reading:
    rss, pss = (sum(values) for values in zip(*((one.rss_mib(), one.pss_mib()) for one in nodes), strict=True))
    own = time.process_time() + source.cpu_s()
    busy, clock = busy_cores()
    now = node.get_clock().now().nanoseconds
    return _Reading(now, clock, busy, own, {one.name: one.cpu_s() for one in nodes}, rss, pss)


def _figures(heard: _Heard, sent: dict[str, Any], before: _Reading, after: _Reading) -> dict[str, Any]:
    seconds = after.clock_s - before.clock_s
    emotions = [(stamp, received) for stamp, received, _ in heard.emotions]
    images, chunks = set(sent["image_stamps_ns"]), set(sent["sound_stamps_ns"])
    span = before.now_ns, after.now_ns
    camera, voice = (latencies_ms(emotions, stamps, *span) for stamps in (images, chunks))
    if not camera:
        raise RuntimeError(f"no decision on a face within {seconds:.0f} s")
    cpu = {name: (after.cpu_s[name] - used) / seconds for name, used in before.cpu_s.items()}
    share = sum(cpu.values())
    others = (after.all_cpu_s - before.all_cpu_s - after.own_cpu_s + before.own_cpu_s) / seconds - share
    return {
        "latency_ms": percentiles(camera),
        "voice_latency_ms": percentiles(voice) if voice else None,
        "decisions_per_s": len(camera) / seconds,
        "cpu_share": share,
        "cpu_share_by_process": cpu,
        "rss_mib": {"start": before.rss_mib, "end": after.rss_mib},
        "pss_mib": {"start": before.pss_mib, "end": after.pss_mib},
        "sampled": sum(span[0] <= at < span[1] for at, _ in heard.samples),
        "skipped": sum(skipped for at, skipped in heard.samples if span[0] <= at < span[1]),
        "source": {
            "images_per_s": sum(span[0] <= stamp < span[1] for stamp in images) / seconds,
            "missed": sent["missed"],
            "late_p95_ms": sent["late_p95_ms"],
        },
        "others_share": max(0.0, others),
    }


def _stamp(message: Any) -> int:
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec


def _check(processes: list[MeasuredProcess]) -> None:
    ended = [one for one in processes if not one.is_running]
    if ended:
        raise RuntimeError(f"{', '.join(one.name for one in ended)} ended early; {_tails(ended)}")


def _check_errors(nodes: list[MeasuredProcess]) -> None:
    """Raise an error where a node cannot do its work: its costs would be missing in the sum."""
    errors = _lines(nodes, "[ERROR", "[FATAL")
    if errors:
        raise RuntimeError(f"a node does not work: {errors[0]}")


def _tails(processes: list[MeasuredProcess]) -> str:
    return "; ".join(f"{one.name}: {' / '.join(one.output().splitlines()[-3:]) or 'no output'}" for one in processes)


def _warnings(nodes: list[MeasuredProcess]) -> list[str]:
    return _lines(nodes, "[WARN", "[ERROR", "[FATAL")[:LOG_LINES]


def _lines(nodes: list[MeasuredProcess], *levels: str) -> list[str]:
    return [line for one in nodes for line in one.output().splitlines() if line.startswith(levels)]
