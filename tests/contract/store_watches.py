"""The store's contract: watch and observe."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from master.store import contract
from master.store.contract import (
    Change,
    Commit,
    Entry,
    Put,
    Revision,
    Store,
)
from pilothouse.objects import errors
from tests.contract.store_actions import (
    DEADLINE,
    follow,
    key,
    put,
    remove,
    write_randomly,
)


class Watches:
    """watch and observe."""

    async def test_watch_replays_then_follows(self, store: Store) -> None:
        await put(store, "/a", b"1")
        await put(store, "/b", b"2")
        async with aclosing(store.watch("/", Revision(1))) as batches:
            assert [commit.revision for commit in await anext(batches)] == [2]
            nothing = asyncio.ensure_future(anext(batches))
            await asyncio.sleep(0)
            assert not nothing.done()
            await put(store, "/c", b"3")
            assert [commit.revision for commit in await nothing] == [3]

    async def test_replay_ends_where_it_is_told_to(self, store: Store) -> None:
        for number in range(6):
            await put(store, f"/{'ab'[number % 2]}/{number}", b"x")

        async def revisions(prefix: str, after: int, until: int) -> list[int]:
            batches = store.replay(prefix, Revision(after), Revision(until))
            return [commit.revision async for commits in batches for commit in commits]

        assert await revisions("/", 1, 4) == [2, 3, 4]
        assert await revisions("/a/", 0, 6) == [1, 3, 5]
        assert await revisions("/a/", 5, 6) == []
        assert await revisions("/", 6, 6) == []
        with pytest.raises(errors.BadRequest):
            await revisions("/", 1, 7)
        await store.compact(Revision(4))
        with pytest.raises(errors.Expired):
            await revisions("/", 3, 6)
        assert await revisions("/", 4, 6) == [5, 6]

    async def test_changes_tell_before_and_after(self, store: Store) -> None:
        async def write() -> None:
            await put(store, "/a", b"1")
            await put(store, "/a", b"2")
            await remove(store, "/a")
            await put(store, "/a", b"3")

        live: list[Commit] = []
        watching = asyncio.ensure_future(follow(store, "/", 0, 4, live))
        await asyncio.sleep(0)
        await write()
        await watching
        first = Entry(key("/a"), b"1", Revision(1), Revision(1), 1)
        second = Entry(key("/a"), b"2", Revision(1), Revision(2), 2)
        third = Entry(key("/a"), b"3", Revision(4), Revision(4), 1)
        expected = [(first, None), (second, first), (None, second), (third, None)]
        for commits in (live, await follow(store, "/", 0, 4)):
            assert commits == [
                Commit(Revision(number), (Change(key("/a"), entry, previous),))
                for number, (entry, previous) in enumerate(expected, 1)
            ]

    async def test_watch_sees_the_whole_of_a_commit_under_its_prefix(self, store: Store) -> None:
        watching = asyncio.ensure_future(follow(store, "/p/", 0, 2))
        await asyncio.sleep(0)
        await store.txn([], [Put(key("/p/b"), b""), Put(key("/p2/c"), b""), Put(key("/p/a"), b"")])
        await store.txn([], [Put(key("/q"), b""), Put(key("/p/z"), b"")])
        live = await watching
        for commits in (live, await follow(store, "/p/", 0, 2)):
            assert [(c.revision, [x.key for x in c.changes]) for c in commits] == [
                (1, ["/p/b", "/p/a"]),
                (2, ["/p/z"]),
            ]

    @pytest.mark.parametrize("prefix", ["", "/", "/p", "/p/", "/p/a", "/p/a/", "/q/", "/p/a/x"])
    async def test_prefix_selects_the_same_live_replayed_and_observed(
        self, store: Store, prefix: str
    ) -> None:
        written = ("/p/a/x", "/p/a/y", "/p/ab/x", "/p/b", "/pq", "/p/a", "/r/s/t/u", "/q/z")
        expected = [n for n, name in enumerate(written, 1) if name.startswith(prefix)]
        observed: list[Commit] = []
        store.observe(prefix, observed.extend)
        watching = asyncio.ensure_future(follow(store, prefix, 0, expected[-1]))
        await asyncio.sleep(0)
        for name in written:
            await put(store, name)
        replayed = await follow(store, prefix, 0, expected[-1])
        for commits in (await watching, replayed, observed):
            assert [commit.revision for commit in commits] == expected

    async def test_watches_started_at_any_moment_see_every_commit_once(self, store: Store) -> None:
        rng = random.Random(11)
        total = 1_500
        watching: list[asyncio.Future[list[Commit]]] = []
        starts: list[int] = []

        async def write(number: int) -> None:
            while store.revision < total - 20:
                await put(store, f"/p/{number}", b"x")
                if rng.random() < 0.03:
                    starts.append(rng.randint(0, store.revision))
                    watching.append(asyncio.ensure_future(follow(store, "/p/", starts[-1], total)))

        async with asyncio.timeout(DEADLINE):
            await asyncio.gather(*map(write, range(10)))
            while store.revision < total:
                await put(store, "/p/end")
            assert len(watching) > 10
            for start, commits in zip(starts, await asyncio.gather(*watching), strict=True):
                assert [c.revision for c in commits] == list(range(start + 1, total + 1))

    async def test_long_history_replays_in_whole_commits(self, store: Store) -> None:
        sizes = [1, 900, 300, 1, 2_500, 1, 700]
        for size in sizes:
            await store.txn([], [Put(key(f"/p/{i:04}"), b"") for i in range(size)])
        following = asyncio.ensure_future(follow(store, "/p/", 0, len(sizes) + 1))
        await asyncio.sleep(0)
        await put(store, "/p/last")
        commits = await following
        assert [(c.revision, len(c.changes)) for c in commits] == list(enumerate([*sizes, 1], 1))

    async def test_slow_watch_is_cut_off_and_blocks_nobody(self, store: Store) -> None:
        async with aclosing(store.watch("/", Revision(0))) as slow:
            first = asyncio.ensure_future(anext(slow))
            await asyncio.sleep(0)
            await put(store, "/a")
            await first
            quick = asyncio.ensure_future(follow(store, "/", 1, 5))
            await asyncio.sleep(0)
            for _ in range(4):
                await store.txn(
                    [], [Put(key(f"/{i}"), b"") for i in range(contract.MAX_TXN_WRITES)]
                )
            with pytest.raises(errors.Expired):
                await anext(slow)
        assert len(await quick) == 4

    async def test_closed_watch_is_forgotten(self, store: Store) -> None:
        batches = store.watch("/", Revision(0))
        first = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        await put(store, "/a")
        await first
        await batches.aclose()
        await put(store, "/b")
        with pytest.raises(StopAsyncIteration):
            await anext(batches)

    async def test_observer_is_called_before_the_transaction_returns(self, store: Store) -> None:
        seen: list[Revision] = []

        def observe(commits: Sequence[Commit]) -> None:
            assert store.revision >= commits[-1].revision
            seen.extend(commit.revision for commit in commits)

        stop = store.observe("/p/", observe)

        async def write(number: int) -> None:
            for _ in range(20):
                revision = await put(store, f"/p/{number}")
                assert revision in seen

        await asyncio.gather(*map(write, range(8)))
        assert seen == list(range(1, 161))
        stop()
        stop()
        await put(store, "/p/0")
        assert len(seen) == 160

    async def test_cache_fed_by_an_observer_is_complete(self, store: Store) -> None:
        writing = asyncio.ensure_future(write_randomly(store, 300))
        await follow(store, "/", 0, 50)
        ahead: list[Commit] = []
        store.observe("/", ahead.extend)
        listing = await store.list("/")
        cache = {entry.key: entry for entry in listing.entries}
        await writing
        for commit in ahead:
            if commit.revision > listing.revision:
                for change in commit.changes:
                    cache.pop(change.key, None)
                    if change.entry is not None:
                        cache[change.key] = change.entry
        assert cache == {entry.key: entry for entry in (await store.list("/")).entries}
