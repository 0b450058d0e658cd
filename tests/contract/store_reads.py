"""The store's contract: get and list."""

from __future__ import annotations

import random

import pytest

from master.store.contract import (
    Delete,
    Entry,
    Put,
    Revision,
    Store,
)
from pilothouse.objects import errors
from tests.contract.store_actions import (
    Opening,
    follow,
    key,
    names,
    put,
    remove,
)


class Reads:
    """get and list."""

    async def test_empty_store_is_at_revision_zero(self, store: Store) -> None:
        assert store.revision == 0
        assert store.compacted == 0
        listing = await store.list("/")
        assert (listing.entries, listing.revision, listing.remaining) == ((), 0, 0)
        assert await store.get(key("/a")) is None

    async def test_entry_tells_its_creation_its_last_write_and_the_number_of_writes(
        self, store: Store
    ) -> None:
        await put(store, "/a", b"1")
        await put(store, "/other")
        await put(store, "/a", b"2")
        assert await store.get(key("/a")) == Entry(
            key("/a"), b"2", Revision(1), Revision(3), version=2
        )

    async def test_recreated_key_starts_anew(self, store: Store) -> None:
        await put(store, "/a", b"1")
        await put(store, "/a", b"2")
        await remove(store, "/a")
        assert await store.get(key("/a")) is None
        await put(store, "/a", b"3")
        assert await store.get(key("/a")) == Entry(
            key("/a"), b"3", Revision(4), Revision(4), version=1
        )

    @pytest.mark.parametrize(
        "value", [b"", b"\x00", bytes(range(256)), b"x" * 300_000], ids=lambda v: str(len(v))
    )
    async def test_value_comes_back_exactly(self, opening: Opening, value: bytes) -> None:
        store = await opening()
        await put(store, "/a", value)
        await put(store, "/b", value)
        await remove(store, "/b")
        past = await store.get(key("/a"), Revision(1))
        await store.close()
        store = await opening()
        now = await store.get(key("/a"))
        (created, *_) = await follow(store, "/", 0, 3)
        await store.close()
        assert past is not None
        assert now is not None
        assert created.changes[0].entry is not None
        assert past.value == now.value == created.changes[0].entry.value == value

    async def test_keys_are_ordered_bytewise(self, opening: Opening) -> None:
        # U+FFEE sorts behind U+10000 in UTF-16 only.
        ordered = ["/a", "/a-", "/a/b", "/a0", "/B"[:1] + "b", "/bé", "/b\uffee", "/b\U00010000"]
        store = await opening()
        for name in random.Random(7).sample(ordered, len(ordered)):
            await put(store, name)
        expected = sorted(ordered, key=lambda name: name.encode())
        newest = store.revision
        assert await names(store, "/") == expected
        await put(store, "/zzz")
        assert await names(store, "/", newest) == expected
        await store.close()
        store = await opening()
        assert await names(store, "/") == [*expected, "/zzz"]
        await store.close()

    async def test_prefix_bounds_a_list(self, store: Store) -> None:
        for name in ("/p/a", "/p/b", "/p", "/p-q/a", "/p0", "/o/z", "/q/a"):
            await put(store, name)
        past = store.revision
        await put(store, "/zzz")
        for revision in (None, past):
            assert await names(store, "/p/", revision) == ["/p/a", "/p/b"]
            assert await names(store, "/p", revision) == ["/p", "/p-q/a", "/p/a", "/p/b", "/p0"]
            assert await names(store, "/p/a/", revision) == []

    @pytest.mark.parametrize("past", [False, True], ids=["now", "past"])
    async def test_pages_join_to_the_whole(self, store: Store, past: bool) -> None:
        await store.txn([], [Put(key(f"/p/{i:02}"), b"") for i in range(17)])
        await store.txn([], [Put(key("/q/x"), b""), Put(key("/o/x"), b"")])
        revision = store.revision if past else None
        if past:
            await store.txn(
                [], [Put(key("/p/99"), b""), Delete(key("/p/03")), Delete(key("/p/09"))]
            )
        whole = await names(store, "/p/", revision)
        pages: list[str] = []
        start_after = ""
        while True:
            page = await store.list("/p/", revision=revision, start_after=start_after, limit=5)
            pages += [entry.key for entry in page.entries]
            assert page.remaining == len(whole) - len(pages)
            assert page.revision == (revision or store.revision)
            if not page.remaining:
                break
            start_after = pages[-1]
        assert pages == whole
        assert len(whole) == 17

    async def test_list_that_began_now_goes_on_as_it_was(self, store: Store) -> None:
        await store.txn([], [Put(key(f"/p/{i:02}"), b"") for i in range(10)])
        first = await store.list("/p/", limit=3)
        await store.txn([], [Delete(key(f"/p/{i:02}")) for i in range(0, 10, 2)])
        await put(store, "/p/03x")
        last, counts = first, [first.remaining]
        shown = [*first.entries]
        while last.remaining:
            last = await store.list(
                "/p/", revision=first.revision, start_after=shown[-1].key, limit=3
            )
            counts.append(last.remaining)
            shown += last.entries
        assert [entry.key for entry in shown] == [f"/p/{i:02}" for i in range(10)]
        assert counts == [7, 4, 1, 0]
        assert (await store.list("/p", revision=first.revision, start_after="/p/02")).remaining == 0

    async def test_text_that_is_no_key_is_refused_or_finds_nothing(self, store: Store) -> None:
        await put(store, "/a")
        await put(store, "/a")
        for revision in (None, Revision(1)):
            for text in ("/\ud800", "\udfff", "/a\x00"):
                try:
                    found = await store.list("/", revision=revision, start_after=text)
                    assert await store.get(key(text), revision) is None
                except errors.BadRequest:
                    continue
                assert [entry.key for entry in found.entries] == (["/a"] if text < "/a" else [])

    async def test_page_starts_behind_any_string(self, store: Store) -> None:
        await store.txn([], [Put(key(f"/p/{name}"), b"") for name in "bdf"])
        past = store.revision
        await put(store, "/zzz")
        for revision in (None, past):
            for start_after, expected in {
                "": "bdf", "/a": "bdf", "/p/": "bdf", "/p/b": "df", "/p/c": "df",
                "/p/f": "", "/q": "", "\U0010ffff": "",
            }.items():  # fmt: skip
                page = await store.list("/p/", revision=revision, start_after=start_after)
                assert [entry.key[-1] for entry in page.entries] == list(expected), start_after

    async def test_every_past_state_can_be_read(self, store: Store) -> None:
        rng = random.Random(3)
        states: list[dict[str, bytes]] = [{}]
        for turn in range(60):
            state = dict(states[-1])
            name = f"/k/{rng.randrange(6)}"
            if name in state and rng.random() < 0.4:
                await remove(store, name)
                del state[name]
            else:
                state[name] = b"%d" % turn
                await put(store, name, state[name])
            states.append(state)
        for revision, state in enumerate(states):
            listing = await store.list("/k/", revision=Revision(revision))
            assert {entry.key: entry.value for entry in listing.entries} == state
            assert listing.revision == revision
            for number in range(6):
                entry = await store.get(key(f"/k/{number}"), Revision(revision))
                assert (entry.value if entry else None) == state.get(f"/k/{number}")

    @pytest.mark.parametrize("revision", [-1, 2, 10**12])
    async def test_unknown_revision_is_a_bad_request(self, store: Store, revision: int) -> None:
        await put(store, "/a")
        with pytest.raises(errors.BadRequest, match=str(revision)):
            await store.get(key("/a"), Revision(revision))
        with pytest.raises(errors.BadRequest, match=str(revision)):
            await store.list("/", revision=Revision(revision))
        with pytest.raises(errors.BadRequest, match=str(revision)):
            await anext(store.watch("/", Revision(revision)))

    async def test_negative_limit_is_a_bad_request(self, store: Store) -> None:
        with pytest.raises(errors.BadRequest, match="limit -1"):
            await store.list("/", limit=-1)
