"""Old events and pods of nodes that are gone go, new ones stay."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from master.api.local import LocalClient
from master.controllers.cleanup import EVENT_PAGE, EventExpiryController, PodCleanupController
from master.controllers.informers import Informers
from master.identity.user import component
from pilothouse.client.interface import EventType
from pilothouse.objects.errors import ServiceUnavailable
from pilothouse.process.clock import VirtualClock
from protos.core_v1_pb2 import Event, Pod
from tests.master.dispatch.registries import registry_in
from tests.master.running import eventually, pod_of

OLD = 2 * EVENT_PAGE + 10


class FailingOnce(LocalClient):
    """The first deletion is refused by the disk."""

    failed = False

    async def delete(self, *arguments: Any, **options: Any) -> Any:
        if not self.failed:
            self.failed = True
            raise ServiceUnavailable("the store cannot write")
        return await super().delete(*arguments, **options)


def event(name: str, seen: float) -> Event:
    made = Event(reason="Started", message="x")
    made.metadata.name, made.metadata.namespace = name, "default"
    made.involved_object.kind, made.involved_object.name = "Pod", "web"
    made.involved_object.namespace = "default"
    made.last_timestamp.seconds = int(seen)
    return made


async def test_events_are_removed_once_they_are_old_however_many_there_are(tmp_path: Path) -> None:
    clock = VirtualClock(start=time.time() + 1000)  # all are created in the past
    async with registry_in(tmp_path) as registry:
        client = LocalClient(registry, component("test"))
        old = [event(f"old-{number}", clock.now() - 200) for number in range(OLD)]
        await asyncio.gather(*(client.create(made) for made in old))
        await client.create(event("young", clock.now() - 10))

        async def names() -> list[str]:
            return [found.metadata.name for found in (await client.list(Event)).items]

        async def young_alone() -> bool:
            return await names() == ["young"]

        async with asyncio.TaskGroup() as group:
            expiry = EventExpiryController(client, clock, retention=100.0)
            running = group.create_task(expiry.run())
            await eventually(young_alone)
            running.cancel()


async def test_a_failing_disk_does_not_end_the_expiry(tmp_path: Path) -> None:
    clock = VirtualClock(start=time.time() + 1000)
    async with registry_in(tmp_path) as registry:
        client = FailingOnce(registry, component("test"))
        await client.create(event("old", clock.now() - 200))

        async def gone() -> bool:
            await clock.advance(20.0)
            return not (await client.list(Event)).items

        async with asyncio.TaskGroup() as group:
            expiry = EventExpiryController(client, clock, retention=100.0)
            running = group.create_task(expiry.run())
            await eventually(gone)
            running.cancel()


async def test_a_pod_whose_node_is_gone_fails_before_it_is_removed(tmp_path: Path) -> None:
    clock = VirtualClock(start=time.time())
    async with registry_in(tmp_path) as registry:
        client = LocalClient(registry, component("test"))
        informers = Informers(client)
        cleanup = PodCleanupController(client, informers.pods, informers.nodes, clock)
        pod = await client.create(pod_of("web", node="nowhere"))
        await client.delete(Pod, "web", "default")  # nobody is there to end it gracefully

        async def gone() -> bool:
            return not (await client.list(Pod, "default")).items

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work.run()) for work in (informers, cleanup)]
            await eventually(gone)
            for task in tasks:
                task.cancel()
        seen: list[Pod] = []
        since = int(pod.metadata.resource_version)
        async for event in client.watch(Pod, "default", revision=since):
            if event.type is EventType.DELETED:
                break
            assert event.object is not None
            seen.append(event.object)
        assert pod.status.phase == "Pending"
        assert seen[-1].status.phase == "Failed"
        assert [c.reason for c in seen[-1].status.conditions] == ["DeletionByPodGC"]
