"""A node's publishers."""

from typing import Any

from rclpy.lifecycle import LifecyclePublisher

from emotion_recognition.nodes.worker import may_speak


class Output:
    """A lifecycle publisher that is silent towards a worker whose work is no longer wanted.

    Attributes:
        publisher: says nothing while the node is not active.
    """

    def __init__(self, publisher: LifecyclePublisher):
        self.publisher = publisher

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
            if wanted:
                self.publisher.publish(message)
