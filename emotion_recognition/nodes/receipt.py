"""When the message in hand was received, for the latency of what follows from it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_here = threading.local()


@contextmanager
def handling(receipt_s: float | None) -> Iterator[None]:
    """In the context this thread handles what was received then, monotonic seconds; None where that is unknown."""
    before = receipt_of_message()
    _here.receipt_s = receipt_s
    try:
        yield
    finally:
        _here.receipt_s = before


def receipt_of_message() -> float | None:
    """Return when what this thread handles was received, None where it handles no message."""
    return getattr(_here, "receipt_s", None)
