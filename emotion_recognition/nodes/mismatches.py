"""Peers whose quality of service does not fit: named once a topic however many they are, counted while they last."""

from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSCompatibility, qos_check_compatible, qos_policy_name_from_kind
from rclpy.topic_endpoint_info import TopicEndpointInfo

# Peers are found one by one: those found within this time of the first are counted in the line about them.
SETTLE_S = 1.0
SUBSCRIPTION, PUBLISHER = "subscription", "publisher"
_TEXTS = {
    SUBSCRIPTION: "publishers of {name} whose quality of service this subscription does not take ({policy})",
    PUBLISHER: "subscriptions to {name} whose quality of service this publisher does not offer ({policy})",
}


class Mismatches:
    """Counts the peers that one node's endpoints do not fit, and names each topic once as long as the node lives.

    Args:
        node: has the endpoints.
        say: takes the line about a topic.
    """

    def __init__(self, node: Node, say: Callable[[str], object]):
        self._node, self._say = node, say
        # By side and full name of the topic: found up to now, those included that have gone.
        self._found: dict[tuple[str, str], int] = {}
        self._pending: dict[tuple[str, str], tuple[str, str]] = {}
        self._timer: Any = None

    def count(self, name: str) -> int:
        """Return how many peers do not fit now, given a topic's full name."""
        # An event tells of a peer that comes, none of one that goes. Without an event the graph is not asked.
        return sum(self._count(side, topic) for side, topic in self._found if topic == name)

    def found(self, side: str, name: str, event: Any, fixed: str = "") -> None:
        """Take an incompatible-QoS event of rclpy.

        Args:
            side: SUBSCRIPTION or PUBLISHER, of this node.
            name: full name of the topic.
            event: has ``total_count``, of this endpoint, and ``last_policy_kind``.
            fixed: what a peer has to have, for a topic whose quality of service cannot be overridden.
        """
        key = side, name
        is_new = key not in self._found
        self._found[key] = event.total_count
        if not is_new:
            return
        policy = qos_policy_name_from_kind(event.last_policy_kind).lower()
        advice = f"expected {fixed}" if fixed else f"set qos_overrides.{name}.{side}.{policy}"
        self._pending[key] = _TEXTS[side].format(name=name, policy=policy), advice
        if self._timer is None:
            self._timer = self._node.create_timer(SETTLE_S, self._tell, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _count(self, side: str, name: str) -> int:
        """Return how many peers of this node's endpoints on one side of a topic fit none of them, by the graph.

        A peer that fits one of two subscriptions is heard; one of another type is none of theirs.
        """
        publishers = self._node.get_publishers_info_by_topic(name)
        subscriptions = self._node.get_subscriptions_info_by_topic(name)
        ends, peers = (publishers, subscriptions) if side == PUBLISHER else (subscriptions, publishers)
        own = [end for end in ends if self._is_own(end)]
        count = 0
        for peer in peers:
            fits = [_fit(side, end, peer) for end in own if end.topic_type == peer.topic_type]
            count += bool(fits) and not any(fits)
        return count

    def _is_own(self, endpoint: TopicEndpointInfo) -> bool:
        # By name, as rclpy knows neither an endpoint's identifier nor what the middleware has made of its profile.
        names = endpoint.node_name, endpoint.node_namespace
        return names == (self._node.get_name(), self._node.get_namespace())

    def _tell(self) -> None:
        self._node.destroy_timer(self._timer)
        self._timer = None
        pending, self._pending = self._pending, {}
        for key, (what, advice) in pending.items():
            self._say(f"{what}: {self._found[key]}; {advice}")


def _fit(side: str, own: TopicEndpointInfo, peer: TopicEndpointInfo) -> bool:
    publisher, subscription = (own, peer) if side == PUBLISHER else (peer, own)
    compatibility, _ = qos_check_compatible(publisher.qos_profile, subscription.qos_profile)
    return compatibility != QoSCompatibility.ERROR
