"""The time that a simulator or a player tells on /clock."""

from rosgraph_msgs.msg import Clock

from emotion_recognition.nodes.conversions import checked_ns
from emotion_recognition.stamps import LATEST_NS, SECOND_NS


def read_clock(message: Clock) -> Clock:
    """Return a message of /clock that tells a time.

    rclpy raises an error for a time before 0, which would end the process; and a little later must be a time that a
    message can hold.

    Raises:
        ValueError: it tells none.
    """
    time_ns = checked_ns(message.clock)
    if not 0 <= time_ns < LATEST_NS:
        raise ValueError(
            f"{message.clock.sec} s and {message.clock.nanosec} ns is not a time: expected seconds from 0 to "
            f"{LATEST_NS // SECOND_NS}, in January 2038"
        )
    return message
