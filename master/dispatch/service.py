"""The Dispatch service: sessions and tunnels of agents, renewal of certificates.

In: the streams of agents. Out: the Node object of each, its lease, its pods' statuses and
events in the store; its assignments and peers on the stream. The work for one event touches
just the sessions that it concerns: the index says which.

The invariant: an agent acts as the node that its certificate names, and on nothing but this node
and the pods bound to it. (An administrator may act as any node: so do hollow ones, which share a
connection.) A session begins only when the informers have synced, because a COMPLETE
set ends every pod that is not in it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from master.dispatch.batches import joined
from master.dispatch.feeds import Feeds
from master.dispatch.heartbeats import Beat, Heartbeats
from master.dispatch.nodes import NodeReport, NodeWriter
from master.dispatch.reports import EventReports
from master.dispatch.sessions import Session, Sessions
from master.dispatch.statuses import StatusWriter
from master.dispatch.tunnels import Tunnels, serve_agent
from master.identity.authentication import authenticate, peer_of
from master.identity.calls import answering
from master.identity.enrollment import Signer
from pilothouse.objects.errors import ApiError, BadRequest, Forbidden
from pilothouse.process import logs
from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import Node
from protos.dispatch_pb2 import (
    AgentMessage,
    Hello,
    MasterMessage,
    PodStatuses,
    RenewRequest,
    RenewResponse,
    TunnelUp,
    Welcome,
)
from protos.dispatch_pb2_grpc import DispatchServicer

FIRST_MESSAGE_SECONDS = 30.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """What every Welcome says."""

    heartbeat_period_seconds: float
    lost_after_seconds: float
    cluster_cidr: str
    service_cidr: str
    dns_address: str
    cluster_domain: str

    def welcome(self, session: str, pod_cidr: str) -> MasterMessage:
        """For one node."""
        return MasterMessage(
            welcome=Welcome(
                session=session,
                heartbeat_period_seconds=self.heartbeat_period_seconds,
                lost_after_seconds=self.lost_after_seconds,
                pod_cidr=pod_cidr,
                cluster_cidr=self.cluster_cidr,
                service_cidr=self.service_cidr,
                dns_address=self.dns_address,
                cluster_domain=self.cluster_domain,
                batches=True,
            )
        )


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service works with."""

    terms: Terms
    clock: Clock
    sessions: Sessions
    feeds: Feeds
    heartbeats: Heartbeats
    nodes: NodeWriter
    statuses: StatusWriter
    reports: EventReports
    tunnels: Tunnels
    signer: Signer


class DispatchService(DispatchServicer):
    """See the module."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def Session(self, requests: AsyncIterator[AgentMessage], context: Any) -> None:  # noqa: N802
        """One agent's stream, until either side ends it."""
        async with answering(context):
            node = _node_of(context)
            with logs.bind(node=node):
                conversation = await self._begin(requests, node, peer_of(context).expires_at)
                await conversation.run(requests, context)

    async def _begin(
        self, requests: AsyncIterator[AgentMessage], node: str, expires_at: float
    ) -> Conversation:
        # What is read here is large and the session is long: nothing of it is kept.
        hello = await _hello(requests, node)
        await self._parts.feeds.synced()
        stored = await self._parts.nodes.register(hello.node)
        report = self._parts.nodes.report(node, hello.node.status)
        session = Session(node, hello.instance, batches=hello.batches)
        return Conversation(self._parts, session, _identity_of(stored), report, expires_at)

    async def Tunnel(self, requests: AsyncIterator[TunnelUp], context: Any) -> None:  # noqa: N802
        """The agent's side of a caller's stream."""
        async with answering(context):
            node = _node_of(context)
            first = await _first(requests)
            if first is None or first.WhichOneof("content") != "opened":
                raise BadRequest("the first message of a tunnel must be opened")
            tunnel = self._parts.tunnels.claim(node, first.opened)
            await serve_agent(tunnel, requests, context)

    async def Renew(self, request: RenewRequest, context: Any) -> RenewResponse:  # noqa: N802
        """A new certificate for the name in the caller's."""
        async with answering(context):
            user = peer_of(context).user
            certificate = self._parts.signer.renew(request.csr, user)
            logger.info('renewed the certificate of "%s"', user.name)
            return RenewResponse(certificate=certificate, ca=self._parts.signer.ca)


class Conversation:
    """One session's stream: reads what the agent says, writes what waits for it.

    It does not outlive the certificate that it began with: the agent, which has renewed it in
    time, dials again.
    """

    def __init__(
        self,
        parts: Parts,
        session: Session,
        stored: Node,
        report: NodeReport,
        expires_at: float,
    ) -> None:
        self._parts = parts
        self._session = session
        self._stored = stored
        self._report = report
        self._expires_at = expires_at

    async def run(self, requests: AsyncIterator[AgentMessage], context: Any) -> None:
        """Until goodbye is said, or the stream breaks (then it is cancelled)."""
        session = self._session
        self._parts.sessions.put(session)
        self._beat()
        session.post(self._parts.terms.welcome(session.id, self._stored.spec.pod_cidr))
        logger.info("session %s begins, agent instance %s", session.id, session.instance)
        try:
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(self._read(requests), name="session-read")
                await self._write(context)
                reader.cancel()
        finally:
            if self._parts.sessions.remove(session):
                self._parts.heartbeats.forget(session.node)
            logger.info("session %s is over", session.id)

    async def _write(self, context: Any) -> None:
        while not self._session.over:
            await self._session.changed()
            await self._say(context)

    async def _say(self, context: Any) -> None:
        # A function of its own: while the session waits, it must not hold what it said last.
        messages = self._session.take(self._parts.feeds.index, self._parts.feeds.peers)
        for message in joined(messages) if self._session.batches else messages:
            await context.write(message)

    async def _read(self, requests: AsyncIterator[AgentMessage]) -> None:
        try:
            async for message in requests:
                await self._hear(message)
                del message  # which may be large, and the next one far away
        except ApiError as error:
            logger.warning("session %s ends: %s", self._session.id, error)
            self._session.end(error.message, retry=True)
        else:
            self._session.end("the agent has ended the session", retry=False)

    async def _hear(self, message: AgentMessage) -> None:
        await self._take(message)
        for more in message.more:
            await self._take(more)

    async def _take(self, message: AgentMessage) -> None:
        match message.WhichOneof("content"):
            case "heartbeat":
                self._beat()
                said = message.heartbeat
                await self._report.heartbeat(said.status if said.HasField("status") else None)
            case "pod_statuses":
                await self._take_statuses(message.pod_statuses)
            case "events":
                self._parts.reports.offer(self._session.node, message.events.events)
            case "resubscribe":
                self._session.outbox.resubscribe()
                self._session.wake()
            case "hello":
                raise BadRequest("a session has one hello")

    async def _take_statuses(self, statuses: PodStatuses) -> None:
        expect = self._session.outbox.expect_echo
        await self._parts.statuses.write(self._session.node, statuses.entries, expect)
        self._session.acknowledge(statuses.sequence, self._parts.sessions.patience)

    def _beat(self) -> None:
        now = self._parts.clock.now()
        if now >= self._expires_at:
            self._session.end("the certificate of this connection has expired", retry=True)
        else:
            self._parts.heartbeats.beat(Beat(self._stored, now))


def _node_of(context: Any) -> str:
    user = authenticate(context)
    if not user.node:
        raise Forbidden(f'"{user.name}" is not a node')
    return user.node


def _identity_of(stored: Node) -> Node:
    """The little of a Node that its lease and its Welcome need."""
    node = Node()
    node.metadata.name, node.metadata.uid = stored.metadata.name, stored.metadata.uid
    node.metadata.creation_timestamp.CopyFrom(stored.metadata.creation_timestamp)
    node.spec.pod_cidr = stored.spec.pod_cidr
    return node


async def _hello(requests: AsyncIterator[AgentMessage], node: str) -> Hello:
    first = await _first(requests)
    if first is None or first.WhichOneof("content") != "hello":
        raise BadRequest("the first message of a session must be hello")
    name = first.hello.node.metadata.name
    if name != node:
        raise Forbidden(f'the certificate is for node "{node}", the hello for "{name}"')
    hello: Hello = first.hello
    return hello


async def _first(requests: AsyncIterator[Any]) -> Any:
    try:
        async with asyncio.timeout(FIRST_MESSAGE_SECONDS):
            return await anext(requests, None)
    except TimeoutError:
        raise BadRequest(f"no message within {FIRST_MESSAGE_SECONDS:.0f} s") from None
