"""What retention keeps, and the compactor at work in virtual time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from master.store.compactor import Compactor, Note, Retention, forgettable
from master.store.contract import Key, Put, Revision
from master.store.sqlite import SqliteStore, open_store
from pilothouse.objects import errors

NOTES = [Note(0, Revision(10)), Note(60, Revision(50)), Note(120, Revision(90))]


@pytest.mark.parametrize(
    ("now", "retention", "expected"),
    [
        (125, Retention(seconds=60, revisions=1_000), 50),
        (119, Retention(seconds=60, revisions=1_000), 10),
        (120, Retention(seconds=60, revisions=1_000), 50),
        (125, Retention(seconds=3_600, revisions=1_000), 0),
        (125, Retention(seconds=3_600, revisions=30), 60),
        (125, Retention(seconds=60, revisions=30), 60),
        (125, Retention(seconds=0, revisions=1_000), 90),
        (125, Retention(seconds=3_600, revisions=0), 90),
    ],
)
def test_history_older_or_longer_than_retention_is_forgettable(
    now: float, retention: Retention, expected: int
) -> None:
    assert forgettable(NOTES, now, retention) == expected


def test_nothing_is_forgettable_without_notes() -> None:
    assert forgettable([], 100.0, Retention()) == 0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = await open_store(tmp_path)
    yield store
    await store.close()


async def _write(store: SqliteStore, count: int) -> None:
    for _ in range(count):
        await store.txn([], [Put(Key("/a"), b"")])


class Periods:
    """A clock that stands still while the compactor works and moves on when told."""

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._asleep = asyncio.Event()
        self._wake = asyncio.Event()

    def monotonic(self) -> float:
        return self._elapsed

    def now(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        self._asleep.set()
        await self._wake.wait()
        self._wake.clear()
        self._elapsed += seconds

    async def until_asleep(self) -> None:
        async with asyncio.timeout(5):
            await self._asleep.wait()

    async def pass_one(self) -> None:
        """One period goes by, and what the compactor does then is done."""
        await self.until_asleep()
        self._asleep.clear()
        self._wake.set()
        await self.until_asleep()


async def test_compactor_keeps_the_time_that_it_was_told(store: SqliteStore) -> None:
    clock = Periods()
    compactor = Compactor(store, clock, Retention(seconds=120, revisions=1_000), period_seconds=60)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(compactor.run())
        await clock.until_asleep()
        compacted = []
        for _ in range(5):
            await _write(store, 5)
            await clock.pass_one()
            compacted.append(store.compacted)
        running.cancel()
    assert compacted == [0, 0, 5, 10, 15]
    with pytest.raises(errors.Expired):
        await store.get(Key("/a"), Revision(14))
    assert await store.get(Key("/a"), Revision(15)) is not None


async def test_compactor_bounds_history_however_young(store: SqliteStore) -> None:
    clock = Periods()
    compactor = Compactor(store, clock, Retention(seconds=3_600, revisions=7), period_seconds=60)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(compactor.run())
        await clock.until_asleep()
        await _write(store, 20)
        await clock.pass_one()
        running.cancel()
    assert store.compacted == 13


async def test_compactor_tries_again_when_the_store_cannot(
    store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    await _write(store, 10)
    await store.close()
    clock = Periods()
    compactor = Compactor(store, clock, Retention(seconds=0, revisions=3), period_seconds=60)
    with caplog.at_level(logging.WARNING):
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(compactor.run())
            await clock.pass_one()
            await clock.pass_one()
            running.cancel()
    assert caplog.text.count("the store is closed") == 3
