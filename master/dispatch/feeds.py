"""From the informers to the sessions.

In: changes of pods, config maps, secrets, services and nodes. Out: the assignment index and the
peer table kept up to date, and the outboxes of just the sessions that a change concerns marked.
Peers gather before they become a version that every session is sent: the more sessions, the
longer, so that a thousand nodes that join do not cost a million messages.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from master.dispatch.assignments import AssignmentIndex
from master.dispatch.peers import PeerTable
from master.dispatch.references import Name
from master.dispatch.sessions import Sessions
from pilothouse.process.clock import Clock
from pilothouse.process.informer import Informer
from protos.core_v1_pb2 import ConfigMap, Node, Pod, Secret, Service

PEER_SECONDS = 0.25
PEER_SECONDS_A_SESSION = 0.001  # a message costs about a tenth of that


@dataclass(frozen=True, slots=True)
class Sources:
    """The informers, which somebody else runs."""

    pods: Informer[Pod]
    nodes: Informer[Node]
    config_maps: Informer[ConfigMap]
    secrets: Informer[Secret]
    services: Informer[Service]


class Feeds:
    """See the module."""

    def __init__(self, sources: Sources, sessions: Sessions, clock: Clock) -> None:
        self.index = AssignmentIndex()
        self.peers = PeerTable()
        self._sources = sources
        self._sessions = sessions
        self._clock = clock
        self._peers_changed = asyncio.Event()
        sources.pods.subscribe(self._on_pod)
        sources.config_maps.subscribe(self._on_object)
        sources.secrets.subscribe(self._on_object)
        sources.services.subscribe(self._on_service)
        sources.nodes.subscribe(self._on_node)

    async def synced(self) -> None:
        """Wait until everything there is has been seen."""
        sources = self._sources
        objects = (sources.config_maps, sources.secrets, sources.services)
        for informer in (sources.pods, *objects, sources.nodes):
            await informer.synced()

    def _on_pod(self, old: Pod | None, new: Pod | None) -> None:
        self._mark(self.index.pod_changed(old, new), old)

    def _on_object(self, old: ConfigMap | Secret | None, new: ConfigMap | Secret | None) -> None:
        self._mark(self.index.object_changed(old, new), old)

    def _on_service(self, old: Service | None, new: Service | None) -> None:
        self._mark(self.index.service_changed(old, new), None)

    def _mark(self, touched: list[tuple[str, Name]], old: Pod | ConfigMap | Secret | None) -> None:
        before = "" if old is None else old.metadata.resource_version
        for node, name in touched:
            session = self._sessions.get(node)
            if session is not None:
                session.outbox.changed(name, before)
                session.wake()

    def _on_node(self, old: Node | None, new: Node | None) -> None:
        if self.peers.node_changed(old, new):
            self._peers_changed.set()
        if new is None and old is not None:
            session = self._sessions.get(old.metadata.name)
            if session is not None:
                session.end("its Node was deleted", retry=True)

    async def run(self) -> None:
        """Publish peers until cancelled."""
        while True:
            await self._peers_changed.wait()
            gather = max(PEER_SECONDS, PEER_SECONDS_A_SESSION * len(self._sessions))
            await self._clock.sleep(gather)
            self._peers_changed.clear()
            if self.peers.commit():
                for session in self._sessions:
                    session.wake()
