"""Events that agents report, into the store: checked, bounded, best effort.

In: the events of a session. Out: Event objects. At most PER_NODE of one node wait, and WAITING in
all; what comes beyond is dropped and counted in the log, as is an event that the node may not
report or that the API refuses. An event of a name that exists replaces it: agents count
repetitions that way. A burst is written in batches of BATCH, WRITES_A_SECOND: a thousand pods
that start at once say five times as much as they do, and must not wait for their own news.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Iterable

from master.dispatch.assignments import AssignmentIndex
from master.identity.authorization import event_refusal
from pilothouse.client.interface import ResourceClient
from pilothouse.objects.errors import AlreadyExists, ApiError
from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import Event

PER_NODE = 64
WAITING = 20_000
BATCH = 32
WRITES_A_SECOND = 320

logger = logging.getLogger(__name__)


class EventReports:
    """See the module."""

    def __init__(self, client: ResourceClient, index: AssignmentIndex, clock: Clock) -> None:
        self._client = client
        self._index = index
        self._clock = clock
        # As bytes, which take an eighth of an Event's memory, and a name to tell them apart.
        self._queue: deque[tuple[str, tuple[str, str], bytes]] = deque()
        self._waiting: Counter[str] = Counter()
        self._wake = asyncio.Event()

    def offer(self, node: str, events: Iterable[Event]) -> None:
        """Take in what the node reports."""
        dropped = 0
        for event in events:
            reason = event_refusal(node, event, self._index)
            if reason is not None:
                logger.warning("event dropped: %s", reason)
            elif self._waiting[node] >= PER_NODE or len(self._queue) >= WAITING:
                dropped += 1
            else:
                self._waiting[node] += 1
                checked = from_node(node, event)
                name = (checked.metadata.namespace, checked.metadata.name)
                self._queue.append((node, name, checked.SerializeToString()))
        if dropped:
            logger.warning("%d events dropped: %d wait", dropped, len(self._queue))
        self._wake.set()

    async def run(self) -> None:
        """Write what waits, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                batch = self._next_batch()
                await asyncio.gather(*(self._write(event) for event in batch))
                await self._clock.sleep(len(batch) / WRITES_A_SECOND)

    def _next_batch(self) -> list[Event]:
        """The oldest that wait, side by side in one commit: so no name twice."""
        batch: dict[tuple[str, str], Event] = {}
        while self._queue and len(batch) < BATCH:
            node, name, event = self._queue[0]
            if name in batch:
                break
            batch[name] = Event.FromString(event)
            self._queue.popleft()
            self._waiting[node] -= 1
            if not self._waiting[node]:
                del self._waiting[node]
        return list(batch.values())

    async def _write(self, event: Event) -> None:
        try:
            try:
                await self._client.create(event)
            except AlreadyExists:
                await self._client.update(event)
        except ApiError as error:
            logger.warning("event of %s dropped: %s", event.source.host, error)


def from_node(node: str, event: Event) -> Event:
    """The event as it is stored: who reported it is not the reporter's to choose."""
    checked = Event()
    checked.CopyFrom(event)
    checked.metadata.resource_version = ""
    checked.metadata.uid = ""
    checked.metadata.namespace = event.metadata.namespace or "default"
    checked.source.host = node
    checked.reporting_instance = node
    if not checked.metadata.name and not checked.metadata.generate_name:
        checked.metadata.generate_name = f"{event.involved_object.name}."
    return checked
