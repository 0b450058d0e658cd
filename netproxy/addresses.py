"""What netproxy needs of the node's addresses and routes besides rules. Calls block.

Written with `ip`, run once in a long while: a netlink library takes as much memory as a quarter
of this process.
"""

from __future__ import annotations

import ipaddress
import socket
import subprocess
from pathlib import Path

SECONDS = 10.0


def hold_address(address: str) -> None:
    """Put the address on the loopback interface of this network namespace, if it is not there.

    Pods reach it through the node as their gateway; it is never announced anywhere. Its scope is
    the host: of a wider one the kernel would take it as the source of connections that leave
    through interfaces without an address. OSError.
    """
    if not is_local(address):
        _ip("address", "replace", f"{address}/32", "dev", "lo", "scope", "host")


def hold_route(service_cidr: str, source: str) -> None:
    """Make service addresses routable for the node's own processes where no route leads to them.

    A connection is routed before its destination is rewritten, so a node without a default route
    could not even begin one. The route leads nowhere (to lo), and what is not rewritten is
    refused by the rules; `source` is the address that connections come from. OSError.
    """
    if source_towards(str(ipaddress.IPv4Network(service_cidr)[1])) is None:
        _ip("route", "replace", service_cidr, "dev", "lo", "src", source)


def release_address(address: str) -> None:
    """Undo hold_address, whether it was done or not. OSError."""
    if is_local(address):
        _ip("address", "delete", f"{address}/32", "dev", "lo")


def release_route(service_cidr: str) -> None:
    """Undo hold_route, whether it was done or not. OSError."""
    if service_cidr in _ip("route", "show", service_cidr, "dev", "lo"):
        _ip("route", "delete", service_cidr, "dev", "lo")


def is_local(address: str) -> bool:
    """An interface of this network namespace has the address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((address, 0))
        except OSError:
            return False
    return True


def source_of_node(master: str, pod_cidr: str) -> str | None:
    """The address that the node's own connections should come from: the one towards the master
    (a host name or address), or towards its pods where the master is this machine."""
    source = source_towards(master)
    if source is None or ipaddress.IPv4Address(source).is_loopback:
        return source_towards(str(ipaddress.IPv4Network(pod_cidr)[2]))
    return source


def source_towards(host: str) -> str | None:
    """The address that a connection to the host would come from; sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((host, 9))
        except OSError:
            return None
        address: str = sock.getsockname()[0]
        return address


def name_servers(resolv_conf: Path) -> tuple[str, ...]:
    """The IPv4 name servers of a resolv.conf."""
    try:
        lines = resolv_conf.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    found = [w[1] for w in words if len(w) > 1 and w[0] == "nameserver"]
    return tuple(address for address in found if _is_usable(address))


def _is_usable(address: str) -> bool:
    try:
        parsed = ipaddress.IPv4Address(address)
    except ValueError:
        return False
    return not parsed.is_unspecified


def _ip(*arguments: str) -> str:
    """Its output. OSError: there is no such program, it failed, or it took too long."""
    command = ("ip", "-4", *arguments)
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, arguments are addresses and words
            command, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(f"{' '.join(command)}: no end within {SECONDS} s") from error
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
