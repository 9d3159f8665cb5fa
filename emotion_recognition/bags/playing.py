"""A bag's camera and microphone onto the topics of the nodes, with /clock, at any rate, from any time, again and again.

rclpy is imported when a player is made.
"""

import time
from collections.abc import Callable
from typing import Any

from emotion_recognition.bags.reading import Bag, BagMessage
from emotion_recognition.bags.recording import message_type
from emotion_recognition.bags.sources import Sources
from emotion_recognition.bags.writing import AUDIO, IMAGE
from emotion_recognition.stamps import SECOND_NS

# How often the time is told, and how long the executor is left to itself at most, in seconds.
CLOCK_S = 0.01
_QUEUED = 100
_SETTLE_S = 0.1


def sensor_topics(sources: Sources) -> dict[str, str]:
    """Return the nodes' topic for each of a bag's topics with camera or microphone, by its name in the bag."""
    own: dict[str, str] = {}
    image, audio, info = (sources.get(part) for part in ("image", "audio", "audio_info"))
    if image is not None:
        own[image.name] = "image" if image.type == IMAGE else "image/compressed"
    if audio is not None:
        own[audio.name] = "audio_stamped" if audio.type == AUDIO else "audio"
        if info is not None:
            own[info.name] = "audio_info"
    return own


class Player:
    """Publishes what a bag holds of camera and microphone as it was received, and its time on ``/clock``.

    Args:
        node: publishes; its namespace is that of the nodes.
        bag: an open bag with messages.
        sources: its topics.
        spin: called with a time in seconds to wait for at most; runs the executor of ``node``.
        rate: seconds of the bag in one second, above 0.
        clock: topic of the time.
        held: called before a message is published with its time and topic; while it returns True the time stands still.

    Attributes:
        topics: the nodes' topic for each of the bag's.
        now_ns: time of the bag.
        published: number of messages by the nodes' topics.
        newest_ns: time of the newest message by the nodes' topics.
    """

    def __init__(
        self,
        node: Any,
        bag: Bag,
        sources: Sources,
        spin: Callable[[float], None],
        rate: float = 1.0,
        clock: str = "/clock",
        held: Callable[[int, str], bool] | None = None,
    ):
        from rosgraph_msgs.msg import Clock

        if not rate > 0 or bag.start_ns is None:
            raise ValueError(f"rate {rate}, bag {bag.name}: expected a rate above 0 and a bag with messages")
        self.now_ns = bag.start_ns
        self.published: dict[str, int] = {}
        self.newest_ns: dict[str, int] = {}
        self._bag, self._spin, self._rate, self._held = bag, spin, rate, held
        self.topics = sensor_topics(sources)
        self._clock = node.create_publisher(Clock, clock, 10)
        self._publishers = {
            name: node.create_publisher(message_type(bag.topics[name].type), own, _quality(own))
            for name, own in self.topics.items()
        }
        self._paused = self._stopped = False
        self._anchor = (time.monotonic(), self.now_ns)

    @property
    def is_heard(self) -> bool:
        """Whether somebody listens to every topic."""
        return all(publisher.get_subscription_count() for publisher in self._publishers.values())

    @property
    def clocks(self) -> int:
        """How many listen to the time."""
        return self._clock.get_subscription_count()

    def pause(self) -> None:
        """Let the bag's time stand still, until :meth:`resume`."""
        self._paused = True

    def resume(self) -> None:
        """Go on after a pause."""
        self._paused = False

    def stop(self) -> None:
        """End :meth:`play` before its next message."""
        self._stopped = True

    def play(self, from_s: float = 0.0, loops: int = 1) -> None:
        """Play the bag, from a time in seconds on, ``loops`` times; each time the clock goes back to the beginning."""
        topics = [self._bag.topics[name] for name in self.topics]
        begin_ns = self._bag.start_ns + round(from_s * SECOND_NS)
        self._stopped = False
        for _ in range(loops):
            self._set(begin_ns)
            for message in self._bag.messages(topics, from_ns=begin_ns):
                self._wait_until(message.time_ns)
                if self._stopped:
                    return
                self._publish(message)

    def tell_time(self) -> None:
        """Publish the bag's time."""
        from builtin_interfaces.msg import Time
        from rosgraph_msgs.msg import Clock

        self._clock.publish(Clock(clock=Time(sec=self.now_ns // SECOND_NS, nanosec=self.now_ns % SECOND_NS)))

    def _set(self, time_ns: int) -> None:
        self.now_ns = time_ns
        self._anchor = (time.monotonic(), time_ns)
        self.tell_time()

    def _wait_until(self, time_ns: int) -> None:
        while not self._stopped:
            began_s, began_ns = self._anchor
            passed_ns = round((time.monotonic() - began_s) * self._rate * SECOND_NS)
            if self._paused:
                self._stand_still()
                continue
            if began_ns + passed_ns >= time_ns:
                break
            self.now_ns = max(self.now_ns, began_ns + passed_ns)
            self.tell_time()
            self._spin(min(CLOCK_S, (time_ns - self.now_ns) / SECOND_NS / self._rate))
        self.now_ns = max(self.now_ns, time_ns)
        self.tell_time()

    def _publish(self, message: BagMessage) -> None:
        own = self.topics[message.topic.name]
        while self._held is not None and not self._stopped and self._held(message.time_ns, own):
            self._stand_still()
        self._publishers[message.topic.name].publish(bytes(message.data))
        self.published[own] = self.published.get(own, 0) + 1
        self.newest_ns[own] = message.time_ns
        self._spin(0.0)
        if own == "audio_info":
            # It has to be known before the sound is.
            end = time.monotonic() + _SETTLE_S
            while time.monotonic() < end:
                self._stand_still()

    def _stand_still(self) -> None:
        self._spin(CLOCK_S)
        self._anchor = (time.monotonic(), self.now_ns)


def _quality(topic: str) -> Any:
    from rclpy.qos import DurabilityPolicy, QoSProfile

    if topic == "audio_info":
        return QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    return QoSProfile(depth=_QUEUED)
