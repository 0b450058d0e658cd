"""What the agent tells its node's pod network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.runtime.specs import PodUID, PortMapping


@dataclass(frozen=True, slots=True)
class NodeRanges:
    """From the master's Welcome: this node's pods, all pods. node_ip is this node's own
    address, by which its peers know it."""

    pod_cidr: str
    cluster_cidr: str
    node_ip: str


@dataclass(frozen=True, slots=True)
class Peer:
    """Another node: its address and its pods' range."""

    node: str
    address: str
    pod_cidr: str


@dataclass(frozen=True, slots=True)
class PodAddress:
    """Where a pod is: its address, the host's end of its link."""

    ip: str
    prefix: int
    gateway: str
    link: str


class NodeNetwork(Protocol):
    """Idempotent; keeps what it was told on disk, so that a restarted agent need not wait
    for its master to make a pod."""

    async def configure(self, ranges: NodeRanges) -> None:
        """Bridge, forwarding, masquerade. ValueError names a range or an address that cannot
        be; OSError: the kernel refused."""
        ...

    async def set_peers(self, peers: Sequence[Peer]) -> None:
        """The whole set: routes to peers on this segment, VXLAN to the others; routes of
        its own to anything else go. OSError: the kernel refused."""
        ...

    async def attach(self, pod: PodUID, netns: str, ports: Sequence[PortMapping]) -> PodAddress:
        """A link, an address and routes in the namespace at path netns; an existing address
        of the pod is kept. SandboxError: no address left, no ranges yet, the kernel
        refused."""
        ...

    async def detach(self, pod: PodUID) -> None:
        """Link, host ports and address go. SandboxError: the kernel refused."""
        ...

    async def attached(self) -> tuple[PodUID, ...]:
        """Pods that hold an address, for clean-up after a restart."""
        ...
