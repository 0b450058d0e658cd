"""The session with the master: dialled by the agent, again and again, for as long as it runs.

In come Welcome, Assignments, Peers, acknowledgements and tunnel requests, each handed to the
Subscriber in the order of the stream; out go Hello, heartbeats, pod statuses and events. One
task reads, one writes, one keeps the heartbeat's time. The first change is sent at once;
those that follow within COALESCE go together. What has time (events, a pod that is being
started) goes with the next message that has none, GATHER later at the latest. What goes at
once goes in one message, if the master reads such.

A broken stream ends nothing on the node: dialling starts over, with back-off and jitter, a
channel made anew (so that a renewed certificate is used), Hello, and whatever was not
acknowledged. A gap in the assignments' numbering is answered with Resubscribe, and the changes
after it are ignored until a COMPLETE set comes. Not promised: that an event arrives.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import grpc
import grpc.aio

from agent.cancellation import stay_cancelled
from agent.events import EventQueue
from agent.reporter import Reporter
from pilothouse.process.backoff import Backoff
from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import NodeStatus
from protos.dispatch_pb2 import (
    AgentMessage,
    Assignments,
    Heartbeat,
    Hello,
    MasterMessage,
    Peers,
    Resubscribe,
    TunnelRequest,
    Welcome,
)
from protos.dispatch_pb2_grpc import DispatchStub

logger = logging.getLogger(__name__)

COALESCE = 0.01
GATHER = 0.2
BATCH_BYTES = 256 * 1024  # of several messages in one
WELCOME_WITHIN = 10.0
DEFAULT_HEARTBEAT = 4.0
# A session that lasted so long was a good one: the back-off starts from the beginning.
SETTLED = 10.0
_NO_RETRY_WAIT = 60.0

_Call = grpc.aio.StreamStreamCall[AgentMessage, MasterMessage]
_Messages = AsyncIterator[MasterMessage]
Dial = Callable[[], AbstractAsyncContextManager[grpc.aio.Channel]]


class Subscriber(Protocol):
    """Who acts on what the master says. No method may block."""

    def hello(self) -> Hello:
        """Who this node is, now."""
        ...

    def welcomed(self, welcome: Welcome) -> None: ...

    def assigned(self, assignments: Assignments) -> bool:
        """False: there is a gap before it, and it was ignored."""
        ...

    def peered(self, peers: Peers) -> None: ...

    def tunnel(self, request: TunnelRequest, stub: DispatchStub) -> None: ...

    def cancel_tunnel(self, tunnel: str) -> None: ...


class SessionEnded(Exception):
    """The master ended the stream; retry tells whether dialling soon makes sense."""

    def __init__(self, reason: str, *, retry: bool = True) -> None:
        super().__init__(reason)
        self.retry = retry


class Session:
    """One node's line to the master. wake() after anything to send has been queued."""

    def __init__(self, node: str, dial: Dial, clock: Clock, rng: random.Random) -> None:
        self._dial = dial
        self._clock = clock
        self._backoff = Backoff(initial=0.2, maximum=3.0, jitter=0.5, rng=rng)
        self._wake = asyncio.Event()
        self._later = asyncio.Event()
        self._heartbeat_due = False
        self._resubscribe = False
        self._batches = False
        self._node_status: NodeStatus | None = None
        self.reporter = Reporter(self._wake.set, self._later.set)
        self.events = EventQueue(node, clock, self._later.set)
        self.connected = False

    def node_changed(self, status: NodeStatus) -> None:
        """Tell the master at once, with a heartbeat."""
        self._node_status = status
        self._heartbeat_due = True
        self._wake.set()

    async def run(self, subscriber: Subscriber) -> None:
        """Dial and converse until cancelled."""
        while True:
            begun = self._clock.monotonic()
            wait_at_least = 0.0
            try:
                async with self._dial() as channel:
                    await self._converse(DispatchStub(channel), subscriber)
            except* (
                grpc.aio.AioRpcError,
                SessionEnded,
                TimeoutError,
                OSError,
                asyncio.InvalidStateError,  # grpc.aio's answer to a write on an ended call
            ) as errors:
                wait_at_least = _explain(errors)
            self.connected = False
            stay_cancelled()
            if self._clock.monotonic() - begun >= SETTLED:
                self._backoff.reset()
            await self._clock.sleep(max(self._backoff.next(), wait_at_least))

    async def _converse(self, stub: DispatchStub, subscriber: Subscriber) -> None:
        call: _Call = stub.Session()
        try:
            messages = _apart(call)
            hello = subscriber.hello()
            hello.batches = True
            await call.write(AgentMessage(hello=hello))
            async with asyncio.timeout(WELCOME_WITHIN):
                welcome = await self._welcome(messages)
            logger.info("session %s with the master", welcome.session)
            subscriber.welcomed(welcome)
            self._begin(welcome)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._send(call), name="session-send")
                group.create_task(self._beat(welcome), name="session-heartbeat")
                group.create_task(self._gather(), name="session-gather")
                await self._receive(messages, stub, subscriber)
        finally:
            call.cancel()

    async def _welcome(self, messages: _Messages) -> Welcome:
        async for message in messages:
            if message.HasField("welcome"):
                return message.welcome
            if message.HasField("goodbye"):
                raise SessionEnded(message.goodbye.reason, retry=message.goodbye.retry)
        raise SessionEnded("the master closed the stream before its Welcome")

    def _begin(self, welcome: Welcome) -> None:
        self.connected = True
        self._batches = welcome.batches
        self._resubscribe = False
        self._heartbeat_due = False
        self.reporter.reconnected()
        self._wake.set()

    async def _receive(
        self, messages: _Messages, stub: DispatchStub, subscriber: Subscriber
    ) -> None:
        async for message in messages:
            self._handle(message, stub, subscriber)
        raise SessionEnded("the master closed the stream")

    def _handle(self, message: MasterMessage, stub: DispatchStub, subscriber: Subscriber) -> None:
        match message.WhichOneof("content"):
            case "assignments":
                self._assigned(message.assignments, subscriber)
            case "status_ack":
                self.reporter.acknowledged(message.status_ack.sequence)
            case "peers":
                subscriber.peered(message.peers)
            case "tunnel":
                subscriber.tunnel(message.tunnel, stub)
            case "tunnel_cancel":
                subscriber.cancel_tunnel(message.tunnel_cancel.id)
            case "goodbye":
                raise SessionEnded(message.goodbye.reason, retry=message.goodbye.retry)
            case other:
                logger.warning("a message that this version does not know: %s", other)

    def _assigned(self, assignments: Assignments, subscriber: Subscriber) -> None:
        if not subscriber.assigned(assignments) and not self._resubscribe:
            logger.warning("gap before assignments %d: asking for all", assignments.sequence)
            self._resubscribe = True
            self._wake.set()
        elif assignments.type == Assignments.COMPLETE:
            self._resubscribe = False

    async def _beat(self, welcome: Welcome) -> None:
        period = welcome.heartbeat_period_seconds or DEFAULT_HEARTBEAT
        while True:
            await self._clock.sleep(period)
            self._heartbeat_due = True
            self._wake.set()

    async def _gather(self) -> None:
        while True:
            await self._later.wait()
            await self._clock.sleep(GATHER)
            self._later.clear()
            self._wake.set()

    async def _send(self, call: _Call) -> None:
        asked = False
        while True:
            await self._wake.wait()
            self._wake.clear()
            messages: list[AgentMessage] = []
            if self._resubscribe and not asked:
                messages.append(AgentMessage(resubscribe=Resubscribe()))
            asked = self._resubscribe
            if self._heartbeat_due:
                self._heartbeat_due = False
                messages.append(AgentMessage(heartbeat=self._heartbeat()))
            reports = self._reports()
            messages += reports
            for message in _joined(messages) if self._batches else messages:
                await call.write(message)
            if reports:
                await self._clock.sleep(COALESCE)

    def _reports(self) -> list[AgentMessage]:
        reports: list[AgentMessage] = []
        while (statuses := self.reporter.next()) is not None:
            reports.append(AgentMessage(pod_statuses=statuses))
        while (events := self.events.next()) is not None:
            reports.append(AgentMessage(events=events))
        return reports

    def _heartbeat(self) -> Heartbeat:
        status, self._node_status = self._node_status, None
        return Heartbeat() if status is None else Heartbeat(status=status)


async def _apart(call: _Call) -> _Messages:
    """Each message of the stream, and those that came in it, in their order."""
    async for message in call:
        yield message
        for more in message.more:
            yield more


def _joined(messages: list[AgentMessage]) -> Iterator[AgentMessage]:
    """The messages as fewer, of about BATCH_BYTES, in the same order."""
    batch, size = AgentMessage(), 0
    for message in messages:
        more = message.ByteSize()
        if size and size + more <= BATCH_BYTES:
            batch.more.append(message)
        else:
            if size:
                yield batch
            batch, size = message, 0
        size += more
    if size:
        yield batch


def _explain(errors: BaseExceptionGroup[BaseException]) -> float:
    """Log each leaf; the least wait before the next dial, in seconds."""
    wait = 0.0
    for error in _leaves(errors):
        if isinstance(error, grpc.aio.AioRpcError):
            logger.info("no session: %s: %s", error.code().name, error.details())
        elif isinstance(error, TimeoutError):
            logger.info("no session: no Welcome within %.0f s", WELCOME_WITHIN)
        else:
            logger.info("session ended: %s", error)
        if isinstance(error, SessionEnded) and not error.retry:
            wait = _NO_RETRY_WAIT
    return wait


def _leaves(errors: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    return [
        leaf
        for error in errors.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else (error,))
    ]
