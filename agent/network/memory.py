"""A pod network without packets: addresses are real choices, links are names."""

from __future__ import annotations

from collections.abc import Sequence

from agent.network import ipam
from agent.network.contract import NodeRanges, Peer, PodAddress
from agent.runtime.errors import SandboxError
from agent.runtime.specs import PodUID, PortMapping


class MemoryNetwork:
    """NodeNetwork for simulation and hollow nodes."""

    def __init__(self, ranges: NodeRanges | None = None) -> None:
        self.ranges = ranges
        self.peers: tuple[Peer, ...] = ()
        self._addresses: dict[PodUID, str] = {}
        self._last = ""

    async def configure(self, ranges: NodeRanges) -> None:
        """Take the ranges."""
        ipam.parse_range(ranges.pod_cidr)
        self.ranges = ranges

    async def set_peers(self, peers: Sequence[Peer]) -> None:
        """Take the peers."""
        self.peers = tuple(peers)

    async def attach(self, pod: PodUID, netns: str, ports: Sequence[PortMapping]) -> PodAddress:
        """Choose an address, or keep the pod's."""
        if self.ranges is None:
            raise SandboxError("the node has no pod range yet")
        pods = ipam.parse_range(self.ranges.pod_cidr)
        ip = self._addresses.get(pod)
        if ip is None:
            ip = ipam.choose(pods, self._addresses.values(), self._last)
            if ip is None:
                raise SandboxError(f"no address left in {self.ranges.pod_cidr}")
            self._addresses[pod] = self._last = ip
        return PodAddress(
            ip=ip, prefix=pods.network.prefixlen, gateway=str(pods.gateway), link=f"mem{ip}"
        )

    async def detach(self, pod: PodUID) -> None:
        """Free the address."""
        self._addresses.pop(pod, None)

    async def attached(self) -> tuple[PodUID, ...]:
        """Pods that hold an address."""
        return tuple(self._addresses)
