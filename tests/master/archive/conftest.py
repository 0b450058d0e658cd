"""A data directory as a master leaves it: objects, history, allocations, CA, certificates."""

from __future__ import annotations

from pathlib import Path

import pytest

from master.api.registry import Registry
from master.identity.access_tokens import AccessTokens, Wanted
from master.identity.ca import utc_now
from master.identity.files import IdentityFiles
from master.identity.tokens import Tokens
from master.store.sqlite import open_store
from pilothouse.objects import kinds
from pilothouse.process.clock import SystemClock
from protos.core_v1_pb2 import ConfigMap, Node, Service


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    IdentityFiles(directory).init(["127.0.0.1"], utc_now())
    await populate(directory)
    return directory


async def populate(directory: Path) -> None:
    """Write what a small cluster has: created, changed and deleted."""
    store = await open_store(directory / "store")
    registry = Registry(store, SystemClock())
    await registry.open()
    node = Node()
    node.metadata.name = "n1"
    await registry.create(node)
    for name in ("web", "gone"):
        service = Service()
        service.metadata.name, service.metadata.namespace = name, "default"
        service.spec.type = "NodePort"
        service.spec.ports.add(port=80, protocol="TCP")
        await registry.create(service)
    await registry.delete(kinds.of(Service), "default", "gone")
    for text in ("1", "2"):
        settings = ConfigMap(data={"a": text})
        settings.metadata.name, settings.metadata.namespace = "settings", "default"
        await (registry.create(settings) if text == "1" else registry.update(settings))
    await Tokens(store, SystemClock()).create(60, "")
    access = AccessTokens(store, SystemClock())
    await access.open()
    await access.create(Wanted("anna", ("dev",)), "admin")
    await store.close()
