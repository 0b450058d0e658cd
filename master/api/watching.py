"""One watch, from any revision, without a gap and without a repeat.

The watcher subscribes first; only then is the past read, from the store, up to the revision
at which it subscribed. What is committed meanwhile waits in the watcher's queue. Where the
hub's window reaches back far enough the store is not asked at all.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing

from master.api.events import Delivery, Event, bookmark, initial
from master.api.keys import prefix_of
from master.api.records import decode
from master.api.selection import Selection, select
from master.api.state import KindState, State
from master.store.contract import Change, Commit, Revision, Store
from pilothouse.objects.errors import BadRequest
from pilothouse.objects.kinds import Kind

FIRST_BATCH = 500


async def watch(
    state: State, store: Store, selection: Selection, after: int, *, bookmarks: bool
) -> AsyncGenerator[Sequence[Delivery], None]:
    """Batches of what the selection sees after a revision; 0: the present objects first.

    Raises Expired when the revision is compacted or the watcher falls behind, BadRequest for
    a revision that is not reached yet.
    """
    if after > state.revision:
        raise BadRequest(f"revision {after} is in the future; the newest is {state.revision}")
    kind_state = state.of(selection.kind)
    since = state.revision if after == 0 else Revision(after)
    held = kind_state.topic.holds(since)
    present = _present(kind_state, selection, since, bookmarks) if after == 0 else []
    until = state.revision
    watcher = kind_state.topic.subscribe(selection, since, bookmarks=bookmarks)
    try:
        for start in range(0, len(present), FIRST_BATCH):
            yield present[start : start + FIRST_BATCH]
        if not held and until > since:
            async for batch in _past(store, selection, since, until):
                yield batch
        while True:
            yield await watcher.batch()
    finally:
        kind_state.topic.unsubscribe(watcher)


def _present(
    kind_state: KindState, selection: Selection, revision: Revision, bookmarks: bool
) -> list[Delivery]:
    # Only the last carries the revision: who is cut off before it has not seen all of them.
    found = list(select(kind_state.cache, selection))
    before = Revision(0)
    deliveries = [initial(record, before) for record in found[:-1]]
    deliveries += [initial(record, revision) for record in found[-1:]]
    if bookmarks:
        deliveries.append(bookmark(revision))
    return deliveries


async def _past(
    store: Store, selection: Selection, since: Revision, until: Revision
) -> AsyncGenerator[Sequence[Delivery], None]:
    """What the store remembers of (since, until]."""
    async with aclosing(store.replay(prefix_of(selection.kind), since, until)) as batches:
        async for commits in batches:
            events = [event for commit in commits for event in _events(selection.kind, commit)]
            found = [(selection.sees(event), event) for event in events]
            seen = [(type_, event) for type_, event in found if type_ is not None]
            if seen:
                yield seen


def _events(kind: Kind, commit: Commit) -> Iterator[Event]:
    last = len(commit.changes) - 1
    for position, change in enumerate(commit.changes):
        resume = commit.revision if position == last else Revision(commit.revision - 1)
        yield _event(kind, change, commit.revision, resume)


def _event(kind: Kind, change: Change, revision: Revision, resume: Revision) -> Event:
    new = None if change.entry is None else decode(kind, change.entry)
    old = None if change.previous is None else decode(kind, change.previous)
    if old is None and change.entry is not None and change.entry.version > 1:
        old = new  # a transient write's past is dropped: it existed, as far as we know like this
    return Event(change.key, old, new, revision, resume)
