"""A node's subscriptions, and the watch over those on which nothing comes."""

import time
from collections.abc import Callable
from copy import copy
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import QoSProfile

from emotion_recognition.diagnostics import Monitor, Status, input_status
from emotion_recognition.nodes.conversions import stamp_ns
from emotion_recognition.nodes.mismatches import SUBSCRIPTION, Mismatches
from emotion_recognition.nodes.qos import overridable
from emotion_recognition.nodes.receipt import handling
from emotion_recognition.nodes.reporting import Reporter
from emotion_recognition.sensors.cdr import read_header
from emotion_recognition.sensors.images import ImageError


class Inputs:
    """The subscriptions of one node; those that last outlive :meth:`rest`.

    Args:
        node: subscribes.
        reporter: takes what is said about silent topics.
        mismatches: takes the publishers that do not fit.
        monitor: counts messages.
        on_error: takes what a callback raises, which goes no further.
    """

    def __init__(
        self,
        node: Node,
        reporter: Reporter,
        mismatches: Mismatches,
        monitor: Monitor,
        on_error: Callable[[Exception], None],
    ):
        self._node, self._reporter, self._mismatches, self._on_error = node, reporter, mismatches, on_error
        self._monitor = monitor
        self._passing: list = []
        self._lasting: dict[tuple[str, str | None], Any] = {}
        self._heard: dict[str, tuple[Any, float]] = {}

    def __len__(self) -> int:
        """Return the number of subscriptions that end with :meth:`rest`."""
        return len(self._passing)

    def listen(
        self,
        message_type: type,
        topic: str,
        callback: Callable[[Any], None],
        qos: QoSProfile,
        *,
        watched: bool = True,
        entity_id: str | None = None,
        serialized: bool = False,
        lasting: bool = False,
    ) -> None:
        """Subscribe.

        Args:
            message_type, topic, callback, qos: of the subscription.
            watched: name the topic in the log where it stays silent, or a publisher of it does not fit.
            entity_id: tells subscriptions to one topic apart in the names of parameters.
            serialized: the callback gets the bytes of a message.
            lasting: subscribe until :meth:`stop`, for what is said once for all; a second time changes nothing.
        """
        if (topic, entity_id) in self._lasting:
            return

        def received(message: Any) -> None:
            now_s = time.monotonic()
            if watched:
                self._heard[topic] = (subscription, now_s)
            try:
                if watched:
                    self._monitor.receive(topic, *_stamp_of(message))
                with handling(now_s):
                    callback(message)
            except Exception as error:
                self._on_error(error)

        def incompatible(event: Any) -> None:
            if watched:
                self._mismatches.found(SUBSCRIPTION, subscription.topic_name, event)

        # rclpy writes the overrides into the profile it is given: a copy keeps them off the other topics.
        subscription = self._node.create_subscription(
            message_type,
            topic,
            received,
            copy(qos),
            event_callbacks=SubscriptionEventCallbacks(incompatible_qos=incompatible),
            qos_overriding_options=overridable(entity_id),
            raw=serialized,
        )
        if lasting:
            self._lasting[topic, entity_id] = subscription
        else:
            self._passing.append(subscription)
        if watched:
            self._heard[topic] = (subscription, time.monotonic())
            self._monitor.begin(topic)

    def rest(self) -> None:
        """End the subscriptions that do not last."""
        for subscription in self._passing:
            self._node.destroy_subscription(subscription)
        self._passing, self._heard = [], {}
        self._monitor.rest()

    def stop(self) -> None:
        """End all subscriptions."""
        for subscription in self._lasting.values():
            self._node.destroy_subscription(subscription)
        self._lasting = {}
        self.rest()

    def name_silent(self, least_s: float) -> None:
        """Name the watched topics on which nothing has come for ``least_s`` seconds."""
        for subscription, last in list(self._heard.values()):
            silent = time.monotonic() - last
            if silent < least_s:
                continue
            name = subscription.topic_name
            found = self._node.count_publishers(name)
            hint = "it has publishers but is silent"
            if found == 0:
                hint = "nobody publishes it: start the sensor or remap the topic"
            kind = _type_name(subscription.msg_type)
            text = f"no message on {name} ({kind}) for {silent:.0f} s, publishers: {found}: {hint}"
            self._reporter.report(f"silent {name}", text)

    def statuses(self, name: str, rest: str) -> list[Status]:
        """Return how the watched topics are doing.

        Args:
            name: of the node's status; a topic's name follows it.
            rest: why the node does not listen, where it does not.
        """
        found = []
        for topic, counts in self._monitor.inputs().items():
            full = self._node.resolve_topic_name(topic)
            found.append(
                input_status(
                    f"{name}: {topic}",
                    counts,
                    rest=rest,
                    now_ns=self._node.get_clock().now().nanoseconds,
                    stale_after_s=self._reporter.period_s,
                    publishers=self._node.count_publishers(full),
                    mismatches=self._mismatches.count(full),
                )
            )
        return found


def _stamp_of(message: Any) -> tuple[int | None, str]:
    """Return a message's stamp in nanoseconds, None where it has none, and its frame_id."""
    if isinstance(message, bytes):
        try:
            header = read_header(message)
        except ImageError:
            return None, ""
        return header.stamp_ns, header.frame_id
    header = getattr(message, "header", None)
    return (None, "") if header is None else (stamp_ns(header.stamp), header.frame_id)


def _type_name(message_type: type) -> str:
    return f"{message_type.__module__.split('.')[0]}/msg/{message_type.__name__}"
