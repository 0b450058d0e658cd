"""What the master tells a node of the cluster: address ranges, name service, peers.

In come Welcome and Peers; out go calls on the node's network, newest wins, tried again with
back-off until they succeed, and an environment.Node for the pods. The Welcome is kept in the
ledger, so that pods can be made after a restart with no master. configured is set once the
network has been told its ranges.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent import environment
from agent.ledger import Ledger
from agent.network.contract import NodeNetwork, NodeRanges, Peer
from pilothouse.process.backoff import Backoff
from pilothouse.process.clock import Clock
from protos.dispatch_pb2 import Assignments, Peers, Welcome

logger = logging.getLogger(__name__)

WELCOME = "welcome"


@dataclass(frozen=True, slots=True)
class Self:
    """What the node knows of itself. allocatable and the resolver are the machine's own."""

    name: str
    ip: str
    allocatable: Mapping[str, int]
    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()


class Surroundings:
    """See the module. me() is asked whenever pods need it; announce, in a thread, tells others on
    this machine what a new Welcome says."""

    def __init__(
        self,
        network: NodeNetwork,
        ledger: Ledger,
        clock: Clock,
        me: Callable[[], Self],
        announce: Callable[[Welcome], None] | None = None,
    ) -> None:
        self._network = network
        self._ledger = ledger
        self._clock = clock
        self._me = me
        self._announce = announce
        self._welcome: Welcome | None = None
        self._announced: Welcome | None = None
        self._peers: dict[str, Peer] = {}
        self._peers_known = False
        self._wake = asyncio.Event()
        self._backoff = Backoff(initial=0.5, maximum=10.0)
        self._node: tuple[Self, Welcome | None, environment.Node] | None = None
        self.configured = asyncio.Event()

    def restore(self, kept: Mapping[str, bytes]) -> None:
        """Take up what the ledger kept."""
        if WELCOME in kept:
            self._welcome = Welcome.FromString(kept[WELCOME])
            self._wake.set()

    def welcomed(self, welcome: Welcome) -> None:
        """A session has begun."""
        lasting = Welcome()
        lasting.CopyFrom(welcome)
        lasting.session = ""
        if lasting != self._welcome:
            self._welcome = lasting
            self._ledger.put(WELCOME, lasting.SerializeToString())
            self._wake.set()

    def peered(self, peers: Peers) -> None:
        """Other nodes came, moved or went."""
        if peers.type == Assignments.COMPLETE:
            self._peers.clear()
        for entry in peers.set:
            self._peers[entry.node] = Peer(entry.node, entry.address, entry.pod_cidr)
        for name in peers.removed:
            self._peers.pop(name, None)
        self._peers_known = True
        self._wake.set()

    def node(self) -> environment.Node:
        """What pods may know of the node and the cluster."""
        me, welcome = self._me(), self._welcome
        if self._node is None or self._node[0] is not me or self._node[1] is not welcome:
            self._node = (me, welcome, _node(me, welcome if welcome is not None else Welcome()))
        return self._node[2]

    async def run(self) -> None:
        """Keep the network as told, until cancelled."""
        applied: NodeRanges | None = None
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                applied = await self._apply(applied)
            except Exception:  # the loop's boundary: a kernel's refusal is tried again
                logger.exception("the pod network is not as it should be")
                await self._clock.sleep(self._backoff.next())
                self._wake.set()
            else:
                self._backoff.reset()

    async def _apply(self, applied: NodeRanges | None) -> NodeRanges | None:
        welcome = self._welcome
        if welcome is None or not welcome.pod_cidr:
            return applied
        ranges = NodeRanges(welcome.pod_cidr, welcome.cluster_cidr, self._me().ip)
        if ranges != applied:
            await self._network.configure(ranges)
            self.configured.set()
        if self._announce is not None and welcome is not self._announced:
            await asyncio.to_thread(self._announce, welcome)
            self._announced = welcome
        if self._peers_known:
            others = [peer for peer in self._peers.values() if peer.node != self._me().name]
            await self._network.set_peers(others)
        return ranges


def _node(me: Self, welcome: Welcome) -> environment.Node:
    return environment.Node(
        name=me.name,
        host_ips=(me.ip,) if me.ip else (),
        cluster_domain=welcome.cluster_domain or "cluster.local",
        dns_address=welcome.dns_address,
        nameservers=me.nameservers,
        searches=me.searches,
        allocatable=me.allocatable,
    )
