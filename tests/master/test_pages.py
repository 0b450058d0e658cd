from __future__ import annotations

from aiohttp import ClientSession
from prometheus_client import CollectorRegistry, Gauge

from master.pages import ClusterInfo, Pages


async def test_readiness_is_told_apart_from_life() -> None:
    ready = False
    metrics = CollectorRegistry()
    Gauge("pilot_test", "A figure", registry=metrics).set(7)
    pages = Pages(ClusterInfo("PEM", 1, 2), metrics, lambda: ready)
    port = await pages.start("127.0.0.1", 0)
    try:
        async with ClientSession(f"http://127.0.0.1:{port}") as session:

            async def status(path: str) -> int:
                async with session.get(path) as response:
                    return response.status

            assert [await status(path) for path in ("/healthz", "/readyz")] == [200, 503]
            ready = True
            assert [await status(path) for path in ("/healthz", "/readyz")] == [200, 200]
            assert await status("/elsewhere") == 404
            async with session.get("/cluster-info") as response:
                assert await response.json() == {"ca": "PEM", "grpc_port": 1, "join_port": 2}
            async with session.get("/metrics") as response:
                assert "pilot_test 7.0" in await response.text()
    finally:
        await pages.stop()
