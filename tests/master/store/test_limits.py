"""The bounds of the store's queues, and what one party's fault does to the others."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from master.store.contract import Commit, Key, Put, Revision
from master.store.sqlite import Limits, SqliteStore, open_store
from pilothouse.objects import errors


async def _outcomes(store: SqliteStore, count: int, size: int) -> list[object]:
    calls = (store.txn([], [Put(Key(f"/{n}"), bytes(size))]) for n in range(count))
    return list(await asyncio.gather(*calls, return_exceptions=True))


@pytest.mark.parametrize(
    "limits",
    [Limits(waiting_transactions=5), Limits(waiting_bytes=5_000)],
    ids=["transactions", "bytes"],
)
async def test_more_than_may_wait_is_refused_and_harms_nobody(
    tmp_path: Path, limits: Limits
) -> None:
    store = await open_store(tmp_path, limits)
    for _ in range(3):
        outcomes = await _outcomes(store, 12, 1_000)
        assert all(isinstance(outcome, int) for outcome in outcomes[:5])
        assert all(isinstance(o, errors.TooManyRequests) for o in outcomes[5:]), outcomes
    assert store.revision == 15
    await store.close()


async def test_watch_buffer_counts_changes(tmp_path: Path) -> None:
    store = await open_store(tmp_path, Limits(watch_changes=6))
    async with aclosing(store.watch("/", Revision(0))) as batches:
        first = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        await store.txn([], [Put(Key("/a"), b"")])
        await first
        await store.txn([], [Put(Key(f"/{n}"), b"") for n in range(6)])
        assert len(await anext(batches)) == 1
        await store.txn([], [Put(Key(f"/{n}"), b"") for n in range(5)])
        await store.txn([], [Put(Key(f"/{n}"), b"") for n in range(2)])
        with pytest.raises(errors.Expired, match="6 changes"):
            await anext(batches)
    await store.close()


async def test_failing_observer_is_logged_and_keeps_nobody_waiting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = await open_store(tmp_path)
    seen: list[Commit] = []

    def fail(_: Sequence[Commit]) -> None:
        raise ValueError("broken observer")

    store.observe("/", fail)
    store.observe("/", seen.extend)
    with caplog.at_level(logging.ERROR):
        assert await store.txn([], [Put(Key("/a"), b"")]) == 1
    assert [commit.revision for commit in seen] == [1]
    assert "broken observer" in caplog.text
    await store.close()


async def test_observer_may_stop_itself(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    seen: list[Revision] = []

    def once(commits: Sequence[Commit]) -> None:
        seen.extend(commit.revision for commit in commits)
        stop()

    stop = store.observe("/", once)
    await store.txn([], [Put(Key("/a"), b"")])
    await store.txn([], [Put(Key("/a"), b"")])
    assert seen == [1]
    await store.close()
