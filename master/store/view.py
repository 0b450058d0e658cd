"""The newest durable state, in memory: reads of it are a lookup and never touch the disk.

    view.list("/pods/", limit=2)  ->  ("/pods/a/x", "/pods/a/y"), 3 remaining

Keys are kept sorted, so that a page costs what it returns and counting the rest costs log n.
"""

from __future__ import annotations

from collections.abc import Iterable

from sortedcontainers import SortedDict

from master.store.contract import Commit, Entry, Key, Listing, Revision

_AFTER_ALL = "\U0010ffff"  # no key may hold it (it is not printable), so it ends a range


def end_of(prefix: str) -> str:
    """A string greater than every key that begins with prefix, and smaller than the rest."""
    return prefix + _AFTER_ALL


class View:
    """Entries by key at one revision; `entries` must come in key order."""

    def __init__(self, entries: Iterable[Entry], revision: Revision) -> None:
        self.revision = revision
        self._entries = SortedDict((entry.key, entry) for entry in entries)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Entry | None:
        """The key's entry, None when it does not exist."""
        entry: Entry | None = self._entries.get(key)
        return entry

    def list(self, prefix: str, start_after: str = "", limit: int = 0) -> Listing:
        """The page after `start_after` of the keys that begin with prefix; limit 0: all."""
        entries = self._entries
        if start_after >= prefix:
            start = entries.bisect_right(start_after)
        else:
            start = entries.bisect_left(prefix)
        end = max(start, entries.bisect_left(end_of(prefix)))
        stop = min(start + limit, end) if limit else end
        page = tuple(map(entries.__getitem__, entries.islice(start, stop)))
        return Listing(page, self.revision, end - stop)

    def apply(self, commit: Commit) -> None:
        """Move on to the commit's revision."""
        for change in commit.changes:
            if change.entry is None:
                self._entries.pop(change.key, None)
            else:
                self._entries[change.key] = change.entry
        self.revision = commit.revision
