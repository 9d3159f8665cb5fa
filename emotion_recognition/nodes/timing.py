"""The time that a simulator or a player tells on /clock."""

from collections.abc import Callable

from builtin_interfaces.msg import Time
from rosgraph_msgs.msg import Clock

from emotion_recognition.stamps import LATEST_NS, SECOND_NS


def time_problem(time: Time) -> str:
    """Return why a message's time cannot be one, empty where it can."""
    if 0 <= time.sec < LATEST_NS // SECOND_NS and time.nanosec < SECOND_NS:
        return ""
    return (
        f"{time.sec} s and {time.nanosec} ns is not a time: expected seconds from 0 to {LATEST_NS // SECOND_NS}, in "
        f"January 2038, and nanoseconds below {SECOND_NS}"
    )


def checked_time(take: Callable[[Clock], None], leave_out: Callable[[str], None]) -> Callable[[Clock], None]:
    """Return a callback of /clock that hands on what is a time.

    rclpy raises an error for a time before 0, which would end the process; and a little later must be a time that a
    message can hold.

    Args:
        take: rclpy's callback.
        leave_out: called with the problem of what is no time.
    """

    def checked(message: Clock) -> None:
        problem = time_problem(message.clock)
        if problem:
            leave_out(problem)
        else:
            take(message)

    return checked
