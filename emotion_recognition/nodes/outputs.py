"""A node's publishers."""

import time
from typing import Any

from rclpy.lifecycle import LifecyclePublisher

from emotion_recognition.diagnostics import Monitor
from emotion_recognition.nodes.receipt import receipt_of_message
from emotion_recognition.nodes.worker import may_speak


class Output:
    """A lifecycle publisher that is silent towards a worker whose work is no longer wanted.

    Attributes:
        publisher: says nothing while the node is not active.

    Args:
        publisher: is wrapped.
        monitor: counts what is published.
    """

    def __init__(self, publisher: LifecyclePublisher, monitor: Monitor):
        self.publisher, self._monitor = publisher, monitor

    @property
    def topic_name(self) -> str:
        """Full name of the topic."""
        return self.publisher.topic_name

    def get_subscription_count(self) -> int:
        """Return how many listen."""
        return self.publisher.get_subscription_count()

    def publish(self, message: Any) -> None:
        """Publish, unless this is the thread of a worker that was dismissed."""
        with may_speak() as wanted:
            if wanted and self.publisher.is_activated:
                self.publisher.publish(message)
                receipt_s = receipt_of_message()
                self._monitor.publish(None if receipt_s is None else time.monotonic() - receipt_s)
