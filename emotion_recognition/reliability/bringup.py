"""The real nodes in one process, each message to and from them counted, so that nothing is lost or left unseen.

What the nodes do is theirs; only the queues of their subscriptions are deeper. rclpy is imported when something is
made.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

QUEUED = 1000
# A node that has not worked off what it was sent within this time hangs.
PATIENCE_S = 60.0
JOIN_S, SETTLE_S = 60.0, 0.3
POLL_S = 0.0003


@dataclass
class Subscribed:
    """A subscription: who has it, its topic's full name, how many messages it has received, how many are due.

    The nodes take messages as bytes, so all that the middleware publishes arrives.
    """

    node: str
    topic: str
    subscription: Any
    received: int = 0
    due: int = 0


class Ledger:
    """What was published and what each subscription received.

    Args:
        root: namespace of all nodes; names are told without it.

    Attributes:
        published: messages by topic.
        reports: lines that the nodes' reporters were given, by node and kind; those held back in the log, too.
        unexpected: of these the texts of exceptions that were caught as unexpected, the first ones.
        changes: how often a subscription was made or dropped.
    """

    def __init__(self, root: str = ""):
        self.root = root
        self.published: Counter[str] = Counter()
        self.received: Counter[str] = Counter()
        self.reports: Counter[tuple[str, str]] = Counter()
        self.unexpected: list[str] = []
        self.changes = 0
        self._lock = threading.Lock()
        self._subscribed: list[Subscribed] = []
        # Messages under way; while one is received before it is noted as sent, another may hide in it.
        self._under_way = 0

    def name(self, full: str) -> str:
        """Return the name of a topic or node without the root."""
        return full.removeprefix(self.root)

    @property
    def unhandled(self) -> int:
        """How many exceptions nobody had thought of the nodes have caught."""
        return sum(count for (_, kind), count in self.reports.items() if kind.startswith("unexpected"))

    def add(self, subscribed: Subscribed) -> None:
        """Take a new subscription."""
        with self._lock:
            self._subscribed.append(subscribed)
            self.changes += 1

    def drop(self, subscription: Any) -> None:
        """Take that a subscription is no more."""
        with self._lock:
            self._subscribed = [one for one in self._subscribed if one.subscription is not subscription]
            self.changes += 1
            self._under_way = sum(one.due - one.received for one in self._subscribed)

    def sent(self, topic: str) -> None:
        """Take that a message was published."""
        with self._lock:
            self.published[topic] += 1
            for one in self._subscribed:
                if one.topic == topic:
                    one.due += 1
                    self._under_way += 1

    def took(self, subscribed: Subscribed) -> None:
        """Take that a message was received and worked on."""
        with self._lock:
            subscribed.received += 1
            # A node may have dropped the subscription meanwhile.
            self._under_way -= any(one is subscribed for one in self._subscribed)
            self.received[subscribed.topic] += 1

    def reported(self, node: str, kind: str, text: str) -> None:
        """Take that a node's reporter was given a line."""
        with self._lock:
            self.reports[node, kind] += 1
            if kind.startswith("unexpected") and len(self.unexpected) < 20:
                self.unexpected.append(f"{node}: {text}")

    @property
    def is_settled(self) -> bool:
        """Whether no message is under way."""
        return not self._under_way and not self.owed()

    def owed(self) -> dict[str, int]:
        """Return how many messages are still under way, by node and topic."""
        with self._lock:
            return {f"{one.node} {one.topic}": n for one in self._subscribed if (n := one.due - one.received)}

    def forgive(self) -> None:
        """Begin anew: what is under way is not waited for."""
        with self._lock:
            for one in self._subscribed:
                one.due = one.received
            self._under_way = 0

    def counts(self) -> dict[str, int]:
        """Return how many subscriptions each topic has here."""
        with self._lock:
            return Counter(one.topic for one in self._subscribed)


def counted(make: type, ledger: Ledger) -> type:
    """Return a class of nodes that tells a ledger of every message it publishes or receives."""
    from rclpy.qos import HistoryPolicy, QoSProfile

    class Counted(make):
        def __init__(self, *args: Any, **kwargs: Any):
            super().__init__(*args, **kwargs)
            reporter = getattr(self, "reporter", None)
            if reporter is not None:
                passed = reporter.report

                def report(kind: str, text: str) -> bool:
                    ledger.reported(ledger.name(self.get_fully_qualified_name()), kind, text)
                    return passed(kind, text)

                reporter.report = report

        def create_subscription(self, msg_type: type, topic: str, callback: Callable, qos_profile: Any, *rest, **more):
            given = qos_profile if isinstance(qos_profile, QoSProfile) else QoSProfile(depth=1)
            # In one process best effort loses nothing either, as long as there is room.
            qos = QoSProfile(
                depth=QUEUED,
                history=HistoryPolicy.KEEP_LAST,
                reliability=given.reliability,
                durability=given.durability,
            )
            subscription = super().create_subscription(msg_type, topic, callback, qos, *rest, **more)
            one = Subscribed(
                ledger.name(self.get_fully_qualified_name()),
                ledger.name(subscription.topic_name),
                subscription,
            )
            # The outermost callback: also what the node does not hand on is received.
            taken = subscription.callback

            def received(message: Any) -> None:
                try:
                    taken(message)
                finally:
                    ledger.took(one)

            subscription.callback = received
            ledger.add(one)
            return subscription

        def destroy_subscription(self, subscription: Any) -> bool:
            ledger.drop(subscription)
            return super().destroy_subscription(subscription)

        def create_lifecycle_publisher(self, *args: Any, **kwargs: Any):
            publisher = super().create_lifecycle_publisher(*args, **kwargs)
            return _counted_publisher(publisher, ledger)

        def create_publisher(self, *args: Any, **kwargs: Any):
            publisher = super().create_publisher(*args, **kwargs)
            return _counted_publisher(publisher, ledger)

    Counted.__name__ = make.__name__
    return Counted


def _counted_publisher(publisher: Any, ledger: Ledger) -> Any:
    publish, name = publisher.publish, ledger.name(publisher.topic_name)

    def told(message: Any) -> None:
        # What the middleware refuses to publish is not sent.
        publish(message)
        if getattr(publisher, "is_activated", True):
            ledger.sent(name)

    publisher.publish = told
    return publisher


class Bringup:
    """Nodes with an executor and a thread each, as in the process ``composed``, and one more that runs the sensors.

    Args:
        domain: ROS_DOMAIN_ID.

    Attributes:
        root: namespace of all that is here; names given to the methods, and told, are without it.
        ledger: of everything.
        node: publishes and listens.
        nodes: the real ones, by full name.
    """

    def __init__(self, domain: int):
        import rclpy
        from rclpy.node import Node
        from rclpy.signals import SignalHandlerOptions

        from emotion_recognition.nodes.callback_groups import forget_destroyed
        from emotion_recognition.nodes.running import Spinner, prepare_environment

        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        prepare_environment(images=True)
        rclpy.init(args=[], domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
        # Whoever else has the same domain has another process id.
        self.root = f"/process_{os.getpid()}"
        self.ledger = Ledger(self.root)
        self.nodes: dict[str, Any] = {}
        self._spinner = Spinner()
        self.node = counted(Node, self.ledger)("sensors", use_global_arguments=False)
        forget_destroyed(self.node.default_callback_group)
        self._spinner.add(self.node)

    def add(self, make: type, namespace: str, parameters: Mapping[str, Any], remap: Sequence[str] = ()) -> Any:
        """Make a node; it starts by itself unless its parameter ``autostart`` says otherwise.

        Raises:
            RuntimeError: it does not start.
        """
        from rclpy.parameter import Parameter

        # The time, too, is this process's own.
        rules = [f"/clock:={self.root}/clock", *(rule.replace(":=/", f":={self.root}/") for rule in remap)]
        node = counted(make, self.ledger)(
            namespace=self.root + namespace,
            use_global_arguments=False,
            cli_args=["--ros-args", *(word for rule in rules for word in ("-r", rule))],
            parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()],
        )
        name = self.ledger.name(node.get_fully_qualified_name())
        self.nodes[name] = node
        self._spinner.add(node)
        if not node.autostart():
            raise RuntimeError(f"{name} does not start")
        return node

    def publisher(self, message_type: type, topic: str, latched: bool = False) -> Any:
        """Return a publisher of the sensors' node, reliable; ``publish`` takes a message or its bytes."""
        from rclpy.qos import DurabilityPolicy, QoSProfile

        durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        profile = QoSProfile(depth=QUEUED, durability=durability)
        return self.node.create_publisher(message_type, self.root + topic, profile)

    def listen(self, message_type: type, topic: str, callback: Callable[[Any], None], raw: bool = False) -> Any:
        """Call back with every message of a topic, or with its bytes; return the subscription."""
        return self.node.create_subscription(message_type, self.root + topic, callback, QUEUED, raw=raw)

    def spin(self, seconds: float) -> None:
        """Let the nodes work for a time; raises what ended one of their threads, which would have ended a process."""
        self._spinner.spin_for(seconds)

    def until(self, condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
        """Let the nodes work until a condition holds.

        Raises:
            TimeoutError: it does not within ``patience_s``; names ``what``.
        """
        end = time.monotonic() + patience_s
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"not within {patience_s:.0f} s: {what}; under way: {self.ledger.owed()}")
            self.spin(POLL_S)

    def join(self, publishers: Sequence[Any] = ()) -> None:
        """Wait until all that is published here reaches all that listen here, and nothing is under way.

        To be called when nodes have made or dropped subscriptions.
        """
        ends = [*publishers, *self.node.publishers]
        ends += [publisher for node in self.nodes.values() for publisher in node.publishers]
        counts: dict[str, int] = {}

        def joined() -> bool:
            counts.update(self.ledger.counts())
            return all(
                publisher.get_subscription_count() >= counts.get(self.ledger.name(publisher.topic_name), 0)
                for publisher in ends
            )

        self.until(joined, "publishers and subscriptions find each other", JOIN_S)
        # What its publisher keeps for those who come late comes after the ends have found each other.
        seen, since = -1, time.monotonic()
        while time.monotonic() < since + SETTLE_S:
            self.spin(POLL_S)
            if seen != (seen := sum(self.ledger.received.values())):
                since = time.monotonic()
        self.ledger.forgive()

    def work_off(self, patience_s: float = PATIENCE_S) -> None:
        """Wait until every message has been received and worked on, and what came of it, too.

        Raises:
            TimeoutError: something hangs.
        """
        self.until(self.is_quiet, "all messages are worked off", patience_s)

    def is_quiet(self) -> bool:
        """Whether no message is under way or worked on."""
        if not self.ledger.is_settled:
            return False
        # A worker is asked before the ledger: what it publishes is in there when it is idle.
        workers = (worker for node in self.nodes.values() if (worker := node.worker) is not None)
        return all(worker.is_idle for worker in workers) and self.ledger.is_settled

    def unlisten(self, subscription: Any) -> None:
        """End what :meth:`listen` began."""
        self.node.destroy_subscription(subscription)

    def close(self) -> None:
        """Take everything down."""
        import rclpy

        self._spinner.stop()
        for node in (*self.nodes.values(), self.node):
            node.destroy_node()
        self._spinner.shutdown()
        rclpy.try_shutdown()
