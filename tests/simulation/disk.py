"""What outlives a simulated master: the log of the in-memory store.

Rows are kept as the SQLite store keeps them: a row is its key's state from the revision `since`
until the key's next row; a transient write stands in, from the key's creation on, for the
writes that it dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from master.store.contract import Change, Commit, Entry, Key, Revision
from master.store.sequencing import Sequenced


@dataclass(frozen=True, slots=True)
class Row:
    """A key's state since a revision; entry None: it does not exist."""

    since: Revision
    revision: Revision  # of the write
    entry: Entry | None


@dataclass(slots=True)
class Disk:
    """Commits that are durable."""

    revision: Revision = Revision(0)
    compacted: Revision = Revision(0)
    rows: dict[Key, list[Row]] = field(default_factory=dict)
    written: dict[Revision, tuple[Key, ...]] = field(default_factory=dict)
    watchers: list[Callable[[Commit], None]] = field(default_factory=list)

    def write(self, sequenced: Sequenced) -> None:
        """Make one commit durable."""
        commit = sequenced.commit
        for change in commit.changes:
            rows = self.rows.setdefault(change.key, [])
            since = commit.revision
            if change.entry is not None and change.key in sequenced.transient:
                since = change.entry.create_revision
                while rows and rows[-1].since >= since:
                    rows.pop()
            rows.append(Row(since, commit.revision, change.entry))
        self.written[commit.revision] = tuple(change.key for change in commit.changes)
        self.revision = commit.revision
        for watcher in self.watchers:
            watcher(commit)

    def at(self, key: Key, revision: Revision) -> Entry | None:
        """The key's entry at a revision."""
        for row in reversed(self.rows.get(key, ())):
            if row.since <= revision:
                return row.entry
        return None

    def entries(self, prefix: str, revision: Revision) -> list[Entry]:
        """All that begin with the prefix, in key order."""
        keys = sorted(key for key in self.rows if key.startswith(prefix))
        found = (self.at(key, revision) for key in keys)
        return [entry for entry in found if entry is not None]

    def commits(self, prefix: str, after: Revision, until: Revision) -> Iterator[Commit]:
        """What is known of the commits in (after, until] under the prefix."""
        for number in range(after + 1, until + 1):
            revision = Revision(number)
            keys = self.written.get(revision, ())
            found = (self._change(key, revision) for key in keys if key.startswith(prefix))
            changes = tuple(change for change in found if change is not None)
            if changes:
                yield Commit(revision, changes)

    def forget(self, revision: Revision) -> None:
        """Drop what only reads below the revision could see."""
        self.compacted = max(self.compacted, revision)
        for key, rows in tuple(self.rows.items()):
            newest = max((r.since for r in rows if r.since <= revision), default=None)
            kept = [row for row in rows if newest is None or row.since >= newest]
            if kept and kept[0].entry is None and kept[0].since <= revision:
                kept = kept[1:]
            self.rows[key] = kept
            if not kept:
                del self.rows[key]
        self.written = {r: keys for r, keys in self.written.items() if r > revision}

    def _change(self, key: Key, revision: Revision) -> Change | None:
        rows: Sequence[Row] = self.rows.get(key, ())
        for position, row in enumerate(rows):
            if row.revision == revision:
                previous = rows[position - 1].entry if position else None
                return Change(key, row.entry, previous)
        return None
