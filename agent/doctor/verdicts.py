"""From facts to verdicts, each with what to do about it: pure."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agent.doctor.facts import (
    Attempt,
    ControlGroups,
    Facts,
    Firewall,
    Kernel,
    Master,
    Names,
    Port,
    Programs,
    Space,
)

KERNEL: Final = (5, 10)  # of the oldest kernel on which the service rules were tried
PODMAN: Final = (4, 3)  # Debian 12's
CONTROLLERS: Final = ("cpu", "memory", "pids")
# Certificates are valid from five minutes before they were made.
SKEW_FATAL: Final = 240.0
SKEW_NOTABLE: Final = 5.0
MEMORY_LEAST: Final = 400 * 1024 * 1024
DISK_LEAST: Final = 2 * 1024**3
ELSEWHERE: Final = ("vxlan",)
PACKAGES: Final = {  # of the programs that a node runs
    "podman": "podman",
    "crun": "crun",
    "conmon": "conmon",
    "catatonit": "catatonit",
    "netavark": "netavark",
    "nft": "nftables",
    "conntrack": "conntrack",
    "ip": "iproute2",
}


class Level(enum.Enum):
    """BAD: a node would not work."""

    GOOD = "ok"
    WARNING = "warn"
    BAD = "FAIL"


@dataclass(frozen=True, slots=True)
class Verdict:
    """found: a fact in words; advice: what to do, "" where nothing is."""

    check: str
    level: Level
    found: str
    advice: str = ""


def verdicts(facts: Facts) -> Iterator[Verdict]:
    """In a fixed order, at least one of every check."""
    yield _root(facts.root)
    yield from _kernel(facts.kernel)
    yield from _cgroups(facts.cgroups)
    yield from _programs(facts.programs)
    yield from _space(facts.space)
    yield from map(_port, facts.ports)
    yield from _names(facts.names)
    yield from _master(facts.master)
    yield from _firewall(facts.firewall)


def version_of(text: str) -> tuple[int, ...]:
    """The leading numbers: (5, 10, 0) of "5.10.0-8-amd64"; () where there are none."""
    match = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def _root(root: bool) -> Verdict:
    if root:
        return Verdict("user", Level.GOOD, "root")
    return Verdict("user", Level.BAD, "not root", "run it as root, as the agent itself is")


def _kernel(kernel: Kernel) -> Iterator[Verdict]:
    if version_of(kernel.release) >= KERNEL:
        yield Verdict("kernel", Level.GOOD, f"Linux {kernel.release}")
    else:
        yield Verdict(
            "kernel",
            Level.BAD,
            f"Linux {kernel.release}",
            f"use {'.'.join(map(str, KERNEL))} or later: a distribution that is in support",
        )
    for feature in kernel.features:
        yield _feature(feature)
    if not kernel.overlay:
        advice = "load it: `modprobe overlay`, and name it in /etc/modules-load.d/pilothouse.conf"
        yield Verdict("kernel overlay", Level.BAD, "overlay file systems are unknown", advice)
    if not kernel.forwarding:
        advice = "the agent switches it on; write net.ipv4.ip_forward=1 to /etc/sysctl.d to keep it"
        yield Verdict("forwarding", Level.WARNING, "net.ipv4.ip_forward is 0", advice)


def _feature(feature: Attempt) -> Verdict:
    check = f"kernel {feature.what}"
    if not feature.fault:
        return Verdict(check, Level.GOOD, "works")
    advice = f"load the module for {feature.what}, or use a kernel that has it"
    if feature.what in ELSEWHERE:
        advice += "; needed where nodes are not on one network"
    level = Level.WARNING if feature.what in ELSEWHERE else Level.BAD
    return Verdict(check, level, feature.fault, advice)


def _cgroups(groups: ControlGroups) -> Iterator[Verdict]:
    missing = [name for name in CONTROLLERS if name not in groups.controllers]
    kind = f"version {groups.version}" + (" (hybrid)" if groups.hybrid else "")
    if missing:
        advice = f"boot with the controllers switched on: {', '.join(missing)}"
        yield Verdict("cgroups", Level.BAD, f"{kind}, without {', '.join(missing)}", advice)
    elif groups.hybrid:
        advice = "boot with systemd.unified_cgroup_hierarchy=1: crun refuses the mixture"
        yield Verdict("cgroups", Level.BAD, kind, advice)
    elif groups.version == 1:
        advice = "works; version 2 (systemd.unified_cgroup_hierarchy=1) isolates memory better"
        yield Verdict("cgroups", Level.WARNING, kind, advice)
    else:
        yield Verdict("cgroups", Level.GOOD, kind)


def _programs(programs: Programs) -> Iterator[Verdict]:
    least = ".".join(map(str, PODMAN))
    if "podman" not in programs.missing:
        if version_of(programs.podman) >= PODMAN:
            yield Verdict("podman", Level.GOOD, programs.podman)
        else:
            found = programs.podman or "does not run"
            advice = f"{least} or later is needed; `podman version` says why it does not run"
            yield Verdict("podman", Level.BAD, found, advice)
    for program in programs.missing:
        advice = f"apt-get install {PACKAGES[program]}"
        yield Verdict(program, Level.BAD, "is not installed", advice)


def _space(space: Space) -> Iterator[Verdict]:
    memory, free = space.memory // 1024**2, space.disk_free // 1024**2
    if space.memory >= MEMORY_LEAST:
        yield Verdict("memory", Level.GOOD, f"{memory} MiB")
    else:
        advice = "agent and netproxy take 150 MiB together, and pods come on top"
        yield Verdict("memory", Level.WARNING, f"{memory} MiB", advice)
    if space.disk_free >= DISK_LEAST:
        yield Verdict("disk", Level.GOOD, f"{free} MiB free for {space.directory}")
    else:
        advice = "images and containers need room: make some, or mount a larger file system"
        yield Verdict("disk", Level.WARNING, f"{free} MiB free for {space.directory}", advice)


def _port(port: Port) -> Verdict:
    check = f"port {port.port}"
    if not port.holder:
        return Verdict(check, Level.GOOD, f"free on {port.address}, for {port.process}")
    if port.holder == port.process:
        return Verdict(check, Level.GOOD, f"{port.process} listens on {port.address}")
    advice = f"stop {port.holder}, or give {port.process} another port in its configuration"
    return Verdict(check, Level.BAD, f"{port.holder} listens on {port.address}", advice)


def _names(names: Names) -> Iterator[Verdict]:
    if names.own_fault:
        advice = f"add it to /etc/hosts: `127.0.1.1 {names.hostname}`"
        found = f"{names.hostname} does not resolve: {names.own_fault}"
        yield Verdict("own name", Level.WARNING, found, advice)
    else:
        yield Verdict("own name", Level.GOOD, names.hostname)
    if not names.servers:
        advice = "pods resolve names of the cluster only; list a name server in /etc/resolv.conf"
        yield Verdict("resolver", Level.WARNING, "no name server in /etc/resolv.conf", advice)
    elif all(server.startswith("127.") for server in names.servers):
        advice = "pods with dnsPolicy Default cannot reach it; set resolv_conf in netproxy.toml"
        found = f"only {', '.join(names.servers)}, which is this machine's own"
        yield Verdict("resolver", Level.WARNING, found, advice)
    else:
        yield Verdict("resolver", Level.GOOD, ", ".join(names.servers))


def _master(master: Master) -> Iterator[Verdict]:
    if not master.host:
        advice = "give --master HOST to look at the way to it"
        yield Verdict("master", Level.WARNING, "none is known", advice)
        return
    if master.resolution:
        advice = "mend the name service, add it to /etc/hosts, or join by an address"
        found = f"{master.host} does not resolve: {master.resolution}"
        yield Verdict("master", Level.BAD, found, advice)
        return
    for port in master.ports:
        if port.fault:
            yield Verdict("master", Level.BAD, f"{port.what}: {port.fault}", _unreachable(port))
        else:
            yield Verdict("master", Level.GOOD, f"{port.what} answers")
    if master.skew is not None:
        yield _skew(master.skew)


def _unreachable(port: Attempt) -> str:
    if "refused" in port.fault:
        return "is pilot-master running there, and on this port?"
    return "open the port between this machine and the master (firewall, security group, route)"


def _skew(skew: float) -> Verdict:
    found = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the master's"
    advice = "let both keep time: apt-get install chrony"
    if abs(skew) > SKEW_FATAL:
        return Verdict("clock", Level.BAD, found, advice + "; certificates will not be valid")
    if abs(skew) > SKEW_NOTABLE:
        return Verdict("clock", Level.WARNING, found, advice)
    return Verdict("clock", Level.GOOD, "as the master's")


def _firewall(firewall: Firewall) -> Iterator[Verdict]:
    if firewall.fault:
        advice = "`nft list ruleset` as root says why"
        yield Verdict("firewall", Level.WARNING, f"rules unknown: {firewall.fault}", advice)
    for chain in firewall.chains:
        yield Verdict(
            "firewall",
            Level.WARNING,
            f"chain {chain.name} of table {chain.table} drops what it does not know",
            "let pass, from and to the pods' network: what is forwarded"
            if chain.hook == "forward"
            else "let pass what comes from the pods' network, UDP port 4789 from nodes in other"
            " networks, and node ports (30000-32767) as you need them",
        )
    for service in firewall.services:
        advice = f"allow the pods' network in it, or stop it: systemctl disable --now {service}"
        yield Verdict("firewall", Level.WARNING, f"{service} runs", advice)
    if not (firewall.fault or firewall.chains or firewall.services):
        yield Verdict("firewall", Level.GOOD, "nothing that drops")
