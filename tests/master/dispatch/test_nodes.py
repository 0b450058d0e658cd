from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from master.dispatch.nodes import REFRESH_SECONDS, NodeReport, NodeWriter
from pilothouse.process.clock import VirtualClock
from pilothouse.process.informer import Informer
from protos.core_v1_pb2 import Node, NodeStatus
from tests.master.dispatch.registries import Faulty, registry_in
from tests.master.running import hello_of


class Scene:
    """n1, registered on virtual time."""

    def __init__(self, api: Faulty, nodes: Informer[Node], stored: Node, said: Node) -> None:
        self.api = api
        self.stored = stored
        self.said = said
        self.clock = VirtualClock()
        self.writer = NodeWriter(api, nodes, self.clock)
        self.report: NodeReport = self.writer.report("n1", said.status)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with registry_in(tmp_path) as registry, asyncio.TaskGroup() as group:
        api = Faulty(registry)
        nodes = Informer(api, Node)
        running = group.create_task(nodes.run())
        said = hello_of("n1").node
        stored = await NodeWriter(api, nodes, VirtualClock()).register(said)
        await nodes.synced()
        yield Scene(api, nodes, stored, said)
        running.cancel()


async def test_heartbeat_that_says_nothing_writes_nothing(scene: Scene) -> None:
    before = scene.api.statuses
    for _ in range(10):
        await scene.report.heartbeat(None)
    assert scene.api.statuses == before


async def test_status_is_refreshed_now_and_then(scene: Scene) -> None:
    before = scene.api.statuses
    await scene.clock.advance(REFRESH_SECONDS - 1)
    await scene.report.heartbeat(None)
    assert scene.api.statuses == before
    await scene.clock.advance(1)
    await scene.report.heartbeat(None)
    await scene.report.heartbeat(None)
    assert scene.api.statuses == before + 1


async def test_hello_that_says_what_is_stored_writes_nothing(scene: Scene) -> None:
    before = scene.api.statuses
    again = await scene.writer.register(scene.said)
    assert scene.api.statuses == before
    assert again == scene.stored


async def test_changed_status_is_written(scene: Scene) -> None:
    changed = NodeStatus()
    changed.CopyFrom(scene.said.status)
    changed.conditions.add(type="MemoryPressure", status="True")
    await scene.report.heartbeat(changed)
    stored = await scene.api.get(Node, "n1")
    assert any(c.type == "MemoryPressure" for c in stored.status.conditions)
