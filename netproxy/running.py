"""The netproxy's parts and their order of coming up.

It waits for its identity and the node's facts, which the agent leaves in data_dir, then follows
services and endpoint slices, keeps the kernel's rules and answers DNS. Until it has heard from
the master the rules of before stay as they are, and DNS answers the cluster's names with
SERVFAIL rather than denying them. Rules and the DNS address stay when it ends: connections go
on, and the next start reconciles. A failing DNS server never keeps the rules from being written.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from contextlib import closing
from pathlib import Path

from netproxy import addresses
from netproxy.backends.libnftables import LibNftables
from netproxy.backends.nftables import NftablesBackend
from netproxy.config import NetproxyConfig
from netproxy.dns.directory import InformerDirectory, addresses_of, endpoints_of, namespace_of
from netproxy.dns.serving import DnsServer
from netproxy.dns.zone import Zone
from netproxy.pages import Metrics, Pages
from netproxy.stale import forget
from netproxy.syncing import Syncing, service_of
from pilothouse.client.aio import Client
from pilothouse.process import nodefacts, tls
from pilothouse.process.backoff import Backoff
from pilothouse.process.daemon import Lifetime
from pilothouse.process.informer import Informer
from pilothouse.process.nodefacts import NodeFacts
from pilothouse.process.tls import KeyPair
from protos.core_v1_pb2 import Service
from protos.discovery_v1_pb2 import EndpointSlice

WAIT = 0.25
LOOK_EVERY = 5.0

logger = logging.getLogger(__name__)


class FactsChanged(Exception):
    """The cluster's ranges or the master are not what was told before."""


def read_pair(directory: Path) -> KeyPair | None:
    """The identity; None while the node has not joined."""
    try:
        return KeyPair.read(
            directory / "ca.crt", directory / "netproxy.crt", directory / "netproxy.key"
        )
    except FileNotFoundError:
        return None


async def run(config: NetproxyConfig, lifetime: Lifetime) -> None:
    """Serve until cancelled. OSError: the health port is taken; BackendError: no libnftables."""
    metrics = Metrics()
    ready: list[Syncing] = []
    pages = Pages(metrics, lambda: any(syncing.applied for syncing in ready))
    pages.start(config.health_host, config.health_port)
    lifetime.ready("waiting for the node's agent")
    try:
        with closing(LibNftables.open()) as nft:
            while True:
                facts, pair = await _wait_for_node(config)
                node = Running(config, facts, pair, metrics, ready)
                try:
                    await node.run(nft)
                except* FactsChanged as changed:
                    logger.info("starting anew: %s", changed.exceptions[0])
                    await asyncio.to_thread(_release, facts)
    finally:
        pages.stop()


async def _wait_for_node(config: NetproxyConfig) -> tuple[NodeFacts, KeyPair]:
    said = False
    while True:
        facts, pair = nodefacts.read(config.data_dir), read_pair(config.data_dir)
        if facts is not None and pair is not None:
            return facts, pair
        if not said:
            logger.info("waiting for this node's agent to join (nothing in %s)", config.data_dir)
            said = True
        await asyncio.sleep(WAIT)


def _release(facts: NodeFacts) -> None:
    addresses.release_address(facts.dns_address)
    addresses.release_route(facts.service_cidr)


def _keep_for_long() -> None:
    """What there is now stays: without this, each full garbage collection walks all of it, and
    with 10,000 services a change waits 0.1 s for that."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


class Running:
    """One run with the same facts. The `ready` list gets the syncing that decides readiness."""

    def __init__(
        self,
        config: NetproxyConfig,
        facts: NodeFacts,
        pair: KeyPair,
        metrics: Metrics,
        ready: list[Syncing],
    ) -> None:
        self._config = config
        self._facts = facts
        self._pair = pair
        self._metrics = metrics
        self._ready = ready
        self._node = config.node_name or facts.node
        self._master = config.master or facts.master

    async def run(self, nft: LibNftables) -> None:
        """Until cancelled; FactsChanged in an exception group when the agent says otherwise."""
        facts = self._facts
        logger.info("node %s, master %s, services %s", self._node, self._master, facts.service_cidr)
        async with Client(tls.channel(self._master, self._pair)) as client:
            services: Informer[Service] = Informer(
                client, Service, indexers={"namespace": namespace_of, "address": addresses_of}
            )
            slices: Informer[EndpointSlice] = Informer(
                client, EndpointSlice, indexers={"service": service_of, "endpoint": endpoints_of}
            )
            syncing = self._syncing(services, slices, nft)
            self._ready[:] = [syncing]
            self._metrics.count_services(lambda: syncing.services)
            async with asyncio.TaskGroup() as group:
                group.create_task(services.run(), name="services")
                group.create_task(slices.run(), name="slices")
                group.create_task(syncing.run(), name="syncing")
                group.create_task(self._follow_files(client), name="files")
                group.create_task(self._hold_route(), name="route")
                if self._config.dns:
                    directory = InformerDirectory(services, slices, lambda: syncing.applied)
                    group.create_task(self._serve_dns(directory), name="dns")

    def _syncing(
        self, services: Informer[Service], slices: Informer[EndpointSlice], nft: LibNftables
    ) -> Syncing:
        facts = self._facts
        backend = NftablesBackend(
            nft.run,
            cluster_cidr=facts.cluster_cidr,
            pod_cidr=facts.pod_cidr,
            service_cidr=facts.service_cidr,
        )
        return Syncing(
            services,
            slices,
            backend,
            node=self._node,
            service_cidr=facts.service_cidr,
            forget=forget,
            observe=self._metrics.observe,
            settled=_keep_for_long,
        )

    async def _follow_files(self, client: Client) -> None:
        """A renewed certificate is used from now on; new facts start everything anew."""
        pair = self._pair
        while True:
            await asyncio.sleep(LOOK_EVERY)
            told = nodefacts.read(self._config.data_dir)
            if told is not None and told != self._facts:
                raise FactsChanged(f"{self._facts} → {told}")
            renewed = read_pair(self._config.data_dir)
            if renewed is not None and renewed != pair:
                logger.info("using the renewed certificate")
                await client.redial(tls.channel(self._master, renewed))
                pair = renewed

    async def _hold_route(self) -> None:
        """Keep service addresses routable for this node, whatever becomes of its other routes."""
        said = ""
        while True:
            try:
                await asyncio.to_thread(self._hold_route_once)
                said = ""
            except OSError as error:
                if str(error) != said:
                    said = str(error)
                    logger.warning("this node cannot reach service addresses: %s", said)
            await asyncio.sleep(LOOK_EVERY)

    def _hold_route_once(self) -> None:
        facts = self._facts
        source = addresses.source_of_node(self._master.rpartition(":")[0], facts.pod_cidr)
        if source is not None:
            addresses.hold_route(facts.service_cidr, source)

    async def _serve_dns(self, directory: InformerDirectory) -> None:
        facts = self._facts
        zone = Zone(
            facts.cluster_domain,
            directory,
            server=facts.dns_address,
            ranges=(facts.service_cidr, facts.cluster_cidr),
        )
        server = DnsServer(zone, self._upstreams, observe=self._metrics.observe_question)
        backoff = Backoff(initial=0.5, maximum=10.0)
        while True:
            try:
                await asyncio.to_thread(addresses.hold_address, facts.dns_address)
                logger.info(
                    "DNS on %s, other names from %s",
                    facts.dns_address,
                    self._upstreams() or "nowhere",
                )
                await server.run(facts.dns_address)
            except* OSError as failed:
                logger.error("DNS on %s: %s", facts.dns_address, failed.exceptions[0])  # noqa: TRY400 - tried again
            await asyncio.sleep(backoff.next())

    def _upstreams(self) -> tuple[str, ...]:
        """Read for every question asked elsewhere, for it changes with the network."""
        found = addresses.name_servers(self._config.resolv_conf)
        return tuple(address for address in found if address != self._facts.dns_address)
