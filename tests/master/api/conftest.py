from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.protobuf.message import Message

from master.api import service
from master.api.local import LocalClient
from master.api.registry import Registry
from master.identity.authorization import Action
from master.identity.user import User, component
from master.store.contract import Store
from master.store.sqlite import open_store
from pilothouse.client.aio import Client
from pilothouse.client.interface import ResourceClient
from pilothouse.process.clock import VirtualClock

TESTER = component("tester")


class AllowAll:
    """The Authorizer of a cluster in which everyone is an administrator."""

    def require(self, user: User, action: Action) -> None:
        pass

    def require_change(
        self, user: User, action: Action, new: Message | None, old: Message | None
    ) -> None:
        pass


@asynccontextmanager
async def opened(directory: Path, **options: Any) -> AsyncIterator[Registry]:
    """A registry on the store in that directory, on virtual time and a fixed seed."""
    store = await open_store(directory)
    try:
        options.setdefault("rng", random.Random(7))
        registry = Registry(store, options.pop("clock", VirtualClock()), **options)
        await registry.open()
        yield registry
    finally:
        await store.close()


@asynccontextmanager
async def served(registry: Registry, authorizer: Any = None) -> AsyncIterator[Client]:
    """A client over gRPC on loopback, without TLS."""
    server = grpc.aio.server(options=service.SERVER_OPTIONS)
    service.add_to(server, registry, lambda _: TESTER, authorizer or AllowAll())
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel = grpc.aio.insecure_channel(
        f"127.0.0.1:{port}", options=[("grpc.max_receive_message_length", -1)]
    )
    try:
        async with Client(channel, patience=0) as client:
            yield client
    finally:
        await server.stop(None)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(tmp_path / "store")
    yield store
    await store.close()


@pytest.fixture
async def registry(store: Store) -> Registry:
    registry = Registry(store, VirtualClock(), rng=random.Random(7))
    await registry.open()
    return registry


@pytest.fixture(params=["local", "grpc"])
async def client(
    request: pytest.FixtureRequest, registry: Registry
) -> AsyncIterator[ResourceClient]:
    if request.param == "local":
        yield LocalClient(registry, TESTER)
        return
    async with served(registry) as client:
        yield client


@pytest.fixture
def local(registry: Registry) -> LocalClient:
    return LocalClient(registry, TESTER)


async def soon(awaitable: Awaitable[Any], seconds: float = 10.0) -> Any:
    """What is awaited, within a bound."""
    async with asyncio.timeout(seconds):
        return await awaitable


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until the condition holds, turn by turn of the event loop."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - no event says that gRPC has let go
            await asyncio.sleep(0)
