"""Events as recorded through the API: valid, counted up, begun anew when they have expired."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from master.api.local import LocalClient
from pilothouse.process.clock import VirtualClock
from pilothouse.process.events import EventRecorder
from protos.core_v1_pb2 import Event
from tests.master.api.objects import node, pod


@pytest.fixture
async def recorder(local: LocalClient) -> AsyncIterator[EventRecorder]:
    recorder = EventRecorder(local, "tester", host="n1", clock=VirtualClock())
    running = asyncio.ensure_future(recorder.run())
    yield recorder
    running.cancel()


async def recorded(local: LocalClient, namespace: str = "default") -> list[Event]:
    return list((await local.list(Event, namespace)).items)


async def test_events_of_pods_and_nodes_are_stored(
    local: LocalClient, recorder: EventRecorder
) -> None:
    recorder.event(await local.create(pod()), "Normal", "Scheduled", "placed on n1")
    recorder.event(await local.create(node()), "Warning", "NotReady", "no heartbeat")
    async with asyncio.timeout(10):
        while len(stored := await recorded(local)) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert {event.reason for event in stored} == {"Scheduled", "NotReady"}
    assert {event.involved_object.kind for event in stored} == {"Pod", "Node"}


async def test_expired_event_begins_anew(local: LocalClient, recorder: EventRecorder) -> None:
    made = await local.create(pod())
    for expected in (1, 2):
        recorder.event(made, "Warning", "BackOff", "restarting")
        await counted(local, expected)
    (event,) = await recorded(local)
    await local.delete(Event, event.metadata.name, "default")
    recorder.event(made, "Warning", "BackOff", "restarting")
    await counted(local, 3)


async def counted(local: LocalClient, expected: int) -> None:
    async with asyncio.timeout(10):
        while [event.count for event in await recorded(local)] != [expected]:  # noqa: ASYNC110
            await asyncio.sleep(0)
