"""The agent: what it is made of, and who gets which message of the master.

Everything that touches the machine is an argument (Seam), so that the same agent runs on
Podman and, by the thousand, in memory.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from agent.assignments import AssignmentSet
from agent.checks import Checks
from agent.ledger import Ledger
from agent.network.contract import NodeNetwork
from agent.operations import Operations
from agent.runtime.contract import Runtime
from agent.session import Dial, Session
from agent.streams import Tunnels
from agent.surroundings import Self, Surroundings
from agent.volumes.contract import Volumes
from agent.worker import Worker
from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import Node
from protos.dispatch_pb2 import Assignments, Hello, Peers, TunnelRequest, Welcome
from protos.dispatch_pb2_grpc import DispatchStub


@dataclass(frozen=True, slots=True)
class Seam:
    """What an agent works with on its machine."""

    runtime: Runtime
    network: NodeNetwork
    volumes: Volumes
    checks: Checks
    ledger: Ledger
    unsafe_sysctls: tuple[str, ...] = ()
    # Told of every Welcome that says something new, in a thread: for other processes here.
    announce: Callable[[Welcome], None] | None = None


@dataclass(frozen=True, slots=True)
class Bearing:
    """Who the node is: its name, what pods may know of it, the Node for Hello."""

    name: str
    version: str
    me: Callable[[], Self]
    node: Callable[[], Node]


class Agent:
    """A Subscriber of its own session."""

    def __init__(
        self, bearing: Bearing, seam: Seam, dial: Dial, clock: Clock, rng: random.Random
    ) -> None:
        self._bearing = bearing
        self._seam = seam
        self._instance = uuid.UUID(int=rng.getrandbits(128), version=4).hex
        self.session = Session(bearing.name, dial, clock, rng)
        self.surroundings = Surroundings(
            seam.network, seam.ledger, clock, bearing.me, seam.announce
        )
        assignments = AssignmentSet()
        operations = Operations(
            runtime=seam.runtime,
            volumes=seam.volumes,
            sources=assignments,
            checks=seam.checks,
            events=self.session.events,
            clock=clock,
            node=self.surroundings.node,
            network_ready=self.surroundings.configured,
            unsafe_sysctls=seam.unsafe_sysctls,
        )
        self.worker = Worker(operations, assignments, seam.ledger, self.session.reporter.report)
        self.tunnels = Tunnels(seam.runtime, self.worker.pod, clock)
        self.runtime_ready = asyncio.Event()

    async def restore(self) -> None:
        """Take up what an earlier agent kept; before run."""
        kept = await self._seam.ledger.load()
        self.surroundings.restore(kept)
        self.worker.restore(kept)

    async def run(self) -> None:
        """Run pods and talk to the master until cancelled; containers live on after that."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._seam.ledger.run(), name="ledger")
            group.create_task(self._seam.runtime.run(self.runtime_ready), name="runtime")
            group.create_task(self.worker.run(self.runtime_ready), name="worker")
            group.create_task(self.surroundings.run(), name="surroundings")
            self.tunnels.serve_in(group)
            group.create_task(self.session.run(self), name="session")

    # Subscriber

    def hello(self) -> Hello:
        """Who this node is, now."""
        return Hello(
            node=self._bearing.node(),
            agent_version=self._bearing.version,
            instance=self._instance,
        )

    def welcomed(self, welcome: Welcome) -> None:
        """A session has begun."""
        self.surroundings.welcomed(welcome)

    def assigned(self, assignments: Assignments) -> bool:
        """What this node has to run."""
        return self.worker.assigned(assignments)

    def peered(self, peers: Peers) -> None:
        """Where other nodes' pods are."""
        self.surroundings.peered(peers)

    def tunnel(self, request: TunnelRequest, stub: DispatchStub) -> None:
        """Somebody wants to talk to a container."""
        self.tunnels.open(request, stub)

    def cancel_tunnel(self, tunnel: str) -> None:
        """Nobody does any more."""
        self.tunnels.cancel(tunnel)
