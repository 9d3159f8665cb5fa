"""A node's diagnostics on ``/diagnostics``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_msgs.msg import Header

from emotion_recognition.diagnostics import Monitor, Status

if TYPE_CHECKING:
    from emotion_recognition.engines import ModelMetadata

TOPIC = "/diagnostics"
PERIOD_S = 1.0
PACKAGE = "emotion_recognition"


def status_message(status: Status) -> DiagnosticStatus:
    """Return a status as a message."""
    return DiagnosticStatus(
        level=bytes([status.level]),
        name=status.name,
        message=status.message,
        hardware_id=status.hardware_id,
        values=[KeyValue(key=key, value=value) for key, value in status.values],
    )


def model_facts(metadata: ModelMetadata, engine: str) -> dict[str, str]:
    """Return what a classifier's diagnostics say about its model."""
    return {"model": metadata.name, "weights sha256": metadata.weights_sha256, "engine": engine}


class Diagnoser:
    """Publishes a node's statuses once a second of steady time, whatever its state, while somebody listens.

    Args:
        node: publishes.
        monitor: its periods are ended here.
        statuses: returns what is to be published.
        guarded: returns a callback that raises nothing.
    """

    def __init__(
        self,
        node: Node,
        monitor: Monitor,
        statuses: Callable[[], Sequence[Status]],
        guarded: Callable[[Callable[[], None]], Callable[[], None]],
    ):
        self._node, self._monitor, self._statuses = node, monitor, statuses
        self._publisher: Any = node.create_publisher(DiagnosticArray, TOPIC, 10)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer: Any = node.create_timer(PERIOD_S, guarded(self._tell), clock=steady)

    def close(self) -> None:
        """Publish no more."""
        if self._publisher is not None:
            self._node.destroy_timer(self._timer)
            self._node.destroy_publisher(self._publisher)
            self._publisher = self._timer = None

    def _tell(self) -> None:
        self._monitor.close_period()
        if self._publisher.get_subscription_count():
            header = Header(stamp=self._node.get_clock().now().to_msg())
            found = [status_message(status) for status in self._statuses()]
            self._publisher.publish(DiagnosticArray(header=header, status=found))
