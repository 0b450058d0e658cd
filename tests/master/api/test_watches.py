"""Watches: every change after a revision, once, in order, as the selection sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from master.api.hub import Limits
from master.api.keys import key_of
from master.api.local import LocalClient
from master.api.registry import BOOKMARK_PERIOD, Registry
from master.store.contract import Put, Store
from pilothouse.client.interface import EventType, ResourceClient
from pilothouse.objects import kinds
from pilothouse.objects.errors import BadRequest, Expired, TooManyRequests
from pilothouse.process.clock import VirtualClock
from protos.core_v1_pb2 import ConfigMap, Pod
from tests.master.api.conftest import TESTER, opened, served, soon, until
from tests.master.api.objects import config_map, namespace, pod


@asynccontextmanager
async def watching(client: ResourceClient, *args: Any, **options: Any) -> AsyncIterator[Any]:
    async with aclosing(cast(Any, client.watch(*args, **options))) as events:
        yield events


async def take(events: AsyncIterator[Any], count: int) -> list[Any]:
    return [await soon(anext(events)) for _ in range(count)]


def told(events: list[Any]) -> list[tuple[str, str]]:
    return [
        (event.type.value, event.object.metadata.name if event.object is not None else "")
        for event in events
    ]


async def change_and_delete(client: ResourceClient, count: int = 5) -> None:
    for n in range(count):
        await client.create(config_map(f"c{n}"))
        await client.update(config_map(f"c{n}", a="1"))
    for n in range(count):
        await client.delete(ConfigMap, f"c{n}", "default")


EXPECTED = [
    *[(type_, f"c{n}") for n in range(5) for type_ in ("ADDED", "MODIFIED")],
    *[("DELETED", f"c{n}") for n in range(5)],
]


async def test_changes_are_told_as_they_happen(client: ResourceClient, registry: Registry) -> None:
    async with watching(client, ConfigMap, "default", revision=registry.revision) as events:
        await change_and_delete(client)
        seen = await take(events, 15)
    assert told(seen) == EXPECTED
    revisions = [event.revision for event in seen]
    assert revisions == sorted(set(revisions))
    assert [e.object.metadata.resource_version for e in seen] == [str(r) for r in revisions]


async def test_changes_of_the_past_are_told(client: ResourceClient, registry: Registry) -> None:
    before = registry.revision
    await change_and_delete(client)
    async with watching(client, ConfigMap, revision=before) as events:
        assert told(await take(events, 15)) == EXPECTED


async def test_past_beyond_the_window_comes_from_the_store(store: Store) -> None:
    registry = Registry(store, VirtualClock(), limits=Limits(window=3))
    await registry.open()
    client = LocalClient(registry, TESTER)
    before = registry.revision
    await change_and_delete(client)
    async with watching(client, ConfigMap, revision=before) as events:
        assert told(await take(events, 15)) == EXPECTED
        await client.create(config_map("live"))
        assert told(await take(events, 1)) == [("ADDED", "live")]


async def test_resuming_anywhere_misses_and_repeats_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as registry:
        client = LocalClient(registry, TESTER)
        before = registry.revision
        await change_and_delete(client)
    async with opened(tmp_path / "store") as registry:  # restarted: the window is empty
        client = LocalClient(registry, TESTER)
        async with watching(client, ConfigMap, revision=before) as events:
            seen = await take(events, 15)
        assert told(seen) == EXPECTED
        for index, event in enumerate(seen[:-1]):
            async with watching(client, ConfigMap, revision=event.revision) as events:
                assert told(await take(events, 14 - index)) == EXPECTED[index + 1 :]


async def test_watching_beside_many_writers_tells_each_change_once(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as registry:
        client = LocalClient(registry, TESTER)
        before = registry.revision

        async def write(name: str) -> None:
            await client.create(config_map(name))
            for n in range(20):
                await client.update(config_map(name, n=str(n)))

        async def follow(revision: int) -> list[str]:
            async with watching(client, ConfigMap, revision=revision) as events:
                return [str(event.revision) for event in await take(events, 10 * 21)]

        async with asyncio.TaskGroup() as group:
            followers = [group.create_task(follow(before)) for _ in range(3)]
            for n in range(10):
                group.create_task(write(f"w{n}"))
        expected = [str(revision) for revision in range(before + 1, registry.revision + 1)]
        assert all(follower.result() == expected for follower in followers)


async def test_watch_without_a_revision_begins_with_what_is_there(client: ResourceClient) -> None:
    await client.create(config_map("a"))
    await client.create(config_map("b"))
    async with watching(client, ConfigMap, "default", bookmarks=True) as events:
        first = await take(events, 3)
        await client.create(config_map("c"))
        last = await take(events, 1)
    assert told(first) == [("ADDED", "a"), ("ADDED", "b"), ("BOOKMARK", "")]
    assert told(last) == [("ADDED", "c")]
    assert first[2].revision < last[0].revision


async def test_labels_decide_what_is_seen(client: ResourceClient, registry: Registry) -> None:
    start = registry.revision
    async with watching(client, Pod, "default", revision=start, label_selector="app=web") as events:
        await client.create(pod("other", app="db"))
        await client.create(pod("web", app="db"))
        await client.update(pod_with(await client.get(Pod, "web", "default"), app="web"))
        await client.update(pod_with(await client.get(Pod, "web", "default"), app="web", x="1"))
        left = await client.update(pod_with(await client.get(Pod, "web", "default"), app="db"))
        seen = await take(events, 3)
    assert told(seen) == [("ADDED", "web"), ("MODIFIED", "web"), ("DELETED", "web")]
    assert seen[2].object.metadata.labels["app"] == "web"
    assert seen[2].object.metadata.resource_version == left.metadata.resource_version


def pod_with(existing: Pod, **labels: str) -> Pod:
    changed = Pod()
    changed.CopyFrom(existing)
    changed.metadata.labels.clear()
    changed.metadata.labels.update(labels)
    return changed


async def test_pods_of_one_node(client: ResourceClient, registry: Registry) -> None:
    selector = "spec.nodeName=n1"
    async with watching(client, Pod, revision=registry.revision, field_selector=selector) as events:
        for name, where in (("p1", "n1"), ("p2", "n2")):
            await client.create(pod(name))
            bound = pod(name)
            bound.spec.node_name = where
            await client.create(bound, subresource="binding")
        await client.create(pod("p3"))
        last = pod("p3")
        last.spec.node_name = "n1"
        await client.create(last, subresource="binding")
        assert told(await take(events, 2)) == [("ADDED", "p1"), ("ADDED", "p3")]


async def test_object_of_a_name(client: ResourceClient, registry: Registry) -> None:
    await client.create(namespace("other"))
    async with watching(
        client, ConfigMap, "default", revision=registry.revision, field_selector="metadata.name=b"
    ) as events:
        for name, where in (("a", "default"), ("b", "other"), ("b", "default")):
            await client.create(config_map(name, where))
        seen = await take(events, 1)
    assert (seen[0].object.metadata.namespace, seen[0].object.metadata.name) == ("default", "b")


async def test_namespaces_are_kept_apart(client: ResourceClient, registry: Registry) -> None:
    await client.create(namespace("other"))
    async with watching(client, ConfigMap, "other", revision=registry.revision) as events:
        await client.create(config_map("a"))
        await client.create(config_map("b", "other"))
        assert told(await take(events, 1)) == [("ADDED", "b")]


async def test_compacted_revision_is_expired(store: Store) -> None:
    registry = Registry(store, VirtualClock(), limits=Limits(window=3))
    await registry.open()
    client = LocalClient(registry, TESTER)
    before = registry.revision
    await change_and_delete(client)
    await store.compact(store.revision)
    with pytest.raises(Expired):
        await soon(anext(client.watch(ConfigMap, revision=before)))


async def test_future_revision_is_refused(client: ResourceClient, registry: Registry) -> None:
    with pytest.raises(BadRequest, match="future"):
        await soon(anext(client.watch(ConfigMap, revision=registry.revision + 1)))


async def test_slow_watcher_is_cut_off_and_others_are_not(store: Store) -> None:
    registry = Registry(store, VirtualClock(), limits=Limits(queue=2))
    await registry.open()
    client = LocalClient(registry, TESTER)
    start = registry.revision
    async with (
        watching(client, ConfigMap, revision=start) as slow,
        watching(client, ConfigMap, revision=start) as quick,
    ):
        await client.create(config_map("one"))
        assert told(await take(slow, 1)) == told(await take(quick, 1)) == [("ADDED", "one")]
        for n in range(4):
            await client.create(config_map(f"c{n}"))
            assert told(await take(quick, 1)) == [("ADDED", f"c{n}")]
        with pytest.raises(Expired, match="behind"):
            await take(slow, 1)


async def test_bookmarks_come_about_once_a_minute(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with opened(tmp_path / "store", clock=clock) as registry:
        client = LocalClient(registry, TESTER)
        running = asyncio.ensure_future(registry.run())
        try:
            async with watching(
                client, ConfigMap, revision=registry.revision, bookmarks=True
            ) as events:
                waiting = asyncio.ensure_future(anext(events))
                await client.create(pod())
                await clock.advance(BOOKMARK_PERIOD)
                event = await soon(waiting)
            assert (event.type, event.object) == (EventType.BOOKMARK, None)
            assert event.revision == registry.revision
        finally:
            running.cancel()


def put(obj: ConfigMap) -> Put:
    key = key_of(kinds.of(obj), obj.metadata.namespace, obj.metadata.name)
    return Put(key, obj.SerializeToString())


async def test_commit_of_several_objects_can_be_resumed_in_between(
    client: ResourceClient, registry: Registry, store: Store
) -> None:
    before = registry.revision
    await store.txn([], [put(config_map(name)) for name in "abc"])
    async with watching(client, ConfigMap, revision=before) as events:
        seen = await take(events, 3)
    assert told(seen) == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]
    async with watching(client, ConfigMap, revision=seen[0].revision) as events:
        again = await take(events, 3)
    assert {"b", "c"} <= {name for _, name in told(again)}
    assert seen[-1].revision == registry.revision


async def test_large_objects_cut_the_window_and_the_queue_short(store: Store) -> None:
    limits = Limits(window_bytes=10_000, queue_bytes=10_000)
    registry = Registry(store, VirtualClock(), limits=limits)
    await registry.open()
    client = LocalClient(registry, TESTER)
    start = registry.revision
    async with watching(client, ConfigMap, revision=start) as slow:
        await client.create(config_map("first"))
        assert told(await take(slow, 1)) == [("ADDED", "first")]
        for n in range(5):
            await client.create(config_map(f"c{n}", text="x" * 4000))
        with pytest.raises(Expired, match="behind"):
            await take(slow, 1)
    async with watching(client, ConfigMap, revision=start) as again:
        names = [name for _, name in told(await take(again, 6))]
    assert names == ["first", *(f"c{n}" for n in range(5))]


async def test_watcher_that_went_away_is_forgotten(registry: Registry) -> None:
    topic = registry.topic(kinds.of(ConfigMap))
    async with served(registry) as client:
        async with watching(client, ConfigMap, revision=registry.revision) as events:
            await client.create(config_map("a"))
            await take(events, 1)
            assert topic.watching == 1
        await until(lambda: topic.watching == 0)


async def test_watches_of_a_kind_are_bounded(store: Store) -> None:
    registry = Registry(store, VirtualClock(), limits=Limits(watchers=1))
    await registry.open()
    client = LocalClient(registry, TESTER)
    async with watching(client, ConfigMap, bookmarks=True) as first:
        await take(first, 1)
        async with watching(client, ConfigMap, bookmarks=True) as second:
            with pytest.raises(TooManyRequests):
                await take(second, 1)
        async with watching(client, Pod, bookmarks=True) as other:
            await take(other, 1)
    async with watching(client, ConfigMap, bookmarks=True) as third:
        await take(third, 1)


async def test_idle_kind_gets_bookmarks_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as registry:
        before = registry.revision
        await registry.create(config_map())
        await registry.create(pod())
    async with opened(tmp_path / "store") as registry:
        client = LocalClient(registry, TESTER)
        async with watching(client, ConfigMap, revision=before, bookmarks=True) as events:
            assert told(await take(events, 1)) == [("ADDED", "settings")]
            waiting = asyncio.ensure_future(anext(events))
            topic = registry.topic(kinds.of(ConfigMap))
            topic.bookmark(registry.revision)
            assert told([await soon(waiting)]) == [("BOOKMARK", "")]
