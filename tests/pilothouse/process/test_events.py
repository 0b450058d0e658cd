"""Events: recorded, merged, bounded, and never in anybody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pilothouse.objects.errors import ServiceUnavailable
from pilothouse.process.clock import VirtualClock
from pilothouse.process.correlation import BURST, COMBINED, REFILL, SIMILAR, WINDOW
from pilothouse.process.events import QUEUE, EventRecorder
from protos.core_v1_pb2 import Event, Node, Pod


class Events:
    """A client that keeps Events; it can be told to fail."""

    def __init__(self) -> None:
        self.stored: dict[str, Event] = {}
        self.failures = 0
        self.calls = 0

    async def create(self, obj: Event, **_: Any) -> Event:
        return self._put(obj)

    async def update(self, obj: Event, **_: Any) -> Event:
        return self._put(obj)

    def _put(self, obj: Event) -> Event:
        self.calls += 1
        if self.failures:
            self.failures -= 1
            raise ServiceUnavailable("away")
        self.stored[obj.metadata.name] = obj
        return obj


def pod(name: str = "web", uid: str = "u1") -> Pod:
    made = Pod()
    made.metadata.name, made.metadata.namespace, made.metadata.uid = name, "team", uid
    return made


@asynccontextmanager
async def recording(client: Any, clock: VirtualClock) -> AsyncIterator[EventRecorder]:
    recorder = EventRecorder(client, "tester", host="n1", clock=clock)
    running = asyncio.ensure_future(recorder.run())
    try:
        yield recorder
    finally:
        running.cancel()


async def settle(clock: VirtualClock, seconds: float = 0) -> None:
    await clock.advance(seconds)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


async def test_event_says_what_of_whom(clock: VirtualClock) -> None:
    events = Events()
    async with recording(events, clock) as recorder:
        recorder.event(pod(), "Warning", "Failed", "no such image")
        await settle(clock)
    (event,) = events.stored.values()
    assert (event.type, event.reason, event.message) == ("Warning", "Failed", "no such image")
    assert event.metadata.namespace == "team"
    about = event.involved_object
    assert (about.kind, about.api_version, about.namespace, about.name, about.uid) == (
        "Pod",
        "v1",
        "team",
        "web",
        "u1",
    )
    assert (event.source.component, event.source.host, event.count) == ("tester", "n1", 1)
    assert event.first_timestamp.seconds == event.last_timestamp.seconds == int(clock.now())


async def test_event_of_a_cluster_scoped_object_is_in_default(clock: VirtualClock) -> None:
    events, node = Events(), Node()
    node.metadata.name = "n1"
    async with recording(events, clock) as recorder:
        recorder.event(node, "Normal", "Ready", "the node is ready")
        await settle(clock)
    (event,) = events.stored.values()
    assert (event.metadata.namespace, event.involved_object.namespace) == ("default", "")


async def test_same_report_again_counts_up(clock: VirtualClock) -> None:
    events = Events()
    async with recording(events, clock) as recorder:
        for _ in range(3):
            recorder.event(pod(), "Warning", "BackOff", "restarting")
            await settle(clock, 10)
    (event,) = events.stored.values()
    assert event.count == 3
    assert event.last_timestamp.seconds - event.first_timestamp.seconds == 20


async def test_many_texts_of_one_reason_become_one_event(clock: VirtualClock) -> None:
    events = Events()
    async with recording(events, clock) as recorder:
        for n in range(SIMILAR + 5):
            recorder.event(pod(), "Normal", "Pulling", f"image {n}")
            await settle(clock, 1)
    assert len(events.stored) == SIMILAR + 1
    combined = [e for e in events.stored.values() if e.message.startswith(COMBINED)]
    assert [e.count for e in combined] == [5]
    assert combined[0].message.endswith(f"image {SIMILAR + 4}")


async def test_similar_reports_are_told_apart_again_after_a_while(clock: VirtualClock) -> None:
    events = Events()
    async with recording(events, clock) as recorder:
        for n in range(SIMILAR):
            recorder.event(pod(), "Normal", "Pulling", f"image {n}")
        await settle(clock, WINDOW + 1)
        recorder.event(pod(), "Normal", "Pulling", "another")
        await settle(clock)
    assert "another" in {e.message for e in events.stored.values()}


async def test_object_that_says_too_much_is_cut_short(clock: VirtualClock) -> None:
    events = Events()
    async with recording(events, clock) as recorder:
        for _ in range(BURST * 2):
            recorder.event(pod(), "Warning", "BackOff", "restarting")
        recorder.event(pod("other", "u2"), "Warning", "BackOff", "restarting")
        await settle(clock)
        counts = {e.involved_object.name: e.count for e in events.stored.values()}
        assert counts == {"web": BURST, "other": 1}
        await settle(clock, REFILL)
        recorder.event(pod(), "Warning", "BackOff", "restarting")
        await settle(clock)
    counts = {e.involved_object.name: e.count for e in events.stored.values()}
    assert counts["web"] == BURST + 1


async def test_unreachable_api_is_tried_again(clock: VirtualClock) -> None:
    events = Events()
    events.failures = 2
    async with recording(events, clock) as recorder:
        recorder.event(pod(), "Normal", "Started", "it runs")
        for _ in range(3):
            await settle(clock, 60)
    assert [e.reason for e in events.stored.values()] == ["Started"]


async def test_oldest_are_dropped_when_nobody_writes(clock: VirtualClock) -> None:
    events = Events()
    recorder = EventRecorder(events, "tester", clock=clock)  # type: ignore[arg-type]
    for n in range(QUEUE + 10):
        recorder.event(pod(f"p{n}", f"u{n}"), "Normal", "Started", "it runs")
    running = asyncio.ensure_future(recorder.run())
    await settle(clock)
    running.cancel()
    named = {e.involved_object.name for e in events.stored.values()}
    assert len(named) == QUEUE
    assert "p9" not in named
    assert f"p{QUEUE + 9}" in named


async def test_long_message_is_shortened(clock: VirtualClock) -> None:
    events = Events()
    async with recording(events, clock) as recorder:
        recorder.event(pod(), "Normal", "Said", "ä" * 2000)
        await settle(clock)
    (event,) = events.stored.values()
    assert len(event.message.encode()) <= 1024
