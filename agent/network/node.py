"""The pod network of this node, in the kernel.

In: the ranges that the master gave, the peers, pods' namespaces. Out: a bridge that is the
pods' gateway, a veth pair a pod, routes to the peers' pods, the own nftables table.

A pod gets its address as a /32 and reaches everything, its neighbours too, through the
gateway: so every packet passes the node's routing and connection tracking, and an answer to
a translated service address is translated back on the way, without br_netfilter.

What is ours is known by its name (links.py) and, for routes, by their protocol number; each
call compares with the kernel and changes the difference, so everything may be repeated. The
addresses given are in a small file; of another boot they do not count. Not promised: any
filtering between pods.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

from pyroute2 import AsyncIPRoute
from pyroute2.netlink.exceptions import NetlinkError

from agent.files import boot_id, write_atomically
from agent.network import ipam, rules
from agent.network.contract import NodeRanges, Peer, PodAddress
from agent.network.links import BRIDGE, TUNNEL, Way, pod_link, ways
from agent.network.nft import apply
from agent.network.plumbing import Uplink, connect_pod, ensure_bridge, remove_link, uplink
from agent.network.routing import remove_ways, set_ways
from agent.network.state import Lease, NetworkState, encoded, load
from agent.runtime.errors import SandboxError
from agent.runtime.specs import PodUID, PortMapping

LOOK_PERIOD = 300.0  # seconds between looks at all routes

logger = logging.getLogger(__name__)


class KernelNetwork:
    """NodeNetwork on Linux; see the module. state_file: where the addresses are kept.

    Use it as `async with network.opened()`, in the node's network namespace.
    """

    def __init__(self, state_file: Path) -> None:
        self._file = state_file
        self._boot = boot_id()
        self._state = NetworkState()
        self._uplink = Uplink(index=0, mtu=1500, addresses=())
        self._ways: frozenset[Way] | None = None
        self._looked_at = 0.0
        self._writer = ThreadPoolExecutor(1, "network-state")
        self._rules = asyncio.Lock()  # two writers of one nftables table must not overtake

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[KernelNetwork]:
        """Read the state; with ranges known from before, the network is made at once."""
        self._state = await asyncio.to_thread(load, self._file, self._boot)
        if self._state.ranges is not None:
            await self._configure_as_before(self._state.ranges)
        try:
            yield self
        finally:
            self._writer.shutdown()

    async def _configure_as_before(self, ranges: NodeRanges) -> None:
        try:
            await self.configure(ranges)
        except (ValueError, OSError) as error:
            # The machine may have another address now: the master tells anew.
            logger.warning("pod network as it was before: %s", error)

    async def configure(self, ranges: NodeRanges) -> None:
        """Bridge, forwarding and rules. ValueError names a bad range."""
        pods = ipam.parse_range(ranges.pod_cidr)
        IPv4Network(ranges.cluster_cidr)
        self._ways = None
        with _kernel_errors():
            async with AsyncIPRoute() as route:
                self._uplink = await uplink(route, ranges.node_ip)
                await ensure_bridge(route, pods, self._uplink.mtu)
        self._state.ranges = ranges
        await self._save()
        await self._write_rules()
        logger.info("pod network %s on %s", ranges.pod_cidr, BRIDGE)

    async def set_peers(self, peers: Sequence[Peer]) -> None:
        """Routes to the peers' pods."""
        ranges = self._ranges()
        own = tuple(IPv4Interface(address) for address in self._uplink.addresses)
        wanted = frozenset(ways(peers, own, ranges.node_ip))
        known, self._ways = self._known_ways(), None
        with _kernel_errors():
            async with AsyncIPRoute() as route:
                await set_ways(route, wanted, known, ranges, self._uplink)
        self._ways = wanted

    def _known_ways(self) -> frozenset[Way] | None:
        """What the kernel has by our last writing of it; None: look. Looked at now and then,
        since others may change routes, and not each time: there may be thousands."""
        now = time.monotonic()
        if self._ways is None or now - self._looked_at > LOOK_PERIOD:
            self._looked_at = now
            return None
        return self._ways

    async def attach(self, pod: PodUID, netns: str, ports: Sequence[PortMapping]) -> PodAddress:
        """Address and link; see the contract."""
        pods = ipam.parse_range(self._ranges().pod_cidr)
        lease = self._lease(pod, pods, ports)
        await self._save()
        address = PodAddress(lease.ip, pods.network.prefixlen, str(pods.gateway), pod_link(pod))
        try:
            with _kernel_errors():
                async with AsyncIPRoute() as route:
                    await connect_pod(route, address, netns, self._uplink.mtu)
            if ports:
                await self._write_rules()
        except OSError as error:
            await self.detach(pod)
            raise SandboxError(f"pod network: {error}") from error
        return address

    def _lease(self, pod: PodUID, pods: ipam.Range, ports: Sequence[PortMapping]) -> Lease:
        held = self._state.leases.get(pod)
        if held is not None:
            return held
        ip = ipam.choose(pods, self._state.taken(), self._state.last)
        if ip is None:
            raise SandboxError(f"no pod address is left in {pods.network}")
        self._state.leases[pod] = lease = Lease(ip, tuple(ports))
        self._state.last = ip
        return lease

    async def detach(self, pod: PodUID) -> None:
        """Free what the pod had."""
        try:
            with _kernel_errors():
                async with AsyncIPRoute() as route:
                    await remove_link(route, pod_link(pod))
            lease = self._state.leases.pop(pod, None)
            if lease is None:
                return
            await self._save()
            if lease.ports:
                await self._write_rules()
        except OSError as error:
            raise SandboxError(f"pod network: {error}") from error

    async def attached(self) -> tuple[PodUID, ...]:
        """Pods that hold an address."""
        return tuple(self._state.leases)

    async def dissolve(self) -> None:
        """Take what is ours out of the kernel, for good: routes, links, rules. OSError."""
        self._ways = None
        with _kernel_errors():
            async with AsyncIPRoute() as route:
                await remove_ways(route)
                for link in (TUNNEL, BRIDGE):
                    await remove_link(route, link)
        async with self._rules:
            await apply(rules.removal())

    def _ranges(self) -> NodeRanges:
        if self._state.ranges is None:
            raise SandboxError("the node has no pod range yet")
        return self._state.ranges

    async def _save(self) -> None:
        data = encoded(self._state, self._boot)
        # One writer thread: files are written in the order of the changes. Not synced: what
        # must survive a loss of power does not depend on it (state.py).
        await asyncio.get_running_loop().run_in_executor(
            self._writer, lambda: write_atomically(self._file, data, durable=False)
        )

    async def _write_rules(self) -> None:
        async with self._rules:
            ranges = self._ranges()
            bindings = {x.ip: x.ports for x in self._state.leases.values() if x.ports}
            await apply(rules.table(ranges.pod_cidr, ranges.cluster_cidr, bindings))


@contextmanager
def _kernel_errors() -> Iterator[None]:
    try:
        yield
    except NetlinkError as error:
        raise OSError(error.code, f"netlink: {error}") from error
