"""Writes the Node objects of agents: at a Hello, and when what they report changes.

In: the Node in a Hello, statuses in heartbeats. Out: the stored Node. A status is written when
it says something new, when the stored one has come to say something else (node health declares
a silent node unknown), and otherwise once in REFRESH_SECONDS. So a master that restarts is not
met by a write from every agent.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from master.dispatch import registration
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Invalid,
    NotFound,
    TooLarge,
)
from pilothouse.process.clock import Clock
from pilothouse.process.informer import Informer
from protos.core_v1_pb2 import Node, NodeStatus

ATTEMPTS = 5
REFRESH_SECONDS = 300.0

T = TypeVar("T")

logger = logging.getLogger(__name__)


class NodeWriter:
    """See the module."""

    def __init__(self, client: ResourceClient, nodes: Informer[Node], clock: Clock) -> None:
        self._client = client
        self._nodes = nodes
        self._clock = clock

    async def register(self, said: Node) -> Node:
        """The stored Node of an agent that says hello: created, or brought up to date."""
        dropped = registration.dropped_labels(said)
        if dropped:
            logger.warning("labels that a node may not give itself: %s", ", ".join(dropped))
        stored = await _retried(lambda: self._create_or_update(said))
        if registration.says_the_same(stored.status, said.status):
            return stored
        return await self.write_status(stored.metadata.name, said.status, stored)

    async def write_status(self, name: str, said: NodeStatus, stored: Node | None = None) -> Node:
        """Write what an agent says of its node; the node as it stands then.

        Raises NotFound when the Node is gone.
        """
        known = stored

        async def attempt() -> Node:
            nonlocal known
            node = known or await self._client.get(Node, name)
            known = None
            changed = Node()
            changed.CopyFrom(node)
            now = self._clock.now()
            changed.status.CopyFrom(registration.merged_status(node.status, said, now))
            return await self._client.update_status(changed)

        return await _retried(attempt)

    def report(self, name: str, said: NodeStatus) -> NodeReport:
        """Follows one session's heartbeats; `said` is what its Hello said."""
        return NodeReport(self, self._nodes, self._clock, name, said)

    async def _create_or_update(self, said: Node) -> Node:
        try:
            stored = await self._client.get(Node, said.metadata.name)
        except NotFound:
            created = await self._client.create(registration.first(said))
            logger.info("node created, pods in %s", created.spec.pod_cidr)
            return created
        changed = registration.again(stored, said)
        return stored if changed is None else await self._client.update(changed)


class NodeReport:
    """What one session's agent has said of its node, and whether the store says so too."""

    def __init__(
        self, writer: NodeWriter, nodes: Informer[Node], clock: Clock, name: str, said: NodeStatus
    ) -> None:
        self._writer = writer
        self._nodes = nodes
        self._clock = clock
        self._name = name
        self._said = said.SerializeToString()  # a tenth of the message's memory
        self._written_at = clock.monotonic()
        self._checked_version = ""

    async def heartbeat(self, said: NodeStatus | None) -> None:
        """A heartbeat, with the status when that has changed. Raises NotFound for a lost Node."""
        if said is not None:
            self._said = said.SerializeToString()
        elif not self._due():
            return
        try:
            stored = await self._writer.write_status(self._name, NodeStatus.FromString(self._said))
        except (BadRequest, Invalid, TooLarge) as error:
            logger.warning("status of the node dropped: %s", error)
            return
        self._written_at = self._clock.monotonic()
        self._checked_version = stored.metadata.resource_version

    def _due(self) -> bool:
        if self._clock.monotonic() - self._written_at >= REFRESH_SECONDS:
            return True
        stored = self._nodes.get("", self._name)
        if stored is None or stored.metadata.resource_version == self._checked_version:
            return False
        self._checked_version = stored.metadata.resource_version
        return not registration.says_the_same(stored.status, NodeStatus.FromString(self._said))


async def _retried(attempt: Callable[[], Awaitable[T]]) -> T:
    """Again after a lost race, with what is stored then; the last Conflict is raised."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await attempt()
        except (Conflict, AlreadyExists):
            continue
    return await attempt()
