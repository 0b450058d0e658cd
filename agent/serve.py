"""Puts the agent together on a real machine and runs it."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from contextlib import AsyncExitStack
from importlib.metadata import version

import grpc.aio
from prometheus_client import CollectorRegistry, ProcessCollector

from agent import identity
from agent.agent import Agent, Bearing, Seam
from agent.checks import NetworkChecks
from agent.config import AgentConfig
from agent.identity import Membership
from agent.ledger import DiskLedger
from agent.network.node import KernelNetwork
from agent.node import address_towards, allocatable, read_machine
from agent.pages import AgentMetrics, Pages
from agent.renewing import Renewing, look_in_a_process
from agent.runtime.podman.options import PodmanOptions
from agent.runtime.podman.runtime import PodmanRuntime
from agent.standing import Standing
from agent.volumes.node import NodeVolumes
from pilothouse.process import logs, nodefacts, tls
from pilothouse.process.clock import Clock, SystemClock
from pilothouse.process.daemon import Lifetime
from pilothouse.process.nodefacts import NodeFacts
from protos.dispatch_pb2 import Welcome

logger = logging.getLogger(__name__)

ROUTE_RETRY_SECONDS = 2.0


async def serve(config: AgentConfig, lifetime: Lifetime) -> None:
    """Until cancelled. NotJoined: `pilot-agent join` comes first."""
    clock = SystemClock()
    member = membership(config)
    with logs.bind(node=member.node_name):
        node_ip = config.node_ip or await own_address(member.master, clock)
        async with AsyncExitStack() as stack:
            seam = await _seam(config, member, stack)
            await _run(config, member, node_ip, seam, clock, lifetime, stack)


def membership(config: AgentConfig) -> Membership:
    """As joining stored it, with what the settings override."""
    stored = identity.read_membership(config.identity_dir)
    if config.node_name and config.node_name != stored.node_name:
        raise ValueError(
            f"node_name: {config.node_name!r}: this machine joined as {stored.node_name!r}"
        )
    return Membership(stored.node_name, config.master or stored.master)


async def own_address(master: str, clock: Clock) -> str:
    """The address on the way to the master; a machine that boots may have none for a while."""
    while True:
        try:
            return await asyncio.to_thread(address_towards, master)
        except OSError as error:
            logger.warning("no route to the master at %s yet: %s", master, error)
            await clock.sleep(ROUTE_RETRY_SECONDS)


async def _seam(config: AgentConfig, member: Membership, stack: AsyncExitStack) -> Seam:
    machine = await asyncio.to_thread(read_machine, config.data_dir)
    network = KernelNetwork(config.data_dir / "network.json")
    await stack.enter_async_context(network.opened())
    options = PodmanOptions(
        socket=config.podman_socket, data_dir=config.data_dir, manage=config.manage_podman
    )
    runtime = PodmanRuntime(options, network)
    return Seam(
        runtime=runtime,
        network=network,
        volumes=NodeVolumes(config.data_dir / "volumes", allocatable(config, machine)),
        checks=NetworkChecks(runtime),
        ledger=DiskLedger(config.data_dir / "assignments.db"),
        unsafe_sysctls=config.allowed_unsafe_sysctls,
        announce=lambda welcome: nodefacts.write(config.netproxy_dir, facts(member, welcome)),
    )


def facts(member: Membership, welcome: Welcome) -> NodeFacts:
    """What this node's netproxy has to know."""
    return NodeFacts(
        node=member.node_name,
        master=member.master,
        pod_cidr=welcome.pod_cidr,
        cluster_cidr=welcome.cluster_cidr,
        service_cidr=welcome.service_cidr,
        dns_address=welcome.dns_address,
        cluster_domain=welcome.cluster_domain,
    )


async def _run(
    config: AgentConfig,
    member: Membership,
    node_ip: str,
    seam: Seam,
    clock: Clock,
    lifetime: Lifetime,
    stack: AsyncExitStack,
) -> None:
    rng = random.SystemRandom()
    number = version("pilothouse")
    standing = Standing(config, member.node_name, node_ip, number, seam.runtime, clock)
    await standing.look()
    bearing = Bearing(member.node_name, number, standing.me, standing.node)

    def dial() -> grpc.aio.Channel:
        # Read anew for every session: the certificate may have been renewed.
        return tls.channel(member.master, identity.read_pair(config.identity_dir, identity.AGENT))

    agent = Agent(bearing, seam, dial, clock, rng)
    await agent.restore()
    renewing = Renewing(look_in_a_process(_settings(config, member)), clock, rng)
    pages = Pages(_registry(agent, renewing), lambda: standing.engine_answers)
    stack.enter_context(pages.serving(config.health_host, config.health_port))
    async with asyncio.TaskGroup() as group:
        group.create_task(agent.run(), name="agent")
        session = agent.session
        group.create_task(standing.run(session.node_changed, session.events), name="standing")
        group.create_task(renewing.run(), name="renewing")
        lifetime.ready(f"node {member.node_name}")


def _registry(agent: Agent, renewing: Renewing) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(AgentMetrics(agent, lambda: renewing.end))
    ProcessCollector(registry=registry)
    return registry


def _settings(config: AgentConfig, member: Membership) -> tuple[str, ...]:
    """The flags that tell another pilot-agent process the same."""
    return (
        "--master",
        member.master,
        "--data-dir",
        str(config.data_dir),
        "--netproxy-dir",
        str(config.netproxy_dir),
        "--config",
        os.devnull,
    )
