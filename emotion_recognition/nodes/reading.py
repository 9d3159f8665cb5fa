"""Messages read from the bytes they come as, so that none that is broken reaches the middleware's own reading."""

from collections.abc import Callable
from typing import Any

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.serialization import deserialize_message

# Before its fields a message has four bytes; the last two bits of them count the bytes that fill it up at its end
# (OMG, DDS-XTypes 1.3, 7.6.3.1.2, https://www.omg.org/spec/DDS-XTypes/1.3).
PREFIX, FILLED_UP = 4, 0b11


def read_message(message_type: type, data: bytes) -> Any:
    """Return a serialized message as one of a type.

    Raises:
        ValueError: the bytes are no such message.
    """
    if len(data) < PREFIX:
        raise ValueError(f"message of {len(data)} bytes, expected at least {PREFIX}")
    filled_up = data[PREFIX - 1] & FILLED_UP
    if filled_up > len(data) - PREFIX:
        # Fast CDR 2 takes these off the end without looking, reads on behind the message, and may crash.
        raise ValueError(f"message of {len(data)} bytes of which {filled_up} fill it up, expected more than {PREFIX}")
    try:
        return deserialize_message(data, message_type)
    except (rclpy_implementation.RCLError, rclpy_implementation.RMWError, MemoryError, UnicodeError) as error:
        kind = f"{message_type.__module__.split('.')[0]}/msg/{message_type.__name__}"
        raise ValueError(f"message of {len(data)} bytes cannot be read as {kind} ({error})") from error


def handing_on(
    read: Callable[[Any], Any], take: Callable[[Any], None], leave_out: Callable[[str], None]
) -> Callable[[Any], None]:
    """Return a callback of messages that hands on what can be read of them.

    Args:
        read: called with each message; raises ValueError for one that is none.
        take: called with what ``read`` returns.
        leave_out: called with why a message is none.
    """

    def received(message: Any) -> None:
        try:
            found = read(message)
        except ValueError as problem:
            leave_out(str(problem))
        else:
            take(found)

    return received
