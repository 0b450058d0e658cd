"""The store's contract: compact, transient writes, close and open again."""

from __future__ import annotations

import asyncio

import pytest

from master.store.contract import (
    Entry,
    Revision,
    Store,
)
from pilothouse.objects import errors
from tests.contract.store_actions import (
    DEADLINE,
    Opening,
    follow,
    key,
    names,
    put,
    remove,
    write_randomly,
)


class Forgetting:
    """compact, transient writes, close and open again."""

    async def test_compaction_keeps_what_later_reads_see(self, store: Store) -> None:
        await put(store, "/a", b"1")
        await put(store, "/b", b"2")
        await put(store, "/a", b"3")
        await remove(store, "/b")
        await put(store, "/a", b"5")
        await store.compact(Revision(3))
        assert store.compacted == 3
        assert await names(store, "/", Revision(3)) == ["/a", "/b"]
        assert await names(store, "/", Revision(4)) == ["/a"]
        assert [c.revision for c in await follow(store, "/", 3, 5)] == [4, 5]
        entry = await store.get(key("/a"), Revision(3))
        assert entry == Entry(key("/a"), b"3", Revision(1), Revision(3), 2)

    async def test_read_below_compaction_is_expired(self, store: Store) -> None:
        for number in range(6):
            await put(store, "/a", b"%d" % number)
        await store.compact(Revision(5))
        for revision in (0, 1, 4):
            with pytest.raises(errors.Expired, match="5"):
                await store.get(key("/a"), Revision(revision))
            with pytest.raises(errors.Expired):
                await store.list("/", revision=Revision(revision))
            with pytest.raises(errors.Expired):
                await anext(store.watch("/", Revision(revision)))

    async def test_compaction_twice_or_further_back_changes_nothing(self, store: Store) -> None:
        for _ in range(4):
            await put(store, "/a")
        await store.compact(Revision(3))
        await store.compact(Revision(3))
        await store.compact(Revision(1))
        assert store.compacted == 3
        with pytest.raises(errors.BadRequest):
            await store.compact(Revision(5))

    async def test_compacted_revisions_are_never_given_again(self, opening: Opening) -> None:
        store = await opening()
        await put(store, "/a")
        await remove(store, "/a")
        await store.compact(Revision(2))
        await store.close()
        store = await opening()
        assert (store.revision, store.compacted) == (2, 2)
        assert await put(store, "/a") == 3
        with pytest.raises(errors.Expired):
            await store.get(key("/a"), Revision(1))
        await store.close()

    async def test_compaction_under_load_disturbs_nobody(self, store: Store) -> None:
        async def write(number: int) -> None:
            for turn in range(60):
                await put(store, f"/{number}", b"%d" % turn)
                if turn % 5 == 0:
                    await remove(store, f"/{number}")

        observed: list[Revision] = []
        store.observe("/", lambda commits: observed.extend(c.revision for c in commits))
        writing = asyncio.gather(*map(write, range(8)))
        async with asyncio.timeout(DEADLINE):
            while not writing.done():
                revision = store.revision
                await store.compact(revision)
                state = {e.key: e for e in (await store.list("/", revision=revision)).entries}
                assert all(entry.mod_revision <= revision for entry in state.values())
        await writing
        assert observed == list(range(1, store.revision + 1))
        for number in range(8):
            entry = await store.get(key(f"/{number}"))
            assert entry is not None
            assert entry.value == b"59"

    async def test_compaction_does_not_outlive_the_store(self, opening: Opening) -> None:
        store = await opening()
        for start in range(0, 3_000, 100):
            await asyncio.gather(*(put(store, f"/{n % 7}") for n in range(start, start + 100)))
        newest = store.revision
        compacting = asyncio.ensure_future(store.compact(newest))
        await asyncio.sleep(0)
        await store.close()
        async with asyncio.timeout(DEADLINE):
            (outcome,) = await asyncio.gather(compacting, return_exceptions=True)
        assert outcome is None or isinstance(outcome, errors.ServiceUnavailable)
        store = await opening()
        await store.compact(newest)
        assert (store.revision, store.compacted) == (newest, newest)
        await store.close()

    async def test_transient_writes_show_their_newest_state(self, opening: Opening) -> None:
        store = await opening()
        await put(store, "/lease", b"1")
        await put(store, "/lease", b"2")
        for number in range(3, 8):
            await put(store, "/lease", b"%d" % number, transient=True)
        await put(store, "/other")
        newest = Entry(key("/lease"), b"7", Revision(1), Revision(7), 7)
        assert await store.get(key("/lease")) == newest
        for revision in range(1, 8):
            assert await store.get(key("/lease"), Revision(revision)) is not None
            assert await names(store, "/", Revision(revision)) == ["/lease"]
        replayed = await follow(store, "/", 0, 8)
        assert [c.changes[0].entry for c in replayed if c.revision == 7] == [newest]
        await store.close()
        store = await opening()
        assert await store.get(key("/lease")) == newest
        assert store.revision == 8
        await store.close()

    async def test_transient_write_keeps_other_lives_of_its_key(self, store: Store) -> None:
        await put(store, "/lease", b"1")
        await remove(store, "/lease")
        await put(store, "/lease", b"3", transient=True)
        await put(store, "/lease", b"4", transient=True)
        await remove(store, "/lease")
        await put(store, "/other")
        assert (await _values(store, "/lease", range(3))) == [None, b"1", None]
        assert None not in await _values(store, "/lease", range(3, 5))
        assert (await _values(store, "/lease", range(5, 7))) == [None, None]

    async def test_lasting_write_after_transient_ones_has_history(self, store: Store) -> None:
        await put(store, "/a", b"1", transient=True)
        await put(store, "/a", b"2", transient=True)
        await put(store, "/a", b"3")
        await put(store, "/a", b"4")
        await put(store, "/other")
        assert (await _values(store, "/a", range(2, 6))) == [b"2", b"3", b"4", b"4"]

    async def test_transient_writes_in_one_batch(self, opening: Opening) -> None:
        store = await opening()
        await asyncio.gather(
            put(store, "/a", b"1"),
            put(store, "/a", b"2", transient=True),
            put(store, "/b", b"3", transient=True),
            put(store, "/a", b"4", transient=True),
            remove(store, "/b"),
            put(store, "/b", b"6", transient=True),
            put(store, "/a", b"7"),
        )
        expected = (await store.list("/")).entries
        await store.close()
        store = await opening()
        assert store.revision == 7
        assert (await store.list("/")).entries == expected
        assert [entry.value for entry in expected] == [b"7", b"6"]
        await store.close()

    async def test_everything_is_there_after_opening_again(self, opening: Opening) -> None:
        store = await opening()
        await write_randomly(store, 200)
        await store.compact(Revision(40))
        newest, entries = store.revision, (await store.list("/")).entries
        commits = await follow(store, "/", 40, newest)
        await store.close()
        store = await opening()
        assert (store.revision, store.compacted) == (newest, 40)
        assert (await store.list("/")).entries == entries
        assert await follow(store, "/", 40, newest) == commits
        assert await put(store, "/new") == newest + 1
        await store.close()

    async def test_close_finishes_what_waits_and_refuses_the_rest(self, opening: Opening) -> None:
        store = await opening()
        watching = asyncio.ensure_future(follow(store, "/", 0, 10**6))
        calls = [asyncio.ensure_future(put(store, f"/{number}")) for number in range(20)]
        await asyncio.sleep(0)
        await store.close()
        assert await asyncio.gather(*calls) == list(range(1, 21))
        with pytest.raises(errors.ServiceUnavailable):
            await watching
        with pytest.raises(errors.ServiceUnavailable):
            await put(store, "/late")
        with pytest.raises(errors.ServiceUnavailable):
            await anext(store.watch("/", Revision(0)))
        await store.close()
        store = await opening()
        assert len(await names(store, "/")) == 20
        await store.close()


async def _values(store: Store, name: str, revisions: range) -> list[bytes | None]:
    found = [await store.get(key(name), Revision(revision)) for revision in revisions]
    return [entry.value if entry else None for entry in found]
