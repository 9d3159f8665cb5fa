"""Every transition from every state, those that fail, and what is left of a node after each."""

import gc

import pytest

pytest.importorskip("rclpy", reason="needs ROS")

import messages as make  # noqa: E402
from emotion_recognition.msg import Emotion  # noqa: E402
from harness import stamps  # noqa: E402
from lifecycle_msgs.msg import State, Transition  # noqa: E402
from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions  # noqa: E402
from test_lifecycle import CASES, change, is_in  # noqa: E402

from emotion_recognition.nodes.fusion import FusionNode  # noqa: E402

UNCONFIGURED, INACTIVE, ACTIVE, FINALIZED = (
    getattr(State, f"PRIMARY_STATE_{name}") for name in ("UNCONFIGURED", "INACTIVE", "ACTIVE", "FINALIZED")
)
CONFIGURE, ACTIVATE, DEACTIVATE, CLEANUP = (
    getattr(Transition, f"TRANSITION_{name}") for name in ("CONFIGURE", "ACTIVATE", "DEACTIVATE", "CLEANUP")
)
SHUTDOWN = {
    state: getattr(Transition, f"TRANSITION_{name}_SHUTDOWN")
    for state, name in ((UNCONFIGURED, "UNCONFIGURED"), (INACTIVE, "INACTIVE"), (ACTIVE, "ACTIVE"))
}
# The lifecycle (https://design.ros2.org/articles/node_lifecycle.html): state, transition, state after it.
ALLOWED = {
    (UNCONFIGURED, CONFIGURE): INACTIVE,
    (INACTIVE, ACTIVATE): ACTIVE,
    (INACTIVE, CLEANUP): UNCONFIGURED,
    (ACTIVE, DEACTIVATE): INACTIVE,
    **{(state, transition): FINALIZED for state, transition in SHUTDOWN.items()},
}
WAY = {UNCONFIGURED: (), INACTIVE: (CONFIGURE,), ACTIVE: (CONFIGURE, ACTIVATE), FINALIZED: (SHUTDOWN[UNCONFIGURED],)}
TRANSITIONS = (CONFIGURE, ACTIVATE, DEACTIVATE, CLEANUP, *SHUTDOWN.values())
# What a node has in each state, besides what every lifecycle node has. Publications, subscriptions, services.
BARE = {"perception_state"}, {"perception_state"}, set()
LEFT = {
    UNCONFIGURED: BARE,
    INACTIVE: ({"perception_state", "emotion", "emotion/raw"}, {"perception_state"}, {"fusion/enable"}),
    ACTIVE: (
        {"perception_state", "emotion", "emotion/raw"},
        {"perception_state", "emotion/face", "emotion/speech"},
        {"fusion/enable"},
    ),
    FINALIZED: (set(), set(), set()),
}


class Failing(FusionNode):
    """Fails where and as it is told; ``failing`` is the name of a method, ``left`` how often it fails."""

    failing, error, left = "", RuntimeError("not today"), 0

    def _perhaps(self, method: str) -> None:
        if method == self.failing and self.left:
            self.left -= 1
            raise self.error

    def configure(self) -> None:
        super().configure()
        self._perhaps("configure")

    def activate(self) -> None:
        super().activate()
        self._perhaps("activate")

    def forget(self) -> None:
        super().forget()
        self._perhaps("forget")


def endpoints(node) -> tuple[set, set, set]:
    """Return the names within its namespace of what a node has in the graph, less what every lifecycle node has."""
    begin = node.get_namespace() + "/"
    own = (node.get_name(), node.get_namespace())
    found = (
        node.get_publisher_names_and_types_by_node(*own),
        node.get_subscriber_names_and_types_by_node(*own),
        node.get_service_names_and_types_by_node(*own),
    )
    common = f"{begin}{node.get_name()}/"
    keep = f"{common}enable"
    return tuple(
        {
            name.removeprefix(begin)
            for name, _ in names
            if name.startswith(begin) and (name == keep or common not in name)
        }
        for names in found
    )


def assert_left(bench, node, state: int) -> None:
    """Assert that a node is in a state, and has what it has there and nothing else."""
    assert is_in(bench, node, state)
    bench.until(lambda: endpoints(node) == LEFT[state], f"{LEFT[state]} of {endpoints(node)}")
    assert node.worker is None
    assert bool(node._clocks) is (state == ACTIVE) and bool(len(node._inputs)) is (state == ACTIVE)
    timers = {UNCONFIGURED: 1, INACTIVE: 1, ACTIVE: 3, FINALIZED: 0}[state]  # diagnostics; decisions, silent topics
    assert len([*node.timers]) == timers


def added(bench, kind=FusionNode, **parameters):
    return bench.add(kind, autostart=False, idle_period=60.0, silence_report=60.0, on_demand=False, **parameters)


def bring(bench, node, state: int):
    for transition in WAY[state]:
        assert change(bench, node, transition)
    assert_left(bench, node, state)


@pytest.mark.parametrize("state", WAY, ids=["unconfigured", "inactive", "active", "finalized"])
def test_every_transition_from_every_state(bench, state):
    """Those of the lifecycle are made; any other is refused and changes nothing."""
    for number, transition in enumerate(TRANSITIONS):
        node = bench.add(
            FusionNode, "-r", f"__ns:={bench.namespace}/n{number}", autostart=False, idle_period=60.0,
            silence_report=60.0, on_demand=False,
        )  # fmt: skip
        bring(bench, node, state)
        after = ALLOWED.get((state, transition))
        assert change(bench, node, transition) is (after is not None)
        assert_left(bench, node, state if after is None else after)
        assert not node.failure
        refused = [f"Unable to start transition {transition} from current state"] if after is None else []
        assert [line.partition(" (")[0] for line in bench.lines(node)] == refused
        bench.executor.remove_node(node)
        bench.nodes.remove(node)
        node.destroy_node()


def test_the_lifecycle_offers_these_transitions(bench):
    node = added(bench)
    request = GetAvailableTransitions.Request()
    answer = bench.call(GetAvailableTransitions, f"{node.get_fully_qualified_name()}/get_transition_graph", request)
    primary = {UNCONFIGURED, INACTIVE, ACTIVE, FINALIZED}
    found = {
        (one.start_state.id, one.transition.id)
        for one in answer.available_transitions
        if one.start_state.id in primary and one.transition.id in TRANSITIONS
    }
    assert found == set(ALLOWED)


def failing(bench, method: str, error: Exception, times: int, state: int):
    node = added(bench, Failing)
    bring(bench, node, state)
    node.failing, node.error, node.left = method, error, times
    return node


def test_a_failed_configuration_leaves_the_node_unconfigured(bench):
    node = failing(bench, "configure", OSError("no such file"), 1, UNCONFIGURED)
    assert not change(bench, node, CONFIGURE)
    assert_left(bench, node, UNCONFIGURED)
    assert bench.lines(node) == [node.failure] == ["cannot configure: no such file"]
    bring(bench, node, ACTIVE)
    assert not node.failure


def test_a_failed_activation_leaves_the_node_inactive(bench):
    node = failing(bench, "activate", ValueError("no such policy"), 1, INACTIVE)
    assert not change(bench, node, ACTIVATE)
    assert_left(bench, node, INACTIVE)
    assert bench.lines(node) == [node.failure] == ["cannot activate: no such policy"]
    assert change(bench, node, ACTIVATE)
    assert_left(bench, node, ACTIVE)
    works(bench)


# state, transition, method that fails, what the log says
UNEXPECTED = {
    "configure": (UNCONFIGURED, CONFIGURE, "configure", "cannot configure"),
    "activate": (INACTIVE, ACTIVATE, "activate", "cannot activate"),
    "deactivate": (ACTIVE, DEACTIVATE, "forget", "cannot deactivate"),
    "clean up": (INACTIVE, CLEANUP, "forget", "cannot clean up"),
    "shut down from inactive": (INACTIVE, SHUTDOWN[INACTIVE], "forget", "cannot shut down"),
    "shut down from active": (ACTIVE, SHUTDOWN[ACTIVE], "forget", "cannot shut down"),
}


def works(bench):
    """Assert that the node makes a decision of a good message."""
    heard = bench.listen(Emotion, "emotion")
    bench.publisher(Emotion, "emotion/face").publish(make.emotion(stamp := bench.now_ns()))
    bench.until(lambda: stamp in stamps(heard), "a decision")


@pytest.mark.parametrize("case", UNEXPECTED)
def test_an_unexpected_error_is_processed(bench, case):
    """The node drops everything, says why, and can be configured again."""
    state, transition, method, says = UNEXPECTED[case]
    node = failing(bench, method, KeyError("nobody knows"), 1, state)
    assert not change(bench, node, transition)
    assert is_in(bench, node, UNCONFIGURED)
    assert bench.lines(node) == [node.failure] == [f"{says}: unexpected KeyError: 'nobody knows'"]
    if "shut down" in case:
        # What a node that was shut down has no more, it has no more.
        assert endpoints(node) == LEFT[FINALIZED]
        return
    assert_left(bench, node, UNCONFIGURED)
    bring(bench, node, ACTIVE)
    works(bench)


@pytest.mark.parametrize("state", [INACTIVE, ACTIVE], ids=["inactive", "active"])
def test_an_error_that_cannot_be_processed_finalizes_the_node(bench, state):
    node = failing(bench, "forget", KeyError("again"), 2, state)
    assert not change(bench, node, DEACTIVATE if state == ACTIVE else CLEANUP)
    assert is_in(bench, node, FINALIZED)
    assert endpoints(node)[0] <= {"perception_state"} and not endpoints(node)[2]
    assert not node._inputs and not node._outputs and node.worker is None
    assert bench.lines(node)[-1] == node.failure == "cannot recover: unexpected KeyError: 'again'"


def test_a_node_that_cannot_forget_ends_anyway(bench):
    node = failing(bench, "forget", KeyError("never"), 99, ACTIVE)
    bench.executor.remove_node(node)
    bench.nodes.remove(node)
    name = f"{bench.namespace}/emotion"
    bench.until(lambda: bench.node.count_publishers(name) == 1, "the node publishes")
    node.destroy_node()
    bench.until(lambda: bench.node.count_publishers(name) == 0, "it publishes no more")


def test_autostart_reports_a_failure(bench):
    node = bench.add(Failing, started=False)
    node.failing, node.left = "activate", 1
    assert not node.autostart()
    assert is_in(bench, node, INACTIVE) and bench.lines(node) == ["cannot activate: not today"]
    assert change(bench, node, ACTIVATE)


@pytest.mark.parametrize("case", CASES)
def test_cleanup_leaves_nothing_of_the_models(bench, model, case):
    """Nor do further rounds: threads, timers and endpoints are as before."""
    import threading

    kind, parameters, models, *_ = CASES[case]
    node = bench.add(kind, autostart=False, **{**parameters, **model(*models), "silence_report": 60.0})
    seen = set()
    for _ in range(3):
        for transition in (CONFIGURE, ACTIVATE, DEACTIVATE, CLEANUP):
            assert change(bench, node, transition)
        gc.collect()
        seen.add(
            (
                threading.active_count(), len([*node.timers]), len([*node.subscriptions]), len([*node.publishers]),
                len([*node.services]), len(node._managed_entities),
            )
        )  # fmt: skip
    assert len(seen) == 1, seen
    assert node.worker is None and not node.about


def test_requests_by_label_are_made_or_refused(bench):
    node = added(bench)

    def asked(label: str) -> bool:
        request = ChangeState.Request(transition=Transition(label=label))
        return bench.call(ChangeState, f"{node.get_fully_qualified_name()}/change_state", request).success

    assert asked("configure") and is_in(bench, node, INACTIVE)
    assert not asked("no such thing") and is_in(bench, node, INACTIVE)
    assert asked("activate") and asked("shutdown")
    assert_left(bench, node, FINALIZED)
