"""How a process keeps the memory of large messages, and gives back what it has kept for long.

glibc gives blocks above a threshold back to the kernel as soon as they are free, so every camera frame is read into new
pages, which the kernel clears one by one as they are touched: that takes longer than the copying. Kept in the heap,
blocks of many sizes leave free room between each other that few later blocks fit into, so the heap grows for days:
from time to time the pages in between go back.
"""

import ctypes
import os

# mallopt(3), https://man7.org/linux/man-pages/man3/mallopt.3.html; the value for each, and the variable that sets it.
_OPTIONS = {
    "MALLOC_TRIM_THRESHOLD_": (-1, 3 << 20),
    "MALLOC_MMAP_THRESHOLD_": (-3, 3 << 19),
    "MALLOC_ARENA_MAX": (-8, 1),
}
# How often a process gives back what has become free, in seconds.
GIVE_BACK_S = 10.0


def keep_freed_memory() -> bool:
    """Let the process use freed blocks of up to 1.5 MiB again, as an image of 640x480 is, and keep up to 3 MiB free.

    What the user has set in the environment stays. Returns whether the C library took every setting; another than glibc
    has none.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return all([name in os.environ or bool(mallopt(*option)) for name, option in _OPTIONS.items()])


def give_back_freed_memory() -> bool:
    """Give all free pages of the heap back to the kernel; what is needed again comes as new pages.

    To be called seldom, :data:`GIVE_BACK_S` apart: it takes some milliseconds, in which other threads that allocate
    wait. Returns whether there was any; a C library other than glibc has no such function.
    """
    try:
        return bool(ctypes.CDLL(None).malloc_trim(0))
    except (AttributeError, OSError):
        return False
