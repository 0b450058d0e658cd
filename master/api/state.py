"""The present state of every kind, kept in step with the store, and the hub of its watches.

In: the store's commits, applied inside the store's own step before any writer learns that
its commit is durable. Out: cached records and published events. The invariant: a read that
begins after a write returned sees that write, without asking the store; `revision` is the
revision of everything read here between two awaits.

Not promised: the past. A read at an older revision asks the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from master.api.cache import KindCache
from master.api.events import Event
from master.api.hub import Limits, Topic
from master.api.keys import resource_of
from master.api.records import Record, decode
from master.store.contract import Change, Commit, Key, Revision, Store
from pilothouse.objects import kinds
from pilothouse.objects.kinds import Kind

LOAD_PAGE = 1000
Follow = Callable[[Key, Record | None, Record | None], None]  # key, old, new


class KindState:
    """What there is of one kind: the cache and the topic of its watchers."""

    def __init__(self, kind: Kind, limits: Limits) -> None:
        self.kind = kind
        self.cache = KindCache(kind)
        self.topic = Topic(kind, limits)
        self.follow: Follow | None = None  # told of every change in the step that applies it

    def apply(self, changes: Sequence[Change], revision: Revision) -> None:
        """Bring one commit's changes of this kind into the cache and tell the watchers."""
        last = len(changes) - 1
        for position, change in enumerate(changes):
            new = None if change.entry is None else decode(self.kind, change.entry)
            old = self.cache.apply(change.key, new, revision)
            if self.follow is not None:
                self.follow(change.key, old, new)
            if old is None and new is None:
                continue
            resume = revision if position == last else Revision(revision - 1)
            self.topic.publish(Event(change.key, old, new, revision, resume))


class State:
    """See the module. load() first; then it follows the store by itself."""

    def __init__(self, limits: Limits) -> None:
        self._kinds = {kind.resource: KindState(kind, limits) for kind in kinds.every()}
        self._early: list[Commit] | None = []
        self.revision = Revision(0)

    def of(self, kind: Kind) -> KindState:
        """The state of one kind."""
        return self._kinds[kind.resource]

    def get(self, kind: Kind, key: Key) -> Record | None:
        """The newest state of one object."""
        return self._kinds[kind.resource].cache.get(key)

    def every(self) -> Iterable[KindState]:
        """The states of all kinds."""
        return self._kinds.values()

    async def load(self, store: Store) -> None:
        """Read everything once, then follow the store's commits."""
        store.observe("/", self._observe)
        revision = await self._read(store)
        for state in self._kinds.values():
            state.topic.start_at(revision)
        early, self._early = self._early or [], None
        self.revision = revision
        self._observe([commit for commit in early if commit.revision > revision])

    async def _read(self, store: Store) -> Revision:
        page = await store.list("/", limit=LOAD_PAGE)
        revision = page.revision
        while True:
            for entry in page.entries:
                state = self._kinds.get(resource_of(entry.key))
                if state is not None:
                    record = decode(state.kind, entry)
                    state.cache.apply(entry.key, record, entry.mod_revision)
            if not page.remaining:
                break
            last = page.entries[-1].key
            page = await store.list("/", revision=revision, start_after=last, limit=LOAD_PAGE)
        for state in self._kinds.values():
            state.cache.revision = revision
        return revision

    def _observe(self, commits: Sequence[Commit]) -> None:
        if self._early is not None:
            self._early.extend(commits)
            return
        for commit in commits:
            # First the revision: what reads after an event must not show an older one.
            self.revision = commit.revision
            for resource, changes in _by_resource(commit.changes).items():
                state = self._kinds.get(resource)
                if state is not None:
                    state.apply(changes, commit.revision)


def _by_resource(changes: Sequence[Change]) -> dict[str, list[Change]]:
    grouped: dict[str, list[Change]] = {}
    for change in changes:
        grouped.setdefault(resource_of(change.key), []).append(change)
    return grouped
