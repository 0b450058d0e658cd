"""A working fake of the master's Dispatch and Enrollment services, over real gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc.aio

from protos.core_v1_pb2 import Event, Pod
from protos.dispatch_pb2 import (
    AgentMessage,
    Assignments,
    Goodbye,
    Hello,
    MasterMessage,
    PodStatuses,
    StatusAck,
    TunnelDown,
    TunnelRequest,
    TunnelUp,
    Welcome,
)
from protos.dispatch_pb2_grpc import DispatchServicer, add_DispatchServicer_to_server
from protos.resources_pb2 import Object, StreamInput

DEADLINE = 10.0


@dataclass(slots=True)
class Wire:
    """The master's side of one."""

    up: asyncio.Queue[TunnelUp | None] = field(default_factory=asyncio.Queue)
    down: asyncio.Queue[StreamInput | None] = field(default_factory=asyncio.Queue)


class FakeMaster(DispatchServicer):
    """Holds pods of one node, assigns them as the protocol says, keeps what it is told."""

    def __init__(self, *, acknowledges: bool = True, batches: bool = False) -> None:
        self.batches = batches
        self.joint: list[list[str]] = []  # what came together in one message
        self.pods: dict[str, Object] = {}
        self.acknowledges = acknowledges
        self.hellos: list[Hello] = []
        self.heartbeats = 0
        self.resubscribed = 0
        self.messages: list[PodStatuses] = []
        self.events: list[Event] = []
        self.tunnels: dict[str, Wire] = {}
        self.sequence = 0
        self.skip = 0  # numbers that get lost before the next update
        self.heartbeat_period = 0.05
        self.refuse: grpc.StatusCode | None = None
        self._outbox: asyncio.Queue[MasterMessage | None] | None = None
        self._changed = asyncio.Condition()

    # The service

    async def Session(  # noqa: N802
        self, requests: AsyncIterator[AgentMessage], context: Any
    ) -> AsyncIterator[MasterMessage]:
        if self.refuse is not None:
            await context.abort(self.refuse, "refused by the test")
        outbox: asyncio.Queue[MasterMessage | None] = asyncio.Queue()
        self._outbox = outbox
        self.hellos.append((await anext(aiter(requests))).hello)
        outbox.put_nowait(MasterMessage(welcome=self.welcome()))
        outbox.put_nowait(self._complete())
        await self._note()
        reader = asyncio.create_task(self._read(requests, outbox))
        try:
            while (message := await outbox.get()) is not None:
                yield message
        finally:
            reader.cancel()
            if self._outbox is outbox:
                self._outbox = None

    async def _read(
        self, requests: AsyncIterator[AgentMessage], outbox: asyncio.Queue[MasterMessage | None]
    ) -> None:
        async for message in _apart(requests, self.joint):
            match message.WhichOneof("content"):
                case "heartbeat":
                    self.heartbeats += 1
                case "pod_statuses":
                    self.messages.append(message.pod_statuses)
                    if self.acknowledges:
                        ack = StatusAck(sequence=message.pod_statuses.sequence)
                        outbox.put_nowait(MasterMessage(status_ack=ack))
                case "events":
                    self.events.extend(message.events.events)
                case "resubscribe":
                    self.resubscribed += 1
                    outbox.put_nowait(self._complete())
            await self._note()

    async def Tunnel(  # noqa: N802
        self, requests: AsyncIterator[TunnelUp], context: Any
    ) -> AsyncIterator[TunnelDown]:
        messages = aiter(requests)
        tunnel = self.tunnels[(await anext(messages)).opened]
        reader = asyncio.create_task(_pump(messages, tunnel))
        try:
            while True:
                taking = asyncio.create_task(tunnel.down.get())
                await asyncio.wait((taking, reader), return_when=asyncio.FIRST_COMPLETED)
                if not taking.done():
                    taking.cancel()
                    return
                said = taking.result()
                if said is None:
                    return
                yield TunnelDown(input=said)
        finally:
            reader.cancel()

    # What a test does

    def welcome(self) -> Welcome:
        return Welcome(
            session="s",
            heartbeat_period_seconds=self.heartbeat_period,
            pod_cidr="10.244.1.0/24",
            cluster_cidr="10.244.0.0/16",
            dns_address="10.96.0.10",
            cluster_domain="cluster.local",
            batches=self.batches,
        )

    def _complete(self) -> MasterMessage:
        self.sequence += 1
        return MasterMessage(
            assignments=Assignments(
                type=Assignments.COMPLETE, sequence=self.sequence, set=self.pods.values()
            )
        )

    def assign(self, pod: Pod) -> None:
        """Bind a pod to the node, or change it."""
        self.say(self.update(pod))

    def update(self, pod: Pod) -> MasterMessage:
        """What says so."""
        self.pods[pod.metadata.name] = Object(pod=pod)
        self.sequence += 1 + self.skip
        self.skip = 0
        update = Assignments(
            type=Assignments.INCREMENTAL, sequence=self.sequence, set=[Object(pod=pod)]
        )
        return MasterMessage(assignments=update)

    def say(self, message: MasterMessage) -> None:
        """To the node, if it is there."""
        if self._outbox is not None:
            self._outbox.put_nowait(message)

    def open_tunnel(self, request: TunnelRequest) -> Wire:
        """Ask the agent for one."""
        tunnel = self.tunnels[request.id] = Wire()
        self.say(MasterMessage(tunnel=request))
        return tunnel

    def goodbye(self, *, retry: bool) -> None:
        """End the session."""
        self.say(MasterMessage(goodbye=Goodbye(reason="test", retry=retry)))

    def hang_up(self) -> None:
        """Close the stream without a word."""
        if self._outbox is not None:
            self._outbox.put_nowait(None)

    def newest(self, uid: str) -> PodStatuses.Entry | None:
        """What was reported last of a pod."""
        for message in reversed(self.messages):
            for entry in message.entries:
                if entry.uid == uid:
                    return entry
        return None

    def phase(self, uid: str) -> str:
        """The pod's newest reported phase."""
        entry = self.newest(uid)
        return entry.status.phase if entry is not None else ""

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something that the node says makes the condition hold."""
        async with asyncio.timeout(DEADLINE), self._changed:
            await self._changed.wait_for(condition)

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def _pump(messages: AsyncIterator[TunnelUp], tunnel: Wire) -> None:
    async for message in messages:
        tunnel.up.put_nowait(message)
    tunnel.up.put_nowait(None)


async def _apart(
    requests: AsyncIterator[AgentMessage], joint: list[list[str]]
) -> AsyncIterator[AgentMessage]:
    async for message in requests:
        messages = [message, *message.more]
        joint.append([part.WhichOneof("content") or "" for part in messages])
        for part in messages:
            yield part


@asynccontextmanager
async def serving(master: FakeMaster, port: int = 0) -> AsyncIterator[int]:
    """The port on loopback on which the master answers."""
    server = grpc.aio.server()
    add_DispatchServicer_to_server(master, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(None)
