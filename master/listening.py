"""The master's four ports.

    main   gRPC; only callers with a certificate of the cluster CA complete the handshake
    join   gRPC; Enrollment for anybody, the API for callers with an access token
    HTTP   see master.pages
    HTTPS  the Kubernetes API, see master.http

Stopping, in order: agents are told to dial again, calls get GRACE_SECONDS to end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from master.api import service as api
from master.assembly import Master
from master.config import MasterConfig
from master.http.server import HttpFace
from master.identity.decoding import Decoding
from master.identity.gate import Gate
from master.identity.rotation import ServerCertificate
from master.pages import ClusterInfo, Pages

GRACE_SECONDS = 2.0

# The agents' own pings keep connections alive; what they send more often than this is an attack.
_SERVER_OPTIONS = (
    *api.SERVER_OPTIONS,
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)
_SERVICES = (
    *(
        f"pilothouse.v1.{name}"
        for name in ("Resources", "Streams", "Decisions", "Administration", "Dispatch")
    ),
    health.SERVICE_NAME,
    reflection.SERVICE_NAME,
)
# Callers with an access token send what others send on the main port, from a connection each;
# see master.identity.gate for those who have none.
_JOIN_OPTIONS = (*_SERVER_OPTIONS, ("grpc.max_concurrent_streams", 128))

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a running master listens."""

    grpc: int
    join: int
    http: int
    https: int


@asynccontextmanager
async def listening(
    config: MasterConfig, master: Master, certificate: ServerCertificate
) -> AsyncIterator[Ports]:
    """Serve for the length of the block; OSError when a port cannot be had."""
    main, grpc_port = _main_server(config, master, certificate)
    join, join_port = _join_server(config, master, certificate)
    await main.start()
    await join.start()
    info = ClusterInfo(master.ca.decode(), grpc_port, join_port)
    metrics = master.metrics()
    pages = Pages(info, metrics, master.is_ready)
    face = HttpFace(master.http_face(metrics), certificate.context())
    try:
        ports = Ports(
            grpc_port,
            join_port,
            await pages.start(config.listen_address, config.http_port),
            await face.start(config.listen_address, config.https_port),
        )
        logger.info(
            "serving on %s: gRPC %d, join %d, HTTP %d, HTTPS %d",
            config.listen_address,
            ports.grpc,
            ports.join,
            ports.http,
            ports.https,
        )
        yield ports
    finally:
        master.dispatcher.sessions.end_all("the master stops")
        await asyncio.gather(
            main.stop(GRACE_SECONDS), join.stop(GRACE_SECONDS), pages.stop(), face.stop()
        )


def _main_server(
    config: MasterConfig, master: Master, certificate: ServerCertificate
) -> tuple[grpc.aio.Server, int]:
    server = grpc.aio.server(interceptors=(Decoding(),), options=_SERVER_OPTIONS)
    master.add_main(server)
    health_servicer = health.aio.HealthServicer()  # type: ignore[attr-defined]
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    reflection.enable_server_reflection(_SERVICES, server)
    return server, _bind(server, config.listen_address, config.grpc_port, certificate, True)


def _join_server(
    config: MasterConfig, master: Master, certificate: ServerCertificate
) -> tuple[grpc.aio.Server, int]:
    gate = Gate(master.access_tokens.check)
    server = grpc.aio.server(interceptors=(gate, Decoding()), options=_JOIN_OPTIONS)
    master.add_join(server)
    return server, _bind(server, config.listen_address, config.join_port, certificate, False)


def _bind(
    server: grpc.aio.Server,
    address: str,
    port: int,
    certificate: ServerCertificate,
    require_client: bool,
) -> int:
    credentials = certificate.credentials(require_client=require_client)
    try:
        return server.add_secure_port(f"{address}:{port}", credentials)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address}:{port}: {error}") from error
