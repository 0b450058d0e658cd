"""Hollow nodes: whole agents over an in-memory machine, thousands in a process.

Sessions, assignments, lifecycle and reports are the real ones; only containers, volumes and
the pod network are not. For benchmarks and simulation.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc.aio

from agent.agent import Agent, Bearing, Seam
from agent.checks import HollowChecks
from agent.ledger import MemoryLedger
from agent.runtime.machine import Machine
from agent.runtime.memory import MemoryRuntime
from agent.runtime.specs import Mount, Pairs, PodUID
from agent.surroundings import Self
from agent.volumes.contract import Sources, VolumeFault
from pilothouse.process.clock import Clock, SystemClock
from protos.core_v1_pb2 import Container, Node, Pod
from protos.dispatch_pb2 import Peers

VERSION = "hollow"


class HollowVolumes:
    """Volumes without files: what is missing is missed, nothing is written."""

    def __init__(self) -> None:
        self._pods: set[PodUID] = set()

    async def prepare(self, pod: Pod, sources: Sources) -> None:
        """VolumeFault: a config map or secret of a volume does not exist."""
        for volume in pod.spec.volumes:
            source, namespace = volume.volume_source, pod.metadata.namespace
            if source.HasField("config_map") and not source.config_map.optional:
                name = source.config_map.local_object_reference.name
                if sources.config_map(namespace, name) is None:
                    raise VolumeFault(f'volume "{volume.name}": configmap "{name}" not found')
            if source.HasField("secret") and not source.secret.optional:
                name = source.secret.secret_name
                if sources.secret(namespace, name) is None:
                    raise VolumeFault(f'volume "{volume.name}": secret "{name}" not found')
        self._pods.add(PodUID(pod.metadata.uid))

    def mounts(self, pod: Pod, container: Container, env: Pairs) -> tuple[Mount, ...]:
        """None are needed."""
        return ()

    async def remove(self, pod: PodUID) -> None:
        """Forget it."""
        self._pods.discard(pod)

    async def usage(self, pod: Pod) -> dict[str, int]:
        """Nothing is written."""
        return {}

    async def known(self) -> tuple[PodUID, ...]:
        """Pods that were prepared and not removed."""
        return tuple(self._pods)


def hollow_node(name: str, address: str, *, cpu: str, memory: str, pods: int) -> Node:
    """The Node that a hollow node introduces itself as."""
    node = Node()
    node.metadata.name = name
    node.metadata.labels["kubernetes.io/hostname"] = name
    node.metadata.labels["kubernetes.io/os"] = "linux"
    node.metadata.labels["kubernetes.io/arch"] = "amd64"
    amounts = {"cpu": cpu, "memory": memory, "pods": str(pods), "ephemeral-storage": "100Gi"}
    for resource, amount in amounts.items():
        node.status.capacity[resource].string = amount
        node.status.allocatable[resource].string = amount
    node.status.addresses.add(type="InternalIP", address=address)
    node.status.addresses.add(type="Hostname", address=name)
    node.status.conditions.add(type="Ready", status="True", reason="AgentReady")
    node.status.node_info.kubelet_version = VERSION
    node.status.node_info.container_runtime_version = "memory://1"
    return node


class _Alone(Agent):
    """Sends no packets, so it need not know where: a table of all nodes in each of thousands
    of nodes would be most of what their process holds."""

    def peered(self, peers: Peers) -> None:
        """Forget it."""


class HollowNode:
    """One node on the given channel, which stays the caller's: it is never closed here.

    machine outlives the node, as a real one does: another HollowNode over the same machine
    adopts its pods. peers: whether its network is told of the other nodes.
    """

    def __init__(
        self,
        name: str,
        channel: grpc.aio.Channel,
        *,
        address: str = "192.0.2.1",
        cpu: str = "32",
        memory: str = "64Gi",
        pods: int = 110,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        machine: Machine | None = None,
        peers: bool = True,
    ) -> None:
        self.name = name
        self._channel = channel
        clock = clock if clock is not None else SystemClock()
        self.machine = machine if machine is not None else Machine(clock)
        node = hollow_node(name, address, cpu=cpu, memory=memory, pods=pods)
        me = Self(name, address, {})
        runtime = MemoryRuntime(self.machine)
        seam = Seam(
            runtime=runtime,
            network=self.machine.network,
            volumes=HollowVolumes(),
            checks=HollowChecks(runtime),
            ledger=MemoryLedger(),
        )
        bearing = Bearing(name, VERSION, lambda: me, lambda: node)
        if rng is None:
            rng = random.Random(name)  # noqa: S311 - for jitter
        self.agent = (Agent if peers else _Alone)(bearing, seam, self._dial, clock, rng)

    @asynccontextmanager
    async def _dial(self) -> AsyncIterator[grpc.aio.Channel]:
        yield self._channel

    async def run(self) -> None:
        """Be a node until cancelled."""
        await self.agent.run()

    @property
    def connected(self) -> asyncio.Event:
        """Set once the node has pod addresses to give, which the first Welcome tells."""
        return self.agent.surroundings.configured
