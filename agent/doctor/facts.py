"""What the doctor knows of a machine: gathered once, judged by verdicts.py."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something was tried; fault "" means that it worked."""

    what: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Kernel:
    """release: as uname has it. features: tried in a network namespace that was made for it."""

    release: str
    features: tuple[Attempt, ...]
    overlay: bool
    forwarding: bool


@dataclass(frozen=True, slots=True)
class ControlGroups:
    """version: 1 or 2; hybrid: version 1 with a version 2 hierarchy beside it."""

    version: int
    controllers: frozenset[str]
    hybrid: bool = False


@dataclass(frozen=True, slots=True)
class Programs:
    """podman: its version, "" when it does not run. missing: programs that are not found."""

    podman: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Port:
    """A port that a process here will listen on; holder: who has it now, "" when it is free."""

    address: str
    port: int
    process: str
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Master:
    """The way to the master. host "": none is known. skew: its clock minus ours, in seconds,
    None while it does not answer."""

    host: str = ""
    resolution: str = ""  # the fault of looking the name up
    ports: tuple[Attempt, ...] = ()
    skew: float | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """Own name and resolver. own_fault: why the machine's own name does not resolve."""

    hostname: str
    own_fault: str = ""
    servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of the packet filter that drops what it is not told to let pass."""

    table: str
    name: str
    hook: str


@dataclass(frozen=True, slots=True)
class Firewall:
    """chains: those with policy drop, of others. services: firewalls that run as services."""

    chains: tuple[Chain, ...] = ()
    services: tuple[str, ...] = ()
    fault: str = ""  # why the rules could not be read


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes."""

    memory: int
    disk_free: int
    directory: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything."""

    root: bool
    kernel: Kernel
    cgroups: ControlGroups
    programs: Programs
    names: Names
    space: Space
    ports: tuple[Port, ...] = ()
    master: Master = field(default_factory=Master)
    firewall: Firewall = field(default_factory=Firewall)
