"""Several nodes in one process, each in a thread of its own."""

import threading

import pytest

rclpy = pytest.importorskip("rclpy", reason="needs ROS")

from rclpy.node import Node  # noqa: E402

from emotion_recognition.nodes import running  # noqa: E402
from emotion_recognition.nodes.running import EXIT_FAILED, EXIT_OK, Spinner, spin_nodes  # noqa: E402


class Ticking(Node):
    """Calls ``work`` with itself every 10 ms."""

    def __init__(self, name, context, work):
        super().__init__(name, context=context, use_global_arguments=False)
        self.create_timer(0.01, lambda: work(self))


@pytest.fixture
def spinner(monkeypatch, ros):
    from functools import partial

    monkeypatch.setattr(running, "SingleThreadedExecutor", partial(running.SingleThreadedExecutor, context=ros))
    made = Spinner()
    yield made
    made.stop()
    made.shutdown()


@pytest.fixture
def ticking(ros):
    """Function that makes a node that ticks."""
    nodes = []

    def make(work):
        nodes.append(Ticking(f"ticking_{len(nodes)}", ros, work))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()


def spin_until(spinner, condition):
    for _ in range(3000):
        spinner.spin_for(0.01)
        if condition():
            return
    raise AssertionError("not within 30 s")


def test_a_node_alone_is_spun_in_this_thread(spinner, ticking):
    threads = set()
    spinner.add(ticking(lambda node: threads.add(threading.current_thread())))
    spin_until(spinner, lambda: threads)
    assert threads == {threading.main_thread()}


def test_several_nodes_do_not_wait_for_each_other(spinner, ticking):
    release, ticks = threading.Event(), []
    spinner.add(ticking(lambda node: release.wait(30.0)))
    spinner.add(ticking(lambda node: ticks.append(threading.current_thread())))
    spin_until(spinner, lambda: len(ticks) >= 5)
    assert len(set(ticks)) == 1 and threading.main_thread() not in ticks
    release.set()
    spinner.stop()
    count = len(ticks)
    spinner.stop()
    assert len(ticks) == count


def test_what_a_callback_raises_is_not_lost(spinner, ticking):
    def fail(node):
        raise LookupError("of a callback")

    spinner.add(ticking(lambda node: None))
    spinner.add(ticking(fail))
    with pytest.raises(LookupError, match="of a callback"):
        spin_until(spinner, lambda: False)


class Idle(Node):
    """Does nothing."""

    def autostart(self, learn_s):
        return True


def test_spinning_ends_where_it_is_told_to(ros):
    """In the process's default context, as the executables do."""
    seen = []

    def until(nodes):
        seen.append([node.get_name() for node in nodes])
        return len(seen) == 3

    assert spin_nodes([lambda: Idle("one"), lambda: Idle("two")], [], until) == EXIT_OK
    assert seen == [["one", "two"]] * 3
    assert not rclpy.ok()


class Unable(Idle):
    """Cannot start."""

    tries_again = True

    def autostart(self, learn_s):
        return False


class Unwilling(Unable):
    """Nor tries it again."""

    tries_again = False


@pytest.mark.parametrize(
    ("kind", "strict", "expected"),
    [(Unable, False, EXIT_OK), (Unable, True, EXIT_FAILED), (Unwilling, False, EXIT_FAILED), (Idle, True, EXIT_OK)],
)
def test_a_process_ends_with_a_node_that_cannot_start_where_it_has_to(ros, kind, strict, expected):
    makers = [lambda: Idle("one"), lambda: kind("two")]
    assert spin_nodes(makers, [], lambda nodes: True, strict=strict) == expected


@pytest.mark.parametrize(("apart_s", "times"), [(0.0, 4), (3600.0, 1)])
def test_freed_memory_goes_back_when_all_have_started_and_from_time_to_time(ros, monkeypatch, apart_s, times):
    looks, given = [], []
    monkeypatch.setattr(running, "GIVE_BACK_S", apart_s)
    monkeypatch.setattr(running, "give_back_freed_memory", lambda: given.append(len(looks)))

    def until(nodes):
        looks.append(len(nodes))
        return len(looks) == 5

    assert spin_nodes([lambda: Idle("one"), lambda: Idle("two")], [], until) == EXIT_OK
    assert given == [1, 2, 3, 4][:times]
