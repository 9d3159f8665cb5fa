"""What the process takes."""

import os
from pathlib import Path

MIB = 1 << 20
# proc(5): sizes in pages; the second is the resident one.
STATM = Path("/proc/self/statm")


def resident_mib(statm: Path = STATM) -> float | None:
    """Return the process's resident memory in MiB, None where the system does not say."""
    try:
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB
    except (OSError, ValueError, IndexError):
        return None
