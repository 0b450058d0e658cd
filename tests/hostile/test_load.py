"""More of everything than anyone needs: the master serves all the while, and when it is over
nothing of it is left in the master."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from typing import Any

import grpc
import grpc.aio
import pytest

from master.identity.files import ADMINISTRATOR
from master.identity.user import node_user
from pilothouse.client.aio import Client
from pilothouse.process.tls import channel
from protos import resources_pb2 as wire
from protos.core_v1_pb2 import ConfigMap, Pod
from protos.dispatch_pb2_grpc import DispatchStub
from protos.resources_pb2_grpc import ResourcesStub
from tests.hostile.victim import Victim
from tests.master.running import eventually

WATCHES = 1500
CONNECTIONS = 300
SLOW_READERS = 30
# One writes and collects more than this test's own size in garbage; a leak of streams would not
# fit: a stream costs about 40 kB.
RSS_GROWTH = 60 * 1024 * 1024
SERVED_WITHIN = 10.0


def _config(name: str, size: int = 0) -> ConfigMap:
    config = ConfigMap()
    config.metadata.name, config.metadata.namespace = name, "default"
    config.data["a"] = "x" * size
    return config


async def _serves(client: Client) -> None:
    start = time.monotonic()
    await client.create(_config("alive"))
    await client.delete(ConfigMap, "alive", "default")
    assert time.monotonic() - start < SERVED_WITHIN


@pytest.fixture
async def unharmed(master: Victim, client: Client) -> Callable[[], Awaitable[None]]:
    """Call at the end: no task, descriptor or memory beyond what there was is held."""
    await _serves(client)
    before = master.figures()

    async def look() -> bool:
        now = await asyncio.to_thread(master.figures)
        return now.tasks <= before.tasks + 3 and now.files <= before.files + 3

    async def check() -> None:
        await _serves(client)
        await eventually(look)
        after = master.figures()
        assert after.threads <= before.threads + 8
        assert after.rss <= before.rss + RSS_GROWTH

    return check


async def test_storm_of_watches_leaves_nothing(
    master: Victim, client: Client, connection: Any, unharmed: Any
) -> None:
    stub: Any = ResourcesStub(connection)
    request = wire.WatchRequest(ref=wire.Ref(resource="configmaps"), revision=0, bookmarks=True)
    calls = [stub.Watch(request) for _ in range(WATCHES)]
    async with asyncio.timeout(30):
        for call in calls:
            with suppress(grpc.aio.AioRpcError):
                await call.read()
    await _serves(client)
    for call in calls:
        call.cancel()
    del calls, call
    await unharmed()


async def test_watchers_that_never_read_are_cut_off_and_cost_no_writer(
    master: Victim, client: Client, unharmed: Any
) -> None:
    pair = master.users[ADMINISTRATOR.name]
    async with channel(master.target, pair) as slow:
        stub: Any = ResourcesStub(slow)
        request = wire.WatchRequest(ref=wire.Ref(resource="configmaps"), bookmarks=True)
        calls = [stub.Watch(request) for _ in range(SLOW_READERS)]
        for call in calls:
            await call.wait_for_connection()
        await client.create(_config("big", 200_000))
        for number in range(100):
            config = await client.get(ConfigMap, "big", "default")
            config.data["a"] = str(number) * 100_000
            await client.update(config)
        await _serves(client)
        for call in calls:
            call.cancel()
    await client.delete(ConfigMap, "big", "default")
    await unharmed()


async def test_connections_that_say_nothing_are_no_hindrance(
    master: Victim, client: Client, unharmed: Any
) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with ExitStack() as stack:
        for number in range(CONNECTIONS):
            port = (master.grpc, master.join, master.http)[number % 3]
            opened = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            if number % 2:
                opened.sendall(b"\x16\x03\x01\x02\x00\x01\x00"[: 1 + number % 7])
            elif number % 5 == 0:
                opened.sendall(b"GET " + b"/" * 5000)
        await _serves(client)
    await unharmed()


async def test_message_beyond_the_limit_is_refused(client: Client, unharmed: Any) -> None:
    for _ in range(5):
        with pytest.raises(Exception, match="larger|larg|max") as caught:
            await client.create(_config("huge", 5 * 1024 * 1024))
        assert type(caught.value).__name__ in ("TooManyRequests", "TooLarge")
    await unharmed()


async def test_sessions_and_tunnels_that_say_nothing_leave_nothing(
    master: Victim, client: Client, unharmed: Any
) -> None:
    async with channel(master.target, master.users[node_user("n1").name]) as connection:
        stub: Any = DispatchStub(connection)
        calls = [stub.Session() for _ in range(200)] + [stub.Tunnel() for _ in range(200)]
        await connection.channel_ready()
        await _serves(client)
        for call in calls:
            call.cancel()
    await unharmed()


async def test_calls_that_go_away_leave_nothing(
    master: Victim, client: Client, connection: Any, unharmed: Any
) -> None:
    stub: Any = ResourcesStub(connection)
    pod = Pod()
    pod.metadata.namespace = "default"
    pod.metadata.generate_name = "gone-"
    pod.spec.containers.add(name="main", image="x")
    request = wire.WriteRequest(object=wire.Object(pod=pod), dry_run=True)
    calls = [stub.Create(request) for _ in range(500)]
    for call in calls:
        call.cancel()
    del calls, call
    await unharmed()
