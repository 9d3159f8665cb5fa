"""Processes of nodes keep to their cores and start no threads without need."""

import os
import sys

import pytest

pytest.importorskip("rclpy", reason="needs ROS")
if not sys.platform.startswith("linux"):
    pytest.skip("cores and threads are read from Linux's /proc", allow_module_level=True)

from pathlib import Path  # noqa: E402

from lifecycle_msgs.msg import State  # noqa: E402
from processes import ros_args  # noqa: E402

from emotion_recognition.engines.network import installed_engines  # noqa: E402
from emotion_recognition.nodes import THREAD_SETTINGS  # noqa: E402

ALLOWED = sorted(os.sched_getaffinity(0))


def threads(process) -> dict[int, str]:
    """Return the names of a process's threads by number."""
    tasks = Path(f"/proc/{process.pid}/task").iterdir()
    return {int(task.name): (task / "comm").read_text().strip() for task in tasks}


def unnamed(process) -> int:
    """Count the threads that have the name of the first: the middleware names those of its own."""
    found = threads(process)
    return sum(name == found[process.pid] for name in found.values())


def wait_active(bench, *names: str) -> None:
    for name in names:
        full = f"{bench.namespace}/{name}"
        bench.until(lambda full=full: bench.state(full) == State.PRIMARY_STATE_ACTIVE, f"{full} is active", 60.0)


def test_every_thread_of_a_node_runs_on_its_cores(bench, start):
    core = ALLOWED[-1]
    process = start("speech_classifier", *ros_args(bench.namespace, "-p", f"cpus:='{core}'"))
    wait_active(bench, "speech_classifier")
    found = {thread: os.sched_getaffinity(thread) for thread in threads(process)}
    assert len(found) > 5 and found == dict.fromkeys(found, {core})
    assert f"runs on cores {core}" in process.output()


def test_nodes_in_one_process_share_their_cores(bench, start, tmp_path):
    """All but one say which; the middleware's threads are there before the first is configured."""
    file = tmp_path / "parameters.yaml"
    nodes = ("face_detector", "mfcc_extractor", "visual_classifier", "fusion")
    file.write_text("".join(f'/**/{name}:\n  ros__parameters: {{cpus: "{ALLOWED[0]}"}}\n' for name in nodes))
    process = start("composed", *ros_args(bench.namespace, "--params-file", str(file)))
    wait_active(bench, *nodes, "speech_classifier")
    found = {thread: os.sched_getaffinity(thread) for thread in threads(process)}
    assert found == dict.fromkeys(found, {ALLOWED[0]})


def test_cores_that_cannot_be_had_keep_the_node_from_starting_with_what_there_is(bench, start, tmp_path):
    missing = start("fusion", *ros_args(bench.namespace, "-p", "cpus:='0,900'"))
    misspelt = start("fusion", *ros_args(bench.namespace, "-p", "cpus:=fast"))
    problem = "cannot configure: cpus is '0,900', but there is no core 900; this machine runs "
    bench.until(lambda: problem in missing.output(), "the node says why")
    assert bench.state(f"{bench.namespace}/fusion") == State.PRIMARY_STATE_UNCONFIGURED and missing.running
    assert misspelt.ended() == 2
    assert "parameter cpus is 'fast'; expected cores such as 4-5" in misspelt.output()


@pytest.mark.skipif(len(ALLOWED) < 2, reason="needs two cores")
def test_nodes_in_one_process_that_disagree_are_refused(bench, start, tmp_path):
    file = tmp_path / "parameters.yaml"
    file.write_text(
        f'/**/face_detector:\n  ros__parameters: {{cpus: "{ALLOWED[0]}"}}\n'
        f'/**/fusion:\n  ros__parameters: {{cpus: "{ALLOWED[1]}"}}\n'
    )
    process = start("composed", *ros_args(bench.namespace, "--params-file", str(file)))
    problem = f"cpus is '{ALLOWED[1]}', but this process is kept on cores {ALLOWED[0]} already"
    bench.until(lambda: problem in process.output(), "the second node says why")
    # The others work beside it.
    wait_active(bench, "face_detector")
    assert bench.state(f"{bench.namespace}/fusion") == State.PRIMARY_STATE_UNCONFIGURED and process.running


@pytest.mark.skipif(len(ALLOWED) < 2, reason="on one core no library starts a second thread")
def test_numpy_starts_no_threads_in_a_node_unless_the_user_says_so(bench, start, monkeypatch):
    for name in THREAD_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    ours = start("fusion", *ros_args(bench.namespace, "-r", "__node:=ours"))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    one = start("fusion", *ros_args(bench.namespace, "-r", "__node:=one"))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    two = start("fusion", *ros_args(bench.namespace, "-r", "__node:=two"))
    wait_active(bench, "ours", "one", "two")
    assert unnamed(ours) == unnamed(one) == unnamed(two) - 1


def test_engines_start_no_threads_with_one_thread_each(bench, start):
    """OpenVINO is left out: it starts two of its own that sleep."""
    engines = [engine for engine in installed_engines() if engine != "openvino"]
    started = {}
    for engine in engines:
        words = ("-r", f"__node:=with_{engine}", "-p", f"classifier_engine:={engine}")
        started[engine] = start("speech_classifier", *ros_args(bench.namespace, *words))
    wait_active(bench, *(f"with_{engine}" for engine in engines))
    assert {engine: unnamed(process) for engine, process in started.items()} == dict.fromkeys(
        engines, unnamed(started["onnxruntime"])
    )
