"""Which cores a value of ``cpus`` means, from made trees, and that a process then runs on them."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emotion_recognition.parameters import NODES, ParameterError, checked
from emotion_recognition.pinning import (
    PinningError,
    big_cores,
    chosen_cores,
    format_cores,
    online_cores,
    parse_cores,
)

CAPACITY, FREQUENCY = "cpu_capacity", "cpufreq/cpuinfo_max_freq"
# As Linux reports an RK3399: four Cortex-A53, two Cortex-A72.
RK3399 = {
    core: {CAPACITY: value, FREQUENCY: hertz}
    for core, (value, hertz) in enumerate([(485, 1512000)] * 4 + [(1024, 1992000)] * 2)
}


def tree(folder: Path, cores: dict[int, dict[str, object]], online: str | None = None) -> Path:
    """Make a folder laid out like /sys/devices/system/cpu."""
    (folder / "online").write_text(f"{format_cores(cores) if online is None else online}\n")
    for core, values in cores.items():
        for name, value in values.items():
            file = folder / f"cpu{core}" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{value}\n")
    return folder


@pytest.mark.parametrize(
    ("text", "cores"), [("4-5", {4, 5}), ("0,2", {0, 2}), (" 3 ", {3}), ("0-1, 4-5", {0, 1, 4, 5}), ("7,7", {7})]
)
def test_lists_of_cores_are_read(text, cores):
    assert parse_cores(text) == cores


@pytest.mark.parametrize("text", ["", "five", "4-", "-1", "5-4", "1,,2", "0x1", "1.5", "4:5", "٣", "1" * 6])
def test_what_is_no_list_of_cores_is_refused_with_what_is_expected(text):
    with pytest.raises(PinningError, match="expected cores such as 4-5"):
        parse_cores(text)


@given(st.sets(st.integers(0, 300), min_size=1))
def test_cores_are_written_as_they_are_read(cores):
    assert parse_cores(format_cores(cores)) == cores


def test_cores_are_written_shortly():
    assert format_cores([5, 0, 4, 7]) == "0,4-5,7"


def test_big_cores_by_capacity(tmp_path):
    assert big_cores(tree(tmp_path, RK3399)) == {4, 5}


def test_big_cores_by_frequency_where_the_kernel_tells_no_capacity(tmp_path):
    cores = {core: {FREQUENCY: values[FREQUENCY]} for core, values in RK3399.items()}
    assert big_cores(tree(tmp_path, cores)) == {4, 5}


def test_capacity_counts_before_frequency(tmp_path):
    # A little core may have the higher clock.
    cores = {0: {CAPACITY: 400, FREQUENCY: 2000000}, 1: {CAPACITY: 1024, FREQUENCY: 1800000}}
    assert big_cores(tree(tmp_path, cores)) == {1}


def test_capacity_of_some_cores_only_is_not_used(tmp_path):
    cores = {0: {FREQUENCY: 2000000}, 1: {CAPACITY: 1024, FREQUENCY: 1000000}}
    assert big_cores(tree(tmp_path, cores)) == {0}


def test_cores_of_one_kind_that_differ_a_little_are_all_big(tmp_path):
    assert big_cores(tree(tmp_path, {0: {CAPACITY: 1024}, 1: {CAPACITY: 980}, 2: {CAPACITY: 300}})) == {0, 1}


def test_all_cores_are_big_where_nothing_tells_them_apart(tmp_path):
    assert big_cores(tree(tmp_path, {0: {}, 1: {CAPACITY: "unknown"}})) == {0, 1}


def test_a_big_core_that_is_switched_off_is_not_chosen(tmp_path):
    assert chosen_cores("big", tree(tmp_path, RK3399, online="0-4")) == {4}


def test_cores_by_number(tmp_path):
    made = tree(tmp_path, RK3399)
    assert chosen_cores("4-5", made) == {4, 5}
    assert chosen_cores("", made) is None
    with pytest.raises(PinningError, match=r"cpus is '4-7', but there is no core 6-7; this machine runs 0-5"):
        chosen_cores("4-7", made)


def test_a_tree_without_cores_is_named(tmp_path):
    with pytest.raises(PinningError, match="online does not list this machine's cores"):
        chosen_cores("0", tmp_path)
    (tmp_path / "online").write_text("none\n")
    with pytest.raises(PinningError, match="online does not list this machine's cores"):
        online_cores(tmp_path)


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("value", ["", "big", "0", "4-5"])
def test_every_node_takes_cores(node, value):
    assert checked(node, {"cpus": value})["cpus"] == value


@pytest.mark.parametrize("value", ["fast", "4..5", "5-4"])
def test_a_wrong_list_is_a_wrong_parameter(value):
    with pytest.raises(ParameterError, match=f"parameter cpus is '{value}'; expected cores such as 4-5"):
        checked("fusion", {"cpus": value})


PIN = """
import os, sys, threading
from pathlib import Path
from emotion_recognition.pinning import PinningError, pin

def cores_of_threads():
    return {name: os.sched_getaffinity(int(name)) for name in os.listdir("/proc/self/task")}

stop, started = threading.Event(), threading.Event()
threading.Thread(target=lambda: (started.set(), stop.wait()), daemon=True).start()
started.wait()
core = min(os.sched_getaffinity(0))
assert pin("") is None and os.sched_getaffinity(0) == set(map(int, sys.argv[1].split(",")))
assert pin(str(core)) == {core}
threading.Thread(target=stop.wait, daemon=True).start()
assert len(cores_of_threads()) == 3 and set(map(frozenset, cores_of_threads().values())) == {frozenset({core})}
assert pin(str(core)) == {core} and pin("") is None
for text, tree in (("0-1", sys.argv[2]), ("big", sys.argv[2])):
    try:
        pin(text, Path(tree))
    except PinningError as error:
        print(error)
print(cores_of_threads() == dict.fromkeys(cores_of_threads(), {core}))
"""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system cannot keep a process on cores")
def test_a_process_and_all_its_threads_are_kept_on_its_cores(tmp_path):
    made = tree(tmp_path, {0: {CAPACITY: 512}, 1: {CAPACITY: 512}, 900: {CAPACITY: 1024}})
    given = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    done = subprocess.run(
        [sys.executable, "-c", PIN, given, str(made)], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    core = min(os.sched_getaffinity(0))
    first, second, kept = done.stdout.splitlines()
    assert first == (
        f"cpus is '0-1', but this process is kept on cores {core} already: give all nodes of one process the same cpus"
    )
    assert second.startswith("cpus is 'big', but this process is kept on")
    assert kept == "True"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system cannot keep a process on cores")
def test_cores_that_the_process_may_not_use_are_named(tmp_path, monkeypatch):
    """The tree has cores that this process cannot get; what was before stays."""
    from emotion_recognition import pinning

    before = os.sched_getaffinity(0)
    beyond = 900
    made = tree(tmp_path, {core: {} for core in (*before, beyond)})
    monkeypatch.setattr(pinning, "_pinned", None)
    with pytest.raises(PinningError, match=f"may only run on {format_cores(before)}"):
        pinning.pin(format_cores({*before, beyond}), made)
    with pytest.raises(PinningError, match="cpus is '900', but this process may not run there"):
        pinning.pin(str(beyond), made)
    assert os.sched_getaffinity(0) == before and threading.active_count() >= 1
    assert pinning._pinned is None
