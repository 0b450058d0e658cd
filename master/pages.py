"""The plain HTTP port: health, metrics, and what a machine must know to join.

/healthz       200: the process and its loop live
/readyz        200: it serves with all it needs to know; 503 before
/metrics       Prometheus text
/cluster-info  JSON: ca (PEM), grpc_port, join_port; public, as the CA certificate is
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """The answer of /cluster-info."""

    ca: str
    grpc_port: int
    join_port: int


class Pages:
    """See the module."""

    def __init__(
        self, info: ClusterInfo, metrics: CollectorRegistry, ready: Callable[[], bool]
    ) -> None:
        self._info = info
        self._metrics = metrics
        self._ready = ready
        application = web.Application()
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._metrics_page)
        application.router.add_get("/cluster-info", self._cluster_info)
        self._runner = web.AppRunner(application, access_log=None)

    async def start(self, address: str, port: int) -> int:
        """Serve; the port, which was chosen by the system if 0 was asked for."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, address, port)
        await site.start()
        bound: int = self._runner.addresses[0][1]
        return bound

    async def stop(self) -> None:
        """End what is being answered."""
        await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        if self._ready():
            return web.Response(text="ok\n")
        return web.Response(status=503, text="not ready: the state is being read\n")

    async def _metrics_page(self, _: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._metrics),
            headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
        )

    async def _cluster_info(self, _: web.Request) -> web.Response:
        return web.json_response(asdict(self._info))
