"""The asynchronous client while masters come and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio
import pytest

from pilothouse.client.aio import Client
from pilothouse.objects.errors import ServiceUnavailable
from protos import resources_pb2 as wire
from protos.core_v1_pb2 import ConfigMap
from protos.resources_pb2_grpc import ResourcesServicer, add_ResourcesServicer_to_server

DEADLINE = 10.0


class Master(ResourcesServicer):
    """Counts calls; fails those that it is told to; its watches say nothing."""

    def __init__(self, failures: int = 0) -> None:
        self.calls: list[str] = []
        self.called = asyncio.Event()
        self.watched = asyncio.Event()
        self._failures = failures

    async def _answer(self, verb: str, context: Any) -> wire.Object:
        self.calls.append(verb)
        self.called.set()
        if len(self.calls) <= self._failures:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "starting")
        return wire.Object(config_map=ConfigMap())

    async def Get(self, request: Any, context: Any) -> wire.Object:  # noqa: N802 - of the proto
        return await self._answer("get", context)

    async def Create(self, request: Any, context: Any) -> wire.Object:  # noqa: N802 - as above
        return await self._answer("create", context)

    async def Watch(self, request: Any, context: Any) -> AsyncIterator[wire.WatchResponse]:  # noqa: N802 - as above
        self.watched.set()
        yield wire.WatchResponse(type=wire.WatchResponse.BOOKMARK, revision=1)
        await asyncio.Event().wait()


@asynccontextmanager
async def serving(master: Master, port: int = 0) -> AsyncIterator[int]:
    server = grpc.aio.server()
    add_ResourcesServicer_to_server(master, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


def dial(port: int) -> grpc.aio.Channel:
    options = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100)]
    return grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options)


async def test_reads_are_tried_again_within_the_clients_patience() -> None:
    master = Master(failures=3)
    async with serving(master) as port, Client(dial(port)) as client:
        await client.get(ConfigMap, "a", "default")
        assert master.calls == ["get"] * 4


async def test_reads_end_when_patience_does() -> None:
    master = Master(failures=1000)
    async with serving(master) as port, Client(dial(port), patience=0.3) as client:
        with pytest.raises(ServiceUnavailable, match="starting"):
            await client.get(ConfigMap, "a", "default")
        assert 2 <= len(master.calls) < 20


async def test_writes_are_not_tried_again() -> None:
    master = Master(failures=1)
    async with serving(master) as port, Client(dial(port)) as client:
        with pytest.raises(ServiceUnavailable):
            await client.create(ConfigMap())
        assert master.calls == ["create"]


async def test_a_read_outlasts_a_restart_of_the_master() -> None:
    async with serving(Master()) as port:
        pass
    async with Client(dial(port), patience=DEADLINE) as client:
        reading = asyncio.ensure_future(client.get(ConfigMap, "a", "default"))
        done, _ = await asyncio.wait({reading}, timeout=0.2)
        assert not done
        async with serving(Master(), port):
            await asyncio.wait_for(reading, DEADLINE)


async def _pending(client: Client) -> None:
    async for _ in client.watch(ConfigMap):
        pass


async def test_redial_goes_on_with_the_new_channel_and_ends_watches() -> None:
    first, second = Master(), Master()
    async with serving(first) as one, serving(second) as other, Client(dial(one)) as client:
        watching = asyncio.ensure_future(_pending(client))
        await asyncio.wait_for(first.watched.wait(), DEADLINE)
        await client.redial(dial(other))
        with pytest.raises(ServiceUnavailable):
            await asyncio.wait_for(watching, DEADLINE)
        await client.get(ConfigMap, "a", "default")
        assert second.calls == ["get"]
        assert first.calls == []


async def test_a_read_that_is_being_tried_again_follows_a_redial() -> None:
    first, second = Master(failures=1000), Master()
    async with serving(first) as one, serving(second) as other, Client(dial(one)) as client:
        reading = asyncio.ensure_future(client.get(ConfigMap, "a", "default"))
        async with asyncio.timeout(DEADLINE):
            await first.called.wait()
            await client.redial(dial(other))
            await reading
        assert second.calls == ["get"]


@pytest.mark.parametrize("end", ["close", "cancel"])
async def test_who_waits_is_cancelled_only_by_a_cancellation(end: str) -> None:
    master = Master()
    async with serving(master) as port:
        client = Client(dial(port))
        watching = asyncio.ensure_future(_pending(client))
        await asyncio.wait_for(master.watched.wait(), DEADLINE)
        stop: Callable[[], Awaitable[None] | bool] = (
            client.close if end == "close" else watching.cancel
        )
        stopped = stop()
        if not isinstance(stopped, bool):
            await stopped
        error = ServiceUnavailable if end == "close" else asyncio.CancelledError
        with pytest.raises(error):
            await asyncio.wait_for(watching, DEADLINE)
        await client.close()
