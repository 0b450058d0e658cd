"""The few system calls that Python 3.11 does not have, and threads to make them in.

A thread's namespaces are its own, but a thread that has changed them must never serve another
caller: so such work runs in a thread that ends with it.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET = 0x04000000, 0x08000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC = 2, 4, 8, 4096, 16384
MNT_DETACH = 2
_NSFS_MAGIC = 0x6E736673
_TMPFS_MAGIC = 0x01021994

T = TypeVar("T")

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str, path: str = "") -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}", path)


def unshare(flags: int) -> None:
    """Give the calling thread new namespaces."""
    _check(_libc.unshare(flags), "unshare")


def enter(namespace: str, kind: int) -> None:
    """Move the calling thread into the namespace pinned at the path."""
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.setns(descriptor, kind), "setns", namespace)
    finally:
        os.close(descriptor)


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Mount the source, as mount does in the kernel."""
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()
    )
    _check(result, "mount", target)


def unmount(target: str) -> None:
    """Detach everything mounted there; nothing if nothing is."""
    while _libc.umount2(target.encode(), MNT_DETACH) == 0:
        pass
    number = ctypes.get_errno()
    if number not in (22, 2):  # EINVAL: no mount point; ENOENT
        raise OSError(number, f"umount: {os.strerror(number)}", target)


def _magic(path: str) -> int:
    # struct statfs begins with the file system's type, a long.
    buffer = ctypes.create_string_buffer(256)
    if _libc.statfs(path.encode(), buffer) != 0:
        return 0
    return int(ctypes.c_long.from_buffer(buffer).value)


def is_namespace(path: str) -> bool:
    """A namespace is pinned at the path."""
    return _magic(path) == _NSFS_MAGIC


def is_tmpfs(path: str) -> bool:
    """The path is on a tmpfs."""
    return _magic(path) == _TMPFS_MAGIC


def mounts_below(directory: Path) -> list[str]:
    """Mount points at or below the directory, innermost first."""
    prefix = str(directory)
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            # Spaces and the like in a path are escaped as octal numbers.
            point = line.split(" ", 5)[4].encode("latin-1", "surrogateescape")
            path = point.decode("unicode_escape")
            if path == prefix or path.startswith(prefix + "/"):
                found.append(path)
    return sorted(found, key=len, reverse=True)


async def in_own_thread(work: Callable[[], T], name: str = "namespace") -> T:
    """What `work` gives, done in a thread that ends with it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def finish(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def body() -> None:
        try:
            outcome = (work(), None)
        except Exception as error:  # noqa: BLE001 - carried over to the caller
            loop.call_soon_threadsafe(finish, None, error)
        else:
            loop.call_soon_threadsafe(finish, *outcome)

    threading.Thread(target=body, name=name, daemon=True).start()
    return await done


async def socket_in(namespace: str, family: int, kind: int) -> socket.socket:
    """A socket that lives in the network namespace pinned at the path, not blocking."""

    def make() -> socket.socket:
        enter(namespace, CLONE_NEWNET)
        made = socket.socket(family, kind | socket.SOCK_CLOEXEC)
        made.setblocking(False)
        return made

    return await in_own_thread(make)
