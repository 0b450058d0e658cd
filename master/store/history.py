"""The questions that are asked of the past, and their answers from the log.

A page of a past listing costs what it returns. How many entries follow it is counted once, at
its first page (or known from the view, when that was the newest state then); the next
page's count is what is left of it.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from master.store import schema
from master.store.contract import Change, Commit, Entry, Key, Listing, Revision
from master.store.reading import Readers
from master.store.view import end_of
from pilothouse.objects import errors

_REPLAY_ROWS = 1_000
_REMEMBERED_PAGES = 1_024

_GET = """
SELECT key, value, create_revision, id, version FROM log
WHERE key = ?1 AND since <= ?2 ORDER BY since DESC LIMIT 1
"""
# With max() SQLite takes the other columns from the row that has the maximum.
_LIVE = """
SELECT key, max(since) AS since, create_revision FROM log
WHERE key >= ?1 AND key < ?2 AND since <= ?3
GROUP BY key HAVING create_revision > 0
"""
_LIST = f"""
SELECT log.key, value, log.create_revision, id, version
FROM ({_LIVE} ORDER BY key LIMIT ?4) AS live
JOIN log ON log.key = live.key AND log.since = live.since
ORDER BY log.key
"""  # noqa: S608  the pieces are constants
_COUNT = f"SELECT count(*) FROM ({_LIVE})"  # noqa: S608  the pieces are constants
_REPLAY_END = "SELECT id FROM log WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 1 OFFSET ?3"
_REPLAY = """
SELECT log.id, log.key, log.value, log.create_revision, log.version,
       old.id, old.value, old.create_revision, old.version
FROM log LEFT JOIN log AS old ON old.key = log.key AND old.since =
    (SELECT max(since) FROM log AS older WHERE older.key = log.key AND older.since < log.since)
WHERE log.id >= ?1 AND log.id < ?2 AND log.key >= ?3 AND log.key < ?4
ORDER BY log.id
"""


@dataclass(frozen=True, slots=True)
class Replay:
    """What happened under a prefix up to and with the revision `through`."""

    commits: Sequence[Commit]
    through: Revision


class History:
    """The log as it was."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        # How many entries follow the page that ended with a key; the least recent goes first.
        self._following: OrderedDict[tuple[str, Revision, str], int] = OrderedDict()

    async def get(self, key: Key, revision: Revision) -> Entry | None:
        """The key's entry at that revision."""
        _check_text(key)
        return await self._readers.read(
            revision, lambda connection: _get(connection, key, revision)
        )

    async def list(self, prefix: str, revision: Revision, start_after: str, limit: int) -> Listing:
        """The page of the entries at that revision, as in the store's contract."""
        _check_text(prefix + start_after)
        following = self._following.get((prefix, revision, start_after))
        span = (_first_key(prefix, start_after), end_of(prefix), revision)
        listing = await self._readers.read(
            revision, lambda connection: _list(connection, span, limit, following)
        )
        self.remember(prefix, listing)
        return listing

    def remember(self, prefix: str, page: Listing) -> None:
        """The next page of this one will come from here."""
        if page.remaining and page.entries:
            self._following[prefix, page.revision, page.entries[-1].key] = page.remaining
            if len(self._following) > _REMEMBERED_PAGES:
                self._following.popitem(last=False)

    async def replay(self, prefix: str, after: Revision, until: Revision) -> Replay:
        """The first commits after `after`, at most until `until`: some, not always all."""
        _check_text(prefix)
        return await self._readers.read(
            after, lambda connection: _replay(connection, prefix, after, until)
        )


def _check_text(text: str) -> None:
    """Half a surrogate pair is in no key, and SQLite cannot be asked for it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise errors.BadRequest(f"{text!r} is no valid text: {error.reason}") from error


def _first_key(prefix: str, start_after: str) -> str:
    # NUL is the smallest character and in no key: "a\0" is what comes right behind "a".
    return max(prefix, f"{start_after}\0") if start_after else prefix


def _get(connection: sqlite3.Connection, key: Key, revision: Revision) -> Entry | None:
    row = connection.execute(_GET, (key, revision)).fetchone()
    return _entry(*row) if row is not None and row[2] > 0 else None


def _list(
    connection: sqlite3.Connection,
    span: tuple[str, str, Revision],
    limit: int,
    following: int | None,
) -> Listing:
    """following: how many entries there are from the span's start on, where that is known."""
    _, end, revision = span
    found = connection.execute(_LIST, (*span, limit or -1)).fetchall()
    remaining = 0
    if following is not None:
        remaining = following - len(found)
    elif limit and len(found) == limit:
        rest = (_first_key("", found[-1][0]), end, revision)
        remaining = connection.execute(_COUNT, rest).fetchone()[0]
    return Listing(tuple(_entry(*row) for row in found), revision, remaining)


def _entry(key: str, value: bytes, create_revision: int, row_id: int, version: int) -> Entry:
    modified = schema.revision_of(row_id)
    return Entry(Key(key), value, Revision(create_revision), modified, version)


def _replay(
    connection: sqlite3.Connection, prefix: str, after: Revision, until: Revision
) -> Replay:
    start, end = schema.first_id(after + 1), schema.first_id(until + 1)
    row = connection.execute(_REPLAY_END, (start, end, _REPLAY_ROWS)).fetchone()
    if row is not None:  # stop at the end of the commit that this row belongs to
        until = schema.revision_of(row[0])
        end = schema.first_id(until + 1)
    found = connection.execute(_REPLAY, (start, end, prefix, end_of(prefix)))
    commits = [
        Commit(revision, tuple(_change(*row) for row in changes))
        for revision, changes in groupby(found, lambda row: schema.revision_of(row[0]))
    ]
    return Replay(commits, until)


def _change(
    row_id: int,
    key: str,
    value: bytes,
    create_revision: int,
    version: int,
    old_id: int | None,
    old_value: bytes,
    old_create_revision: int,
    old_version: int,
) -> Change:
    entry = previous = None
    if create_revision > 0:
        entry = _entry(key, value, create_revision, row_id, version)
    # Between two lives of a key is a deletion, whose create_revision is 0.
    if old_id is not None and old_create_revision > 0:
        previous = _entry(key, old_value, old_create_revision, old_id, old_version)
    return Change(Key(key), entry, previous)
