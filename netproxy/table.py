"""What a node's kernel shall do with service addresses: the whole of it, by service."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

ServiceName = tuple[str, str]  # namespace, name


@dataclass(frozen=True, slots=True, order=True)
class Frontend:
    """An address that clients connect to. address "" is every address of this node.

    outside: for clients outside the cluster alone; for them it comes before the frontend of the
    same address, protocol and port that is for everybody.
    """

    address: str
    protocol: str  # "tcp" | "udp" | "sctp"
    port: int
    outside: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A pod's address and port; `local`: the pod runs on this node."""

    address: str
    port: int
    local: bool = False


class Empty(Enum):
    """What happens to a connection when there is no target."""

    REJECT = "reject"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Backends:
    """Where connections to a frontend go. `affinity`: a client stays with one target."""

    targets: tuple[Target, ...]
    affinity: bool = False
    empty: Empty = Empty.REJECT


Frontends = Mapping[Frontend, Backends]


@dataclass(slots=True)
class Table:
    """The desired state: each service's frontends. No two services share one (see claims)."""

    services: dict[ServiceName, Frontends] = field(default_factory=dict)


class Backend(Protocol):
    """A way to make a Table real in this network namespace's kernel.

    apply() is one atomic transaction: packets see the state before or the state after. It is
    idempotent; rules of others are not touched. `changed` names the services that differ from
    the last apply, None means that nothing is known of the kernel's state: everything of
    this backend's is replaced. With nothing changed it still notices, as far as that costs next
    to nothing, when its rules were taken away. After an error (BackendError) the next apply
    replaces everything.
    """

    def apply(self, table: Table, changed: Collection[ServiceName] | None) -> None: ...

    def remove(self) -> None:
        """Leave no rule behind."""
        ...


class BackendError(Exception):
    """The kernel refused the rules; the message is its own."""
