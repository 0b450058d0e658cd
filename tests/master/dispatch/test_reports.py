from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from master.api.registry import Registry
from master.dispatch.assignments import AssignmentIndex
from master.dispatch.reports import BATCH, PER_NODE, WRITES_A_SECOND, EventReports, from_node
from pilothouse.objects.errors import Invalid
from pilothouse.process.clock import SystemClock, VirtualClock
from protos.core_v1_pb2 import Event
from tests.master.dispatch.objects import pod
from tests.master.dispatch.registries import Faulty, registry_in
from tests.master.running import eventually


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    async with registry_in(tmp_path) as opened:
        yield opened


def event(name: str, about: str = "web") -> Event:
    made = Event(reason="Started", message="x")
    made.metadata.name, made.metadata.namespace = name, "default"
    made.involved_object.kind, made.involved_object.name = "Pod", about
    made.involved_object.namespace = "default"
    return made


def index() -> AssignmentIndex:
    made = AssignmentIndex()
    made.pod_changed(None, pod("web", "n1"))
    return made


async def run_until(reports: EventReports, api: Faulty, count: int) -> None:
    async def enough() -> bool:
        return len(api.calls) >= count

    async with asyncio.TaskGroup() as group:
        running = group.create_task(reports.run())
        await eventually(enough)
        running.cancel()


async def test_flood_of_one_node_is_cut_and_spares_the_others(registry: Registry) -> None:
    known = index()
    known.pod_changed(None, pod("db", "n2"))
    api = Faulty(registry)
    reports = EventReports(api, known, SystemClock())
    reports.offer("n1", (event(f"e{number}") for number in range(PER_NODE * 3)))
    reports.offer("n2", [event("other", "db")])
    await run_until(reports, api, PER_NODE + 1)
    assert len(api.calls) == PER_NODE + 1
    assert api.calls[-1] == ("create", "other")


async def test_repeated_event_replaces_the_first(registry: Registry) -> None:
    api = Faulty(registry)
    reports = EventReports(api, index(), SystemClock())
    again = event("e")
    again.count = 2
    reports.offer("n1", [event("e"), again])
    await run_until(reports, api, 3)
    assert api.calls == [("create", "e"), ("create", "e"), ("update", "e")]
    [stored] = (await api.list(Event)).items
    assert stored.count == 2


async def test_refused_event_does_not_stop_the_next(registry: Registry) -> None:
    api = Faulty(registry, {"bad": Invalid("bad")})
    reports = EventReports(api, index(), SystemClock())
    reports.offer("n1", [event("bad"), event("good")])
    await run_until(reports, api, 2)
    assert api.calls == [("create", "bad"), ("create", "good")]


async def test_burst_is_written_over_time(registry: Registry) -> None:
    clock, api = VirtualClock(), Faulty(registry)
    reports = EventReports(api, index(), clock)
    reports.offer("n1", (event(f"e{number}") for number in range(2 * BATCH)))

    async def written(count: int) -> bool:
        return len((await api.list(Event)).items) == count

    async with asyncio.TaskGroup() as group:
        running = group.create_task(reports.run())
        await eventually(lambda: written(BATCH))
        await clock.advance(BATCH / WRITES_A_SECOND * 0.9)
        assert len(api.calls) == BATCH

        async def written_later() -> bool:
            await clock.advance(BATCH / WRITES_A_SECOND)
            return await written(2 * BATCH)

        await eventually(written_later)
        running.cancel()


def test_reporter_is_the_node_whatever_it_says() -> None:
    said = event("e")
    said.source.host = said.reporting_instance = "n9"
    said.metadata.resource_version, said.metadata.uid = "7", "x"
    stored = from_node("n1", said)
    assert (stored.source.host, stored.reporting_instance) == ("n1", "n1")
    assert not stored.metadata.resource_version
    assert not stored.metadata.uid
