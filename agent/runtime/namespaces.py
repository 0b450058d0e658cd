"""A pod's pinned namespaces: files that keep them alive without any process.

In: a directory and what to make. Out: the files `net`, `ipc`, `uts` with namespaces bound to
them, hostname and sysctls set, loopback up. Made by one thread that unshares and binds; a
half-made set is undone. They last until unpinned or the machine's end.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import threading
from dataclasses import dataclass
from pathlib import Path

from agent.runtime import kernel
from agent.runtime.specs import Pairs

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_KINDS = {"net": kernel.CLONE_NEWNET, "ipc": kernel.CLONE_NEWIPC, "uts": kernel.CLONE_NEWUTS}
# In a pod's own network namespace: its neighbours are behind the gateway, whatever a router
# says; and unprivileged processes may listen on low ports, as under other engines.
_NETWORK_DEFAULTS: Pairs = (
    ("net.ipv4.conf.all.accept_redirects", "0"),
    ("net.ipv4.conf.default.accept_redirects", "0"),
    ("net.ipv4.ip_unprivileged_port_start", "0"),
)


@dataclass(frozen=True, slots=True)
class Pinning:
    """What to make below the directory; kinds: of net, ipc, uts."""

    directory: Path
    kinds: tuple[str, ...]
    hostname: str = ""
    sysctls: Pairs = ()


async def pin(pinning: Pinning) -> None:
    """Make and bind them. OSError says which call failed; nothing stays then."""
    try:
        await kernel.in_own_thread(lambda: _pin(pinning))
    except OSError:
        unpin(pinning.directory, pinning.kinds)
        raise


def unpin(directory: Path, kinds: tuple[str, ...] = tuple(_KINDS)) -> None:
    """Let go of them; absent ones are no error."""
    for kind in kinds:
        path = directory / kind
        kernel.unmount(str(path))
        path.unlink(missing_ok=True)


def pinned(directory: Path, kinds: tuple[str, ...]) -> bool:
    """All of them are there (after a restart of the machine the files are plain)."""
    return all(kernel.is_namespace(str(directory / kind)) for kind in kinds)


def _pin(pinning: Pinning) -> None:
    flags = 0
    for kind in pinning.kinds:
        flags |= _KINDS[kind]
    kernel.unshare(flags)
    if "uts" in pinning.kinds:
        socket.sethostname(pinning.hostname)
    if "net" in pinning.kinds:
        _raise_loopback()
        for name, value in _NETWORK_DEFAULTS:
            _set_sysctl(name, value)
    for name, value in pinning.sysctls:
        _set_sysctl(name, value)
    own = f"/proc/self/task/{threading.get_native_id()}/ns"
    for kind in pinning.kinds:
        path = pinning.directory / kind
        path.touch(mode=0o600)
        kernel.mount(f"{own}/{kind}", str(path), "none", kernel.MS_BIND)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        request = struct.pack("16sH14s", b"lo", flags | _IFF_UP, b"")
        fcntl.ioctl(control, _SIOCSIFFLAGS, request)


def _set_sysctl(name: str, value: str) -> None:
    path = "/proc/sys/" + name.replace(".", "/")
    # Opened without creating: an unknown name must be an error that names it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value.encode())
    except OSError as error:
        raise OSError(error.errno, f"sysctl {name}={value}: {error.strerror}") from error
    finally:
        os.close(descriptor)
