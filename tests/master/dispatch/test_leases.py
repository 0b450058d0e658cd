"""Leases on a real store, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from master.api.keys import key_of
from master.dispatch.heartbeats import Beat, Heartbeats, LeaseWriter
from master.store.contract import Compare, Revision, Write
from master.store.sqlite import SqliteStore
from pilothouse.objects import kinds
from pilothouse.objects.errors import ServiceUnavailable
from pilothouse.process.clock import VirtualClock
from protos.coordination_v1_pb2 import Lease
from tests.master.dispatch.objects import node
from tests.master.dispatch.registries import store_in
from tests.master.running import eventually

KEY = key_of(kinds.of(Lease), "kube-node-lease", "n1")
LOST_AFTER = 15.0


class Failing:
    """The store, whose next transactions fail."""

    def __init__(self, store: SqliteStore, failures: int) -> None:
        self._store = store
        self._failures = failures

    async def txn(self, compares: Sequence[Compare], writes: Sequence[Write]) -> Revision:
        if self._failures:
            self._failures -= 1
            raise ServiceUnavailable("disk full")
        return await self._store.txn(compares, writes)


class Renewals:
    """One node's lease, renewed beat by beat."""

    def __init__(self, store: SqliteStore, failures: int = 0) -> None:
        self.store = store
        self.clock = VirtualClock()
        self.heartbeats = Heartbeats(LOST_AFTER)
        failing = Failing(store, failures)
        self.writer = LeaseWriter(self.heartbeats, failing, self.clock, LOST_AFTER)  # type: ignore[arg-type]

    async def renewed(self, seconds: float) -> Revision:
        """The revision of the lease that a beat now leads to, within so many seconds."""
        self.heartbeats.beat(Beat(node("n1"), self.clock.now()))
        before = self.store.revision

        async def written() -> bool:
            await self.clock.advance(0.5)
            return self.store.revision > before

        end = self.clock.monotonic() + seconds
        await eventually(written)
        assert self.clock.monotonic() <= end
        return self.store.revision


async def test_renewals_leave_no_history(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store, asyncio.TaskGroup() as group:
        renewals = Renewals(store)
        running = group.create_task(renewals.writer.run())
        first = await renewals.renewed(60)
        second = await renewals.renewed(60)
        entry = await store.get(KEY, first)
        assert entry is not None
        assert entry.mod_revision == second  # what was there at first is forgotten
        assert Lease.FromString(entry.value).spec.holder_identity == "n1"
        running.cancel()


async def test_renewal_that_failed_is_tried_again(tmp_path: Path) -> None:
    async with store_in(tmp_path) as store, asyncio.TaskGroup() as group:
        renewals = Renewals(store, failures=3)
        running = group.create_task(renewals.writer.run())
        await renewals.renewed(60)
        assert await store.get(KEY) is not None
        running.cancel()
