"""What a process has open, from /proc (Linux): sockets by kind, and files that it may write."""

import os
import re
import sys
from pathlib import Path

import pytest

KINDS = (
    "tcp",
    "tcp6",
    "udp",
    "udp6",
    "udplite",
    "udplite6",
    "icmp",
    "icmp6",
    "raw",
    "raw6",
    "unix",
    "packet",
    "netlink",
)
# The column of the inode in each kind's table, counted from the end where names may follow.
_INODE = {"unix": 6, "netlink": 9, "packet": 8}
# Fast DDS's shared memory and its semaphores, which the C library makes under a name of six characters (sem_open).
SHARED_MEMORY = re.compile(r"/dev/shm/((sem\.)?fastdds_\w+|sem\.\w{6})( \(deleted\))?")


def require_proc() -> None:
    """Skip the test where there is no /proc."""
    if not Path("/proc/self/fdinfo").is_dir():
        pytest.skip(f"needs Linux's /proc, this is {sys.platform}")


def sockets(pid: int) -> dict[str, str]:
    """Return what each socket of a process is, by inode: ``udp``, ``tcp to 5DB8D822:01BB``, ...

    A socket that is in no table has neither an address nor a peer, so nothing came or went through it: ``unused``.
    """
    mine = {target[8:-1] for target in _targets(pid).values() if target.startswith("socket:[")}
    found = dict.fromkeys(mine, "unused")
    for kind in KINDS:
        try:
            lines = Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]
        except OSError:
            continue
        for words in map(str.split, lines):
            inode = words[_INODE.get(kind, 9)] if len(words) > _INODE.get(kind, 9) else ""
            if inode in mine:
                peer = words[2] if kind.startswith(("tcp", "udp", "raw")) else "0:0"
                found[inode] = f"{kind} to {peer}" if peer.replace("0", "") != ":" else kind
    return found


def writable_files(pid: int) -> set[str]:
    """Return the files that a process has open for writing, or mapped so that what it writes is shared."""
    found = set()
    for number, target in _targets(pid).items():
        if not target.startswith("/") or target.startswith("/dev/null"):
            continue
        try:
            info = Path(f"/proc/{pid}/fdinfo/{number}").read_text()
        except OSError:  # closed meanwhile
            continue
        flags = int(re.search(r"^flags:\s*(\d+)", info, re.MULTILINE)[1], 8)
        if flags & (os.O_WRONLY | os.O_RDWR):
            found.add(target)
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        _, rights, _, _, _, *path = line.split(maxsplit=5)
        if path and rights.startswith("rw") and rights.endswith("s"):
            found.add(path[0])
    return found


def _targets(pid: int) -> dict[str, str]:
    found = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[number] = os.readlink(f"/proc/{pid}/fd/{number}")
        except OSError:  # closed meanwhile
            continue
    return found
