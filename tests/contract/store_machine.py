"""A store against a model that is a list of dicts: one whole state per revision.

An implementation derives from StoreMachine, gives `reopen`, and runs `TheMachine.TestCase`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from master.store.contract import (
    Change,
    Commit,
    Compare,
    CompareFailed,
    Delete,
    Entry,
    Key,
    Put,
    Revision,
    Store,
    Write,
)
from pilothouse.objects import errors

State = dict[Key, Entry]

KEYS = [Key(name) for name in ("/a/x", "/a/y", "/a/y-z", "/b", "/b/é", "/\U00010000")]
PREFIXES = ["", "/", "/a/", "/a/y", "/b", "/c"]

writes = st.one_of(
    st.builds(Put, st.sampled_from(KEYS), st.binary(max_size=3)),
    st.builds(Delete, st.sampled_from(KEYS)),
)
transactions = st.tuples(
    # A key to compare with, and whether the compare is to hold as the model sees it now.
    st.lists(st.tuples(st.sampled_from(KEYS), st.booleans() | st.just(True)), max_size=2),
    st.lists(writes, max_size=4, unique_by=lambda write: write.key),
)


class StoreMachine(RuleBasedStateMachine):
    """Rules act on both, invariants compare them."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.states: list[State] = [{}]
        self.commits: list[Commit] = []
        self.compacted = 0
        self.observed: list[Commit] = []

    async def reopen(self) -> Store:
        """Open the store over this machine's data."""
        raise NotImplementedError

    @initialize()
    def first_open(self) -> None:
        self._open()

    def _open(self) -> None:
        self.store = self.runner.run(self.reopen())
        self.store.observe("", self.observed.extend)

    @rule()
    def close_and_open(self) -> None:
        self.runner.run(self.store.close())
        self._open()

    @rule(burst=st.lists(transactions, min_size=1, max_size=6))
    def commit_together(self, burst: list[tuple[list[tuple[Key, bool]], list[Write]]]) -> None:
        compares = [self._compares(wanted) for wanted, _ in burst]
        calls = [(c, w) for c, (_, w) in zip(compares, burst, strict=True)]
        outcomes = self.runner.run(self._call_all(calls))
        for (compared, written), outcome in zip(calls, outcomes, strict=True):
            assert self._expected(compared, written) == _comparable(outcome)
        assert self.observed == self.commits

    def _compares(self, wanted: Sequence[tuple[Key, bool]]) -> list[Compare]:
        def revision(key: Key, holds: bool) -> Revision:
            entry = self.states[-1].get(key)
            return Revision((entry.mod_revision if entry else 0) + (0 if holds else 1))

        return [Compare(key, revision(key, holds)) for key, holds in wanted]

    async def _call_all(
        self, calls: Sequence[tuple[list[Compare], list[Write]]]
    ) -> list[Revision | BaseException]:
        return await asyncio.gather(
            *(self.store.txn(compares, written) for compares, written in calls),
            return_exceptions=True,
        )

    def _expected(self, compares: Sequence[Compare], written: Sequence[Write]) -> object:
        """What the transaction answers; the model moves on."""
        for compare in compares:
            entry = self.states[-1].get(compare.key)
            if compare.mod_revision != (entry.mod_revision if entry else 0):
                return (compare.key, compare.mod_revision, entry)
        state, revision = dict(self.states[-1]), Revision(len(self.states))
        changes = _applied(state, written, revision)
        if not changes:
            return len(self.states) - 1
        self.states.append(state)
        self.commits.append(Commit(revision, tuple(changes)))
        return revision

    @rule(data=st.data(), prefix=st.sampled_from(PREFIXES), limit=st.integers(0, 3))
    def list_page(self, data: st.DataObject, prefix: str, limit: int) -> None:
        revision = data.draw(st.integers(0, len(self.states) - 1))
        start_after = data.draw(st.sampled_from(["", *KEYS]))
        read = self.store.list(
            prefix, revision=Revision(revision), start_after=start_after, limit=limit
        )
        if revision < self.compacted:
            self._is_expired(read)
            return
        listing = self.runner.run(read)
        state = self.states[revision]
        matching = [k for k in _sorted(state) if k.startswith(prefix) and k > start_after]
        shown = matching[: limit or None]
        assert listing.entries == tuple(state[key] for key in shown)
        assert (listing.revision, listing.remaining) == (revision, len(matching) - len(shown))

    @rule(data=st.data(), key=st.sampled_from(KEYS))
    def get_one(self, data: st.DataObject, key: Key) -> None:
        revision = data.draw(st.integers(0, len(self.states) - 1))
        read = self.store.get(key, Revision(revision))
        if revision < self.compacted:
            self._is_expired(read)
        else:
            assert self.runner.run(read) == self.states[revision].get(key)

    @rule(data=st.data(), prefix=st.sampled_from(PREFIXES))
    def watch_from(self, data: st.DataObject, prefix: str) -> None:
        after = data.draw(st.integers(0, len(self.states) - 1))
        if after < self.compacted:
            self._is_expired(self._watched(prefix, after, 1))
            return
        expected = []
        for commit in self.commits[after:]:
            changes = tuple(c for c in commit.changes if c.key.startswith(prefix))
            if changes:
                expected.append(Commit(commit.revision, changes))
        assert self.runner.run(self._watched(prefix, after, len(expected))) == expected

    async def _watched(self, prefix: str, after: int, count: int) -> list[Commit]:
        seen: list[Commit] = []
        batches = self.store.watch(prefix, Revision(after))
        async with asyncio.timeout(10):
            while len(seen) < count:
                seen.extend(await anext(batches))
        await batches.aclose()
        return seen

    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        revision = data.draw(st.integers(0, len(self.states) - 1))
        self.runner.run(self.store.compact(Revision(revision)))
        self.compacted = max(self.compacted, revision)

    def _is_expired(self, read: Coroutine[None, None, object]) -> None:
        try:
            self.runner.run(read)
        except errors.Expired:
            return
        raise AssertionError("not expired")

    @invariant()
    def newest_state_is_the_models(self) -> None:
        if not hasattr(self, "store"):
            return
        listing = self.runner.run(self.store.list("/"))
        newest = self.states[-1]
        assert listing.entries == tuple(newest[key] for key in _sorted(newest))
        assert listing.revision == self.store.revision == len(self.states) - 1
        assert self.store.compacted == self.compacted

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.runner.run(self.store.close())
        self.runner.close()


def _applied(state: State, written: Sequence[Write], revision: Revision) -> list[Change]:
    changes = []
    for write in written:
        previous = state.pop(write.key, None)
        if isinstance(write, Put):
            created = previous.create_revision if previous else revision
            version = previous.version + 1 if previous else 1
            state[write.key] = Entry(write.key, write.value, created, revision, version)
            changes.append(Change(write.key, state[write.key], previous))
        elif previous is not None:
            changes.append(Change(write.key, None, previous))
    return changes


def _sorted(state: State) -> list[Key]:
    return sorted(state, key=lambda key: key.encode())


def _comparable(outcome: Revision | BaseException) -> object:
    if isinstance(outcome, CompareFailed):
        return (outcome.key, outcome.expected, outcome.current)
    assert isinstance(outcome, int), outcome
    return outcome
