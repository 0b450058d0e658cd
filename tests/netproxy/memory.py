"""A Backend and a ResourceClient that work in memory, for tests of what uses them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from google.protobuf.message import Message

from netproxy.table import BackendError, Frontend, Frontends, ServiceName, Table
from pilothouse.client.interface import EventType, Page, WatchEvent
from pilothouse.objects.errors import ServiceUnavailable
from tests.netproxy.rules import Outcome, wanted

M = TypeVar("M", bound=Message)


class MemoryBackend:
    """Keeps the frontends as a kernel would. Passes the contract tests of backends."""

    def __init__(self) -> None:
        self._services: dict[ServiceName, Frontends] | None = None
        self._known = False
        self.refuse = False
        self.applied: list[Collection[ServiceName] | None] = []

    def apply(self, table: Table, changed: Collection[ServiceName] | None) -> None:
        if self.refuse:
            self._known = False
            raise BackendError("refused, as told")
        if changed is None or not self._known:
            self._services = dict(table.services)
        elif self._services is None:
            self._known = False
            raise BackendError("the rules are gone")
        else:
            self._change(self._services, table, changed)
        self._known = True
        self.applied.append(changed)

    @staticmethod
    def _change(
        services: dict[ServiceName, Frontends], table: Table, changed: Collection[ServiceName]
    ) -> None:
        for name in changed:
            services.pop(name, None)
            if name in table.services:
                services[name] = table.services[name]

    def remove(self) -> None:
        self._services, self._known = None, False

    def take_away(self) -> None:
        """As somebody else's `nft flush ruleset`."""
        self._services = None

    def outcomes(self) -> dict[Frontend, Outcome]:
        return {
            frontend: wanted(backends)
            for frontends in (self._services or {}).values()
            for frontend, backends in frontends.items()
        }


class MemoryClient:
    """Lists and watches what put() and remove() say; nothing else. `reachable`: else every call
    fails and every watch ends with ServiceUnavailable."""

    def __init__(self) -> None:
        self.reachable = True
        self._revision = 1
        self._objects: dict[tuple[str, str, str], Message] = {}
        self._watches: list[tuple[str, asyncio.Queue[WatchEvent[Any] | None]]] = []

    def put(self, obj: Any) -> None:
        """Create or replace."""
        key = self._key(obj)
        kept = type(obj)()
        kept.CopyFrom(obj)
        self._revision += 1
        kept.metadata.resource_version = str(self._revision)
        type_ = EventType.MODIFIED if key in self._objects else EventType.ADDED
        self._objects[key] = kept
        self._tell(type_, kept)

    def remove(self, obj: Any) -> None:
        self._revision += 1
        self._tell(EventType.DELETED, self._objects.pop(self._key(obj)))

    def cut(self) -> None:
        """The master goes away."""
        self.reachable = False
        for _, queue in self._watches:
            queue.put_nowait(None)

    @property
    def watches(self) -> int:
        """How many are open."""
        return len(self._watches)

    @staticmethod
    def _key(obj: Any) -> tuple[str, str, str]:
        return (obj.DESCRIPTOR.name, obj.metadata.namespace, obj.metadata.name)

    def _tell(self, type_: EventType, obj: Message) -> None:
        for kind, queue in self._watches:
            if kind == obj.DESCRIPTOR.name:
                queue.put_nowait(WatchEvent(type_, self._revision, obj))

    async def list(self, kind: type[M], namespace: str = "", **_: Any) -> Page[M]:
        if not self.reachable:
            raise ServiceUnavailable("cut off")
        name = kind.DESCRIPTOR.name
        items: Any = tuple(o for key, o in sorted(self._objects.items()) if key[0] == name)
        return Page(items, self._revision)

    async def watch(
        self, kind: type[M], namespace: str = "", **_: Any
    ) -> AsyncIterator[WatchEvent[M]]:
        with self._watching(kind.DESCRIPTOR.name) as queue:
            while self.reachable:
                event = await queue.get()
                if event is None:
                    break
                yield event
        raise ServiceUnavailable("cut off")

    @contextmanager
    def _watching(self, name: str) -> Iterator[asyncio.Queue[WatchEvent[Any] | None]]:
        watch = (name, asyncio.Queue[WatchEvent[Any] | None]())
        self._watches.append(watch)
        try:
            yield watch[1]
        finally:
            self._watches.remove(watch)


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Let the others run until it is so."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.002)
