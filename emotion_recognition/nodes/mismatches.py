"""Peers whose quality of service does not fit, named once a topic however many they are."""

from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import qos_policy_name_from_kind

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
        # By side and full name of the topic.
        self._counts: dict[tuple[str, str], int] = {}
        self._pending: dict[tuple[str, str], tuple[str, str]] = {}
        self._timer: Any = None

    def count(self, name: str) -> int:
        """Return how many peers have been found that do not fit, given a topic's full name."""
        return sum(count for (_, topic), count in self._counts.items() if topic == name)

    def found(self, side: str, name: str, event: Any, fixed: str = "") -> None:
        """Take an incompatible-QoS event of rclpy.

        Args:
            side: SUBSCRIPTION or PUBLISHER, of this node.
            name: full name of the topic.
            event: has ``total_count``, of this endpoint, and ``last_policy_kind``.
            fixed: what a peer has to have, for a topic whose quality of service cannot be overridden.
        """
        key = side, name
        is_new = key not in self._counts
        self._counts[key] = event.total_count
        if not is_new:
            return
        policy = qos_policy_name_from_kind(event.last_policy_kind).lower()
        advice = f"expected {fixed}" if fixed else f"set qos_overrides.{name}.{side}.{policy}"
        self._pending[key] = _TEXTS[side].format(name=name, policy=policy), advice
        if self._timer is None:
            self._timer = self._node.create_timer(SETTLE_S, self._tell, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _tell(self) -> None:
        self._node.destroy_timer(self._timer)
        self._timer = None
        pending, self._pending = self._pending, {}
        for key, (what, advice) in pending.items():
            self._say(f"{what}: {self._counts[key]}; {advice}")
