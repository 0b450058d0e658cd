"""Whoever lists and then watches has, at every moment, what a list would show.

Random writes by several writers, and followers with different selections that break off and
resume wherever they are; small windows and queues, so that the store's history and Expired
take part. At the end each follower's copy must be what a list shows.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from master.api.hub import Limits
from master.api.local import LocalClient
from master.api.registry import Registry
from master.store.contract import Store
from pilothouse.client.interface import EventType
from pilothouse.objects import kinds
from pilothouse.objects.errors import ApiError, Expired
from pilothouse.process.clock import VirtualClock
from protos.core_v1_pb2 import Pod
from protos.meta_v1_pb2 import DeleteOptions
from tests.master.api.conftest import TESTER, soon
from tests.master.api.objects import namespace, pod

SELECTIONS: list[dict[str, Any]] = [
    {},
    {"namespace": "team"},
    {"label_selector": "app=a"},
    {"label_selector": "app!=a", "namespace": "default"},
    {"field_selector": "spec.nodeName=n1"},
    {"field_selector": "metadata.name=p3"},
    {"field_selector": "spec.nodeName=", "label_selector": "app in (a, b)"},
]
NAMESPACES = ("default", "team")


class Follower:
    """A copy kept by list and watch; it breaks off at random and resumes where it is."""

    def __init__(self, client: LocalClient, rng: random.Random, selection: dict[str, Any]) -> None:
        self.client, self.rng, self.selection = client, rng, selection
        self.copy: dict[tuple[str, str], str] = {}
        self.revision = 0
        self.lists = 0

    async def run(self, end: asyncio.Future[int]) -> None:
        while not end.done() or self.revision < end.result():
            try:
                await self._follow(end)
            except Expired:
                self.revision = 0

    async def _follow(self, end: asyncio.Future[int]) -> None:
        if self.revision == 0:
            page = await self.client.list(Pod, **self.selection)
            self.copy = {key(item): item.metadata.resource_version for item in page.items}
            self.revision = page.revision
            self.lists += 1
        events: Any = self.client.watch(
            Pod, revision=self.revision, bookmarks=True, **self.selection
        )
        try:
            for _ in range(self.rng.randint(1, 12)):
                if end.done() and self.revision >= end.result():
                    return
                self._see(await anext(events))
        finally:
            await events.aclose()

    def _see(self, event: Any) -> None:
        assert event.revision >= self.revision
        self.revision = event.revision
        if event.type is EventType.DELETED:
            self.copy.pop(key(event.object), None)
        elif event.object is not None:
            self.copy[key(event.object)] = event.object.metadata.resource_version


def key(obj: Any) -> tuple[str, str]:
    return (obj.metadata.namespace, obj.metadata.name)


async def write(client: LocalClient, rng: random.Random, count: int) -> None:
    for _ in range(count):
        name, where = f"p{rng.randrange(8)}", rng.choice(NAMESPACES)
        try:
            await act(client, rng, name, where)
        except ApiError:
            continue  # absent, taken, stale, bound already: all of it is life


async def act(client: LocalClient, rng: random.Random, name: str, where: str) -> None:
    labels = {"app": rng.choice("ab")} if rng.random() < 0.8 else {}
    match rng.choice(["create", "create", "bind", "label", "stale", "delete", "now", "finalizer"]):
        case "create":
            await client.create(pod(name, where, **labels))
        case "bind":
            bound = pod(name, where)
            bound.spec.node_name = rng.choice(["n1", "n2"])
            await client.create(bound, subresource="binding")
        case "label" | "stale" as how:
            changed = Pod()
            changed.CopyFrom(await client.get(Pod, name, where))
            changed.metadata.labels.clear()
            changed.metadata.labels.update(labels)
            if how == "stale":
                await asyncio.sleep(0)
            await client.update(changed)
        case "delete":
            await client.delete(Pod, name, where)
        case "now":
            await client.delete(Pod, name, where, options=DeleteOptions(grace_period_seconds=0))
        case _:
            changed = Pod()
            changed.CopyFrom(await client.get(Pod, name, where))
            if changed.metadata.finalizers:
                del changed.metadata.finalizers[:]
            else:
                changed.metadata.finalizers.append("example.com/care")
            await client.update(changed)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("window", [4, 2048])
async def test_followers_have_what_a_list_shows(store: Store, seed: int, window: int) -> None:
    rng = random.Random(seed)
    limits = Limits(window=window, queue=6 if seed % 2 else 8192)
    registry = Registry(store, VirtualClock(), limits=limits, rng=rng)
    await registry.open()
    client = LocalClient(registry, TESTER)
    await client.create(namespace("team"))
    end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    followers = [Follower(client, rng, selection) for selection in SELECTIONS]

    async def writing() -> None:
        async with asyncio.TaskGroup() as writers:
            for _ in range(4):
                writers.create_task(write(client, rng, 60))
        end.set_result(registry.revision)

    async def everything() -> None:
        async with asyncio.TaskGroup() as group:
            for follower in followers:
                group.create_task(follower.run(end))
            group.create_task(writing())

    running = asyncio.ensure_future(everything())
    async with asyncio.timeout(30):
        while not running.done():
            await asyncio.wait([running], timeout=0.02)
            if end.done():  # who selects nothing that changed learns the end by a bookmark
                registry.topic(kinds.of(Pod)).bookmark(registry.revision)
    await running
    for follower in followers:
        page = await soon(client.list(Pod, **follower.selection))
        shown = {key(item): item.metadata.resource_version for item in page.items}
        assert follower.copy == shown, follower.selection
