"""A node that is a session and nothing else: whatever is assigned runs at once.

It says what an agent says, in the same messages: its node, heartbeats, for each pod a status
with the conditions and container statuses of a running one, and four events.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio

from agent.hollow import VERSION, hollow_node
from agent.session import Session
from pilothouse.process.clock import SystemClock
from protos.core_v1_pb2 import Pod, PodStatus
from protos.dispatch_pb2 import Assignments, Hello, Peers, PodStatuses, TunnelRequest, Welcome
from protos.dispatch_pb2_grpc import DispatchStub

_EVENTS = (
    ("Pulling", 'Pulling image "{image}"'),
    ("Pulled", 'Successfully pulled image "{image}" in 0.000s'),
    ("Created", "Created container: {name}"),
    ("Started", "Started container {name}"),
)
_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")


class ShellNode:
    """A Subscriber of its own session, on a channel which stays the caller's."""

    def __init__(self, name: str, channel: Any, address: str) -> None:
        self._name = name
        self._channel = channel
        self._address = address
        self._clock = SystemClock()
        self._session = Session(name, self._dial, self._clock, random.Random(name))
        self._sequence = 0
        self._running: set[str] = set()
        self._subnet = ""
        self.connected = asyncio.Event()

    @asynccontextmanager
    async def _dial(self) -> AsyncIterator[grpc.aio.Channel]:
        yield self._channel

    async def run(self) -> None:
        """Be a node until cancelled."""
        await self._session.run(self)

    # Subscriber

    def hello(self) -> Hello:
        """Who it is."""
        node = hollow_node(self._name, self._address, cpu="32", memory="64Gi", pods=110)
        return Hello(node=node, agent_version=VERSION, instance=self._name)

    def welcomed(self, welcome: Welcome) -> None:
        """The session has begun."""
        self._subnet = welcome.pod_cidr.rpartition(".")[0]
        self.connected.set()

    def assigned(self, assignments: Assignments) -> bool:
        """Run what is new, end what is ending; False: there is a gap."""
        complete = assignments.type == Assignments.COMPLETE
        if not complete and assignments.sequence != self._sequence + 1:
            return False
        self._sequence = assignments.sequence
        for wrapped in assignments.set:
            if wrapped.HasField("pod"):
                self._follow(wrapped.pod)
        for removed in assignments.removed:
            self._running.discard(removed.uid)
        return True

    def peered(self, peers: Peers) -> None:
        """It sends no packets."""

    def tunnel(self, request: TunnelRequest, stub: DispatchStub) -> None:
        """Nobody calls."""

    def cancel_tunnel(self, tunnel: str) -> None:
        """Nobody called."""

    def _follow(self, pod: Pod) -> None:
        metadata = pod.metadata
        ending = metadata.HasField("deletion_timestamp")
        if metadata.uid in self._running and not ending:
            return
        self._running.add(metadata.uid)
        entry = PodStatuses.Entry(
            namespace=metadata.namespace,
            name=metadata.name,
            uid=metadata.uid,
            terminated=ending,
            status=self._status(pod),
        )
        if not ending:
            container = pod.spec.containers[0]
            for reason, message in _EVENTS:
                text = message.format(image=container.image, name=container.name)
                self._session.events.of_pod(pod, reason, text, container=container.name)
        self._session.reporter.report(entry)

    def _status(self, pod: Pod) -> PodStatus:
        now = int(self._clock.now())
        status = PodStatus(phase="Running", host_ip=self._address)
        status.start_time.seconds = now
        for kind in _CONDITIONS:
            status.conditions.add(type=kind, status="True").last_transition_time.seconds = now
        status.pod_ip = f"{self._subnet}.{len(self._running) % 250 + 2}"
        status.pod_ips.add(ip=status.pod_ip)
        status.host_ips.add(ip=self._address)
        for container in pod.spec.containers:
            shown = status.container_statuses.add(
                name=container.name,
                image=container.image,
                image_id=f"sha256:{pod.metadata.uid}",
                container_id=f"podman://{pod.metadata.uid}/{container.name}",
                ready=True,
                started=True,
            )
            shown.state.running.started_at.seconds = now
        return status
