"""The store's contract: txn."""

from __future__ import annotations

import asyncio

import pytest

from master.store import contract
from master.store.contract import (
    Compare,
    CompareFailed,
    Delete,
    Put,
    Revision,
    Store,
)
from pilothouse.objects import errors
from tests.contract.store_actions import (
    DEADLINE,
    key,
    names,
    put,
    remove,
)


class Transactions:
    """txn."""

    async def test_commit_is_one_revision_however_many_keys(self, store: Store) -> None:
        assert await store.txn([], [Put(key("/a"), b"1"), Put(key("/b"), b"2")]) == 1
        assert await store.txn([], [Put(key("/c"), b"3"), Delete(key("/a"))]) == 2
        assert store.revision == 2
        assert await names(store, "/") == ["/b", "/c"]

    async def test_compare_holds_on_the_modification_revision(self, store: Store) -> None:
        await store.txn([Compare(key("/a"), Revision(0))], [Put(key("/a"), b"1")])
        revision = await store.txn([Compare(key("/a"), Revision(1))], [Put(key("/a"), b"2")])
        assert revision == 2

    @pytest.mark.parametrize("expected", [0, 1, 3], ids=["absent", "older", "newer"])
    async def test_failed_compare_writes_nothing(self, store: Store, expected: int) -> None:
        await put(store, "/a", b"1")
        await put(store, "/a", b"2")
        with pytest.raises(CompareFailed) as failed:
            await store.txn(
                [Compare(key("/b"), Revision(0)), Compare(key("/a"), Revision(expected))],
                [Put(key("/b"), b"x"), Delete(key("/a"))],
            )
        assert failed.value.key == "/a"
        assert failed.value.expected == expected
        assert failed.value.current == await store.get(key("/a"))
        assert store.revision == 2
        assert await names(store, "/") == ["/a"]

    async def test_compare_with_an_absent_key_fails_without_an_entry(self, store: Store) -> None:
        await put(store, "/a")
        await remove(store, "/a")
        with pytest.raises(CompareFailed) as failed:
            await store.txn([Compare(key("/a"), Revision(1))], [Put(key("/a"), b"")])
        assert failed.value.current is None

    async def test_compare_of_a_key_that_is_not_written_guards_too(self, store: Store) -> None:
        await put(store, "/lock")
        await store.txn([Compare(key("/lock"), Revision(1))], [Put(key("/a"), b"")])
        await put(store, "/lock")
        with pytest.raises(CompareFailed):
            await store.txn([Compare(key("/lock"), Revision(1))], [Put(key("/a"), b"")])

    async def test_no_change_is_no_commit(self, store: Store) -> None:
        assert await store.txn([], []) == 0
        assert await remove(store, "/absent") == 0
        await put(store, "/a")
        assert await remove(store, "/absent") == 1
        assert store.revision == 1

    async def test_no_change_behind_a_waiting_commit_returns_its_revision(
        self, store: Store
    ) -> None:
        revisions = await asyncio.gather(
            put(store, "/a"), remove(store, "/absent"), remove(store, "/a"), remove(store, "/a")
        )
        assert list(revisions) == [1, 1, 2, 2]

    async def test_one_of_many_creators_wins(self, store: Store) -> None:
        async def create(number: int) -> Revision:
            return await store.txn(
                [Compare(key("/a"), Revision(0))], [Put(key("/a"), b"%d" % number)]
            )

        outcomes = await asyncio.gather(*map(create, range(20)), return_exceptions=True)
        won = [outcome for outcome in outcomes if isinstance(outcome, int)]
        lost = [outcome for outcome in outcomes if isinstance(outcome, CompareFailed)]
        assert (len(won), len(lost)) == (1, 19)
        assert store.revision == won[0] == 1
        current = await store.get(key("/a"))
        assert current is not None
        assert current.value == b"%d" % outcomes.index(won[0])
        assert all(failure.current == current for failure in lost)

    async def test_concurrent_increments_are_all_counted(self, store: Store) -> None:
        await put(store, "/n", b"0")

        async def increment() -> None:
            while True:
                entry = await store.get(key("/n"))
                assert entry is not None
                try:
                    await store.txn(
                        [Compare(key("/n"), entry.mod_revision)],
                        [Put(key("/n"), b"%d" % (int(entry.value) + 1))],
                    )
                except CompareFailed:
                    continue
                return

        async with asyncio.timeout(DEADLINE):
            await asyncio.gather(*(increment() for _ in range(12)))
        entry = await store.get(key("/n"))
        assert entry is not None
        assert (entry.value, entry.version, store.revision) == (b"12", 13, 13)

    async def test_failing_transaction_does_not_fail_its_neighbours(self, store: Store) -> None:
        await put(store, "/taken")

        async def attempt(number: int) -> Revision:
            bad = number % 3 == 0
            compares = [Compare(key("/taken"), Revision(0))] if bad else []
            return await store.txn(compares, [Put(key(f"/{number}"), b"")])

        outcomes = await asyncio.gather(*map(attempt, range(30)), return_exceptions=True)
        for number, outcome in enumerate(outcomes):
            assert isinstance(outcome, CompareFailed if number % 3 == 0 else int), outcome
        revisions = sorted(outcome for outcome in outcomes if isinstance(outcome, int))
        assert revisions == list(range(2, 22))
        assert len(await names(store, "/")) == 21

    async def test_caller_reads_its_write(self, store: Store) -> None:
        async def write(number: int) -> None:
            for turn in range(20):
                revision = await put(store, f"/{number}", b"%d" % turn)
                entry = await store.get(key(f"/{number}"))
                assert entry is not None
                assert (entry.value, entry.mod_revision) == (b"%d" % turn, revision)
                assert store.revision >= revision

        await asyncio.gather(*map(write, range(8)))

    async def test_cancelled_caller_leaves_the_store_working(self, store: Store) -> None:
        calls = [asyncio.ensure_future(put(store, f"/{number}")) for number in range(10)]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(outcome, int) for outcome in outcomes[1::2])
        assert await put(store, "/last") == store.revision

    @pytest.mark.parametrize(
        "bad",
        ["", "a", "a/b", "/a\n", "/a\x00b", "/\ud800", "/" + "x" * contract.MAX_KEY_LENGTH],
        ids=["empty", "bare", "no slash first", "newline", "nul", "surrogate", "long"],
    )
    async def test_bad_key_is_a_bad_request(self, store: Store, bad: str) -> None:
        with pytest.raises(errors.BadRequest, match="key"):
            await put(store, bad)
        assert store.revision == 0

    async def test_same_key_twice_is_a_bad_request(self, store: Store) -> None:
        with pytest.raises(errors.BadRequest, match="twice"):
            await store.txn([], [Put(key("/a"), b""), Delete(key("/a"))])

    async def test_limits_are_told(self, store: Store) -> None:
        big = bytes(contract.MAX_VALUE_BYTES)
        await put(store, "/big", big)
        with pytest.raises(errors.TooLarge, match="/big"):
            await put(store, "/big", big + b"x")
        many = [Put(key(f"/{i}"), b"") for i in range(contract.MAX_TXN_WRITES + 1)]
        with pytest.raises(errors.TooLarge, match=str(contract.MAX_TXN_WRITES)):
            await store.txn([], many)
        heavy = [Put(key(f"/{i}"), big) for i in range(contract.MAX_TXN_BYTES // len(big) + 1)]
        with pytest.raises(errors.TooLarge, match=str(contract.MAX_TXN_BYTES)):
            await store.txn([], heavy)
        assert store.revision == 1
        assert await store.txn([], many[1:]) == 2
