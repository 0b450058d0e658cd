"""The parts of a master put together: what is served and what runs, over one registry."""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import grpc.aio
from prometheus_client import CollectorRegistry

from master.api import service as api
from master.api.decisions import DecisionsService
from master.api.local import LocalClient
from master.api.metering import Meter
from master.api.registry import Registry
from master.config import MasterConfig
from master.controllers.informers import Informers
from master.controlplane import ControlPlane
from master.dispatch.dispatcher import Dispatcher
from master.dispatch.feeds import Sources
from master.dispatch.service import Terms
from master.http.assembly import Surroundings, face_of
from master.http.face import Face
from master.identity.access_tokens import AccessTokens
from master.identity.authentication import Authenticate, authenticate, token_authentication
from master.identity.ca import Authority
from master.identity.enrollment import Enrollment
from master.identity.services import AdministrationService, EnrollmentService, Places
from master.identity.tokens import Tokens
from master.identity.user import component
from master.metrics import metrics_of
from master.names import advertised, dialled
from master.store.compactor import Compactor, Retention
from master.store.contract import Store
from pilothouse.objects.catalog import builtin
from pilothouse.process.clock import Clock, SystemClock
from protos.resources_pb2_grpc import add_AdministrationServicer_to_server

logger = logging.getLogger(__name__)


class Master:
    """Everything but the sockets. open(), then add_main() and add_join(), before serving; loops()
    beside it."""

    def __init__(
        self,
        config: MasterConfig,
        authority: Authority,
        store: Store,
        registry: Registry,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._config = config
        self._authority = authority
        self._registry = registry
        self._meter = Meter(registry)
        self._clock = clock
        self._compactor = Compactor(
            store, clock, Retention(seconds=config.retention), min(60.0, config.retention)
        )
        self._informers = Informers(self.client("informers"))
        self.dispatcher = Dispatcher(
            self.client("dispatch"),
            store,
            Sources(
                self._informers.pods,
                self._informers.nodes,
                self._informers.config_maps,
                self._informers.secrets,
                self._informers.services,
            ),
            authority,
            _terms(config),
            clock,
            timedelta(hours=config.node_certificate_hours),
        )
        self.control_plane = ControlPlane(registry, self._informers, config, authority.pem, clock)
        self._tokens = Tokens(store, clock)
        self.access_tokens = AccessTokens(store, clock)
        self._synced = False

    async def open(self) -> None:
        """Read what has to be known before the first caller comes."""
        await self.access_tokens.open()

    def client(self, name: str) -> LocalClient:
        """The API for one component of the control plane."""
        return LocalClient(self._registry, component(name))

    @property
    def ca(self) -> bytes:
        """The CA certificate (PEM)."""
        return self._authority.pem

    def is_ready(self) -> bool:
        """Everything that sessions need to know has been read."""
        return self._synced

    def metrics(self) -> CollectorRegistry:
        """The master's own figures and the process's."""
        return metrics_of(self.dispatcher.sessions, self._registry, self._meter)

    def add_main(self, server: grpc.aio.Server) -> None:
        """What callers with a certificate may call."""
        self._add_api(server, authenticate)
        self.dispatcher.add_to(server)

    def add_join(self, server: grpc.aio.Server) -> None:
        """What anybody may call, and behind master.identity.gate, callers with an access token."""
        enrollment = Enrollment(
            self.dispatcher.signer, self._tokens, self.dispatcher.is_live, self._clock
        )
        EnrollmentService(enrollment).add_to(server)
        by_token = token_authentication(self.access_tokens.check)
        self._add_api(server, by_token)
        self.dispatcher.add_streams_to(server, by_token)

    def _add_api(self, server: grpc.aio.Server, by: Authenticate) -> None:
        authorizer = self.dispatcher.authorizer
        api.add_to(server, self._registry, by, authorizer, self._meter)
        DecisionsService(self.control_plane.why, by, authorizer).add_to(server)
        places = Places(
            join=dialled(self._config),
            tokens=f"{advertised(self._config)}:{self._config.join_port}",
            pin=self._authority.pin,
        )
        administration = AdministrationService(self._tokens, self.access_tokens, places, by)
        add_AdministrationServicer_to_server(administration, server)

    def http_face(self, metrics: CollectorRegistry) -> Face:
        """What answers the requests of the Kubernetes API."""
        return face_of(
            Surroundings(
                registry=self._registry,
                catalog=builtin(),
                streams=self.dispatcher.streams,
                check_token=self.access_tokens.check,
                authorizer=self.dispatcher.authorizer,
                meter=self._meter,
                metrics=metrics,
                is_ready=self.is_ready,
                address=f"{advertised(self._config)}:{self._config.https_port}",
            )
        )

    def loops(self) -> dict[str, Coroutine[Any, Any, None]]:
        """Everything that runs as long as the master, by name."""
        return {
            "registry": self._registry.run(),
            "informers": self._informers.run(),
            "dispatch": self.dispatcher.run(),
            "control-plane": self.control_plane.run(),
            "sync": self._await_sync(),
            "compactor": self._compactor.run(),
        }

    async def _await_sync(self) -> None:
        await self.dispatcher.feeds.synced()
        self._synced = True
        logger.info("ready at revision %d", self._registry.revision)


def _terms(config: MasterConfig) -> Terms:
    return Terms(
        heartbeat_period_seconds=config.heartbeat_period,
        lost_after_seconds=config.lost_after,
        cluster_cidr=config.cluster_cidr,
        service_cidr=config.service_cidr,
        dns_address=config.dns_address,
        cluster_domain=config.cluster_domain,
    )
