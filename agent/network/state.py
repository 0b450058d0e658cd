"""What the pod network must know after a restart of the agent: one small file, atomic."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path

from agent.network.contract import NodeRanges
from agent.runtime.specs import PodUID, PortMapping

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Lease:
    """A pod's address and the node's ports that lead to it."""

    ip: str
    ports: tuple[PortMapping, ...] = ()


@dataclass(slots=True)
class NetworkState:
    """Ranges as last told by the master, addresses given, and the last of them."""

    ranges: NodeRanges | None = None
    leases: dict[PodUID, Lease] = field(default_factory=dict)
    last: str = ""

    def taken(self) -> set[str]:
        """Addresses in use."""
        return {lease.ip for lease in self.leases.values()}


def load(path: Path, boot: str) -> NetworkState:
    """The state in the file; empty without one. Addresses given in another boot of the
    machine are not: their namespaces are gone."""
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return NetworkState()
    except ValueError:
        # Not synced, so a loss of power may leave it empty; then this is a new boot anyway.
        logger.warning("%s is unreadable; starting without addresses", path)
        return NetworkState()
    ranges = document["ranges"]
    leases = document["leases"] if document["boot"] == boot else {}
    return NetworkState(
        ranges=None if ranges is None else NodeRanges(**ranges),
        leases={
            PodUID(uid): Lease(lease["ip"], tuple(PortMapping(**p) for p in lease["ports"]))
            for uid, lease in leases.items()
        },
        last=document["last"],
    )


def encoded(state: NetworkState, boot: str) -> bytes:
    """The file's content."""
    return json.dumps({"boot": boot, **asdict(state)}, separators=(",", ":")).encode()
