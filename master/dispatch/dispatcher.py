"""Dispatch put together: everything between agents and the API."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import grpc.aio

from master.api.local import LocalClient
from master.dispatch import wire
from master.dispatch.feeds import Feeds, Sources
from master.dispatch.heartbeats import Heartbeats, LeaseWriter, renew_seconds
from master.dispatch.nodes import NodeWriter
from master.dispatch.podstreams import PodStreams
from master.dispatch.reports import EventReports
from master.dispatch.service import DispatchService, Parts, Terms
from master.dispatch.sessions import Sessions
from master.dispatch.statuses import StatusWriter
from master.dispatch.streams import StreamsService
from master.dispatch.tunnels import Tunnels
from master.identity.authentication import Authenticate, authenticate
from master.identity.authorization import Authorizer
from master.identity.ca import Authority
from master.identity.enrollment import Signer
from master.store.contract import Store
from pilothouse.process.clock import Clock
from protos.resources_pb2_grpc import add_StreamsServicer_to_server


class Dispatcher:
    """`client` acts as the control plane; `sources` are informers that the caller runs."""

    def __init__(
        self,
        client: LocalClient,
        store: Store,
        sources: Sources,
        authority: Authority,
        terms: Terms,
        clock: Clock,
        certificate_lifetime: timedelta,
    ) -> None:
        self.sessions = Sessions()
        self.feeds = Feeds(sources, self.sessions, clock)
        self.authorizer = Authorizer(self.feeds.index)
        self.signer = Signer(authority, certificate_lifetime)
        self._nodes = sources.nodes
        self._reports = EventReports(client, self.feeds.index, clock)
        heartbeats = Heartbeats(renew_seconds(terms.lost_after_seconds))
        self._leases = LeaseWriter(heartbeats, store, clock, terms.lost_after_seconds)
        tunnels = Tunnels(self.sessions)
        parts = Parts(
            terms=terms,
            clock=clock,
            sessions=self.sessions,
            feeds=self.feeds,
            heartbeats=heartbeats,
            nodes=NodeWriter(client, sources.nodes, clock),
            statuses=StatusWriter(client, clock),
            reports=self._reports,
            tunnels=tunnels,
            signer=self.signer,
        )
        self.service = DispatchService(parts)
        self.streams = PodStreams(client, self.authorizer, tunnels)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Serve agents and streams on the server, before it is started."""
        wire.add_to(server, self.service)
        self.add_streams_to(server, authenticate)

    def add_streams_to(self, server: grpc.aio.Server, authenticate: Authenticate) -> None:
        """Serve streams alone, to callers that are authenticated in another way."""
        add_StreamsServicer_to_server(StreamsService(self.streams, authenticate), server)

    def is_live(self, node: str) -> bool:
        """The node is connected, here or (its Node is Ready) to another master."""
        if self.sessions.get(node) is not None:
            return True
        stored = self._nodes.get("", node)
        return stored is not None and any(
            condition.type == "Ready" and condition.status == "True"
            for condition in stored.status.conditions
        )

    async def run(self) -> None:
        """Write leases and events and publish peers until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.feeds.run(), name="dispatch-peers")
            group.create_task(self._leases.run(), name="dispatch-leases")
            group.create_task(self._reports.run(), name="dispatch-events")
