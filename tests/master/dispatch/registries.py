"""The real API over a real store in a directory, and clients of it that fail as told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from master.api.local import LocalClient
from master.api.registry import Registry
from master.identity.user import component
from master.store.sqlite import SqliteStore, open_store
from pilothouse.objects.errors import ApiError
from pilothouse.process.clock import SystemClock


@asynccontextmanager
async def store_in(directory: Path) -> AsyncIterator[SqliteStore]:
    store = await open_store(directory)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def registry_in(directory: Path) -> AsyncIterator[Registry]:
    async with store_in(directory) as store:
        registry = Registry(store, SystemClock())
        await registry.open()
        yield registry


class Faulty(LocalClient):
    """Notes writes when they are over. `failures` are raised by the next status writes, last
    first; `refusals` by creations of these names."""

    def __init__(self, registry: Registry, refusals: Mapping[str, ApiError] | None = None) -> None:
        super().__init__(registry, component("test"))
        self.failures: list[ApiError] = []
        self.refusals = dict(refusals or {})
        self.statuses = 0
        self.calls: list[tuple[str, str]] = []

    async def create(self, obj: Any, **options: Any) -> Any:
        try:
            if obj.metadata.name in self.refusals:
                raise self.refusals[obj.metadata.name]
            return await super().create(obj, **options)
        finally:
            self.calls.append(("create", obj.metadata.name))

    async def update(self, obj: Any, **options: Any) -> Any:
        try:
            return await super().update(obj, **options)
        finally:
            self.calls.append(("update", obj.metadata.name))

    async def update_status(self, obj: Any) -> Any:
        self._write_status()
        return await super().update_status(obj)

    async def report_status(self, kind: Any, name: str, namespace: str, make: Any) -> Any:
        self._write_status()
        return await super().report_status(kind, name, namespace, make)

    def _write_status(self) -> None:
        if self.failures:
            raise self.failures.pop()
        self.statuses += 1
