"""What is known of containers, over an engine that answers when the test lets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.network.memory import MemoryNetwork
from agent.runtime.cgroups import detect
from agent.runtime.errors import NotFound
from agent.runtime.podman.containers import Containers
from agent.runtime.podman.payload import ATTEMPT, IMAGE, NAME, POD
from agent.runtime.sandboxes import Sandboxes
from agent.runtime.specs import ContainerID

NONE: Any = None  # what these tests do not come to


class SlowEngine:
    """Lists what there was when it was asked, once `answer` is set."""

    def __init__(self) -> None:
        self.containers: list[str] = []
        self.listing = asyncio.Event()
        self.answer = asyncio.Event()

    async def call(self, method: str, path: str, **options: Any) -> Any:
        if path == "/containers/json":
            listed = [{"Id": each, "State": "created"} for each in self.containers]
            self.listing.set()
            await self.answer.wait()
            return listed
        identity = path.split("/")[2]
        if identity not in self.containers:
            raise NotFound(f"no such container: {identity}")
        return document(identity)


def document(identity: str) -> dict[str, Any]:
    """As the engine describes a container that has not been started."""
    never = "0001-01-01T00:00:00Z"
    return {
        "Id": identity,
        "Image": "1",
        "Created": "2026-01-02T03:04:05Z",
        "StaticDir": "/nowhere",
        "Config": {"Labels": {POD: "pod", NAME: identity, ATTEMPT: "0", IMAGE: "1"}},
        "State": {
            "Status": "created",
            "ExitCode": 0,
            "Pid": 0,
            "StartedAt": never,
            "FinishedAt": never,
        },
    }


@asynccontextmanager
async def containers(engine: Any, directory: Path) -> AsyncIterator[Containers]:
    sandboxes = Sandboxes(directory, MemoryNetwork(), NONE)
    made = Containers(engine, NONE, NONE, sandboxes, detect(), lambda pod: None)
    try:
        yield made
    finally:
        made.close()


async def test_a_container_that_is_made_during_a_resync_stays_known(tmp_path: Path) -> None:
    engine = SlowEngine()
    async with containers(engine, tmp_path) as known:
        resync = asyncio.create_task(known.resync())
        await engine.listing.wait()
        engine.containers.append("new")
        await known.look(ContainerID("new"))
        engine.answer.set()
        await resync
        assert [state.id for state in known.of(None)] == ["new"]


async def test_a_container_that_others_removed_is_forgotten_at_a_resync(tmp_path: Path) -> None:
    engine = SlowEngine()
    engine.answer.set()
    engine.containers.append("old")
    async with containers(engine, tmp_path) as known:
        await known.resync()
        assert [state.id for state in known.of(None)] == ["old"]
        engine.containers.clear()
        await known.resync()
        with pytest.raises(NotFound):
            known.get(ContainerID("old"))
