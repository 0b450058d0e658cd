"""Looks at the network: who listens here, the way to the master, what filters packets."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import time
from collections.abc import Iterable, Iterator
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

from agent.config import AgentConfig
from agent.doctor.facts import Attempt, Chain, Firewall, Master, Port
from agent.doctor.machine import run
from agent.join import HTTP_PORT, JoinError, fetch_cluster_info

SECONDS: Final = 5.0
SESSION_PORT, JOIN_PORT = 7443, 7442
AGENT, NETPROXY = "pilot-agent", "pilot-netproxy"
NETPROXY_PORT: Final = 7446
DNS_PORT: Final = 53
_OURS: Final = ("pilothouse", "pilothouse-agent")
_SERVICES: Final = ("firewalld", "ufw")
_LISTENING: Final = "0A"  # TCP_LISTEN, include/net/tcp_states.h
_ANY: Final = "0.0.0.0"  # noqa: S104 - compared, not bound


def ports(config: AgentConfig) -> tuple[Port, ...]:
    """Of what the agent and the netproxy will listen on."""
    wanted = (
        (config.health_host, config.health_port, AGENT),
        (config.health_host, NETPROXY_PORT, NETPROXY),
        (_ANY, DNS_PORT, NETPROXY),
    )
    listening = dict(_listening(Path("/proc/net/tcp"))) | dict(_listening(Path("/proc/net/tcp6")))
    return tuple(
        Port(address, port, process, _holder(listening, address, port))
        for address, port, process in wanted
        if port
    )


def _listening(table: Path) -> Iterator[tuple[tuple[str, int], str]]:
    """(address, port) to the socket's inode; the IPv6 wildcard counts as every address."""
    if not table.exists():
        return
    for line in table.read_text().splitlines()[1:]:
        fields = line.split()
        address, _, port = fields[1].partition(":")
        if fields[3] == _LISTENING:
            yield (_address(address), int(port, 16)), fields[9]


def _address(text: str) -> str:
    if set(text) == {"0"}:
        return _ANY
    # The kernel prints the address as one number in the machine's byte order.
    return socket.inet_ntoa(bytes.fromhex(text)[::-1]) if len(text) == 8 else text


def _holder(listening: dict[tuple[str, int], str], address: str, port: int) -> str:
    inode = listening.get((address, port)) or listening.get((_ANY, port))
    return "" if inode is None else _process_of(inode)


def _process_of(inode: str) -> str:
    wanted = f"socket:[{inode}]"
    for process in Path("/proc").glob("[0-9]*"):
        if wanted in _open_files(process):
            return (process / "comm").read_text().strip()
    return "another process"


def _open_files(process: Path) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):  # the process has ended
        for descriptor in os.listdir(process / "fd"):
            with contextlib.suppress(OSError):  # it is closed
                found.add(os.readlink(process / "fd" / descriptor))
    return found


def master(told: str) -> Master:
    """The way to a master given as HOST, or HOST:PORT of its HTTP port; "": none is known."""
    if not told:
        return Master()
    host, port = _split(told)
    try:
        socket.getaddrinfo(host, port)
    except OSError as error:
        return Master(host, resolution=error.strerror or str(error))
    session, joining = _told_ports(told)
    reached = tuple(
        Attempt(f"{host}:{number} ({what})", _connected(host, number))
        for number, what in ((port, "HTTP"), (session, "gRPC"), (joining, "joining"))
    )
    return Master(host, ports=reached, skew=None if reached[0].fault else _skew(host, port))


def _told_ports(told: str) -> tuple[int, int]:
    """Of sessions and of joining: the master tells them; the usual ones where it does not."""
    try:
        info = fetch_cluster_info(told)
    except JoinError:
        return SESSION_PORT, JOIN_PORT
    return info.grpc_port, info.join_port


def _split(told: str) -> tuple[str, int]:
    host, colon, port = told.rpartition(":")
    return (host, int(port)) if colon and port.isdecimal() else (told, HTTP_PORT)


def _connected(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), timeout=SECONDS).close()
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


def _skew(host: str, port: int) -> float | None:
    """The master's clock minus ours; its answer tells whole seconds."""
    connection = HTTPConnection(host, port, timeout=SECONDS)
    try:
        before = time.time()
        connection.request("GET", "/healthz")
        date = connection.getresponse().getheader("Date", "")
        middle = (before + time.time()) / 2
        return parsedate_to_datetime(date).timestamp() + 0.5 - middle
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()


def firewall() -> Firewall:
    """Chains that drop by policy, of every table but ours, and firewalls that are services."""
    said, fault = run(["nft", "--json", "list", "chains"])
    legacy, _ = run(["iptables-legacy", "--list-rules"])
    found = () if fault else tuple(dropping(json.loads(said)["nftables"]))
    services = tuple(name for name in _SERVICES if not run(["systemctl", "is-active", name])[1])
    return Firewall(found + tuple(dropping_legacy(legacy)), services, fault)


def dropping(ruleset: Iterable[dict[str, Any]]) -> Iterator[Chain]:
    """Of `nft --json list chains`."""
    for item in ruleset:
        chain = item.get("chain", {})
        drops = chain.get("policy") == "drop" and chain.get("hook") in ("forward", "input")
        if drops and chain["table"] not in _OURS:
            yield Chain(f"{chain['family']} {chain['table']}", chain["name"], chain["hook"])


def dropping_legacy(rules: str) -> Iterator[Chain]:
    """Of `iptables-legacy --list-rules`, whose tables nft does not show."""
    for name in re.findall(r"^-P (FORWARD|INPUT) DROP$", rules, re.MULTILINE):
        yield Chain("iptables-legacy filter", name, name.lower())
