"""The few system calls that Python 3.11 lacks."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

NEWNS = 0x00020000
NEWCGROUP = 0x02000000
NEWUTS = 0x04000000
NEWIPC = 0x08000000
NEWPID = 0x20000000
NEWNET = 0x40000000

MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8

BOOT_ID = "/proc/sys/kernel/random/boot_id"

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave namespaces for new ones; that of PIDs begins with the next child.."""
    _check(_libc.unshare(flags), "unshare")


def enter_network(pid: int) -> None:
    """Move this thread into the network namespace of a process; sockets made before stay."""
    descriptor = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(descriptor, NEWNET), f"setns to {pid}")
    finally:
        os.close(descriptor)


def mount(source: str, target: str, kind: str, flags: int = 0, data: str = "") -> None:
    """Mount a file system; OSError names the target.."""
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()
    )
    _check(result, target)


def set_hostname(name: str) -> None:
    """Of this process's UTS namespace."""
    encoded = name.encode()
    _check(_libc.sethostname(encoded, len(encoded)), "sethostname")


def start_time(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None if there is no such process.

    With the pid it names one process of this boot, however pids are reused (proc(5), field
    22 of stat). A zombie counts as gone.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def boot_id() -> str:
    """Changes with every boot."""
    return Path(BOOT_ID).read_text().strip()


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
