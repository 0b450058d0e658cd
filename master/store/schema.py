"""The file of the SQLite store: its tables, its settings, its lock.

log     one row per write, in the order of its rowid: revision * 65,536 + place in the commit
          since            the row is the key's state from this revision until its next row;
                           it is the revision of the write, or the key's creation where a
                           transient write stands in for all that it dropped
          create_revision  0 in a deletion, which has no value
meta    compacted: reads below it are refused; swept: up to here rows were removed

    rowid (revision)  key   since  create_revision  version  value
    1                 /a    1      1                1        b"x"
    2                 /b    2      2                1        b"y"
    3                 /a    3      0                0        NULL       deletion
    9                 /b    2      2                4        b"z"       transient
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

from master.store.contract import Entry, Key, Revision
from master.store.view import View

DATABASE = "store.db"
_LOCK = "store.lock"
_APPLICATION_ID = 0x50494C54  # "PILT"
_VERSION = 1
_ORDINAL_BITS = 16
_BUSY_SECONDS = 10.0
_SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "trusted_schema = OFF",
    "journal_size_limit = 16777216",  # what a burst made longer is cut again
)

_TABLES = """
CREATE TABLE log (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  since INTEGER NOT NULL,
  create_revision INTEGER NOT NULL,
  version INTEGER NOT NULL,
  value BLOB
);
CREATE UNIQUE INDEX log_by_key ON log (key, since, create_revision);
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('compacted', 0), ('swept', 0);
"""

_CURRENT = """
SELECT log.key, value, log.create_revision, id, version
FROM (SELECT key, max(since) AS since FROM log GROUP BY key) AS newest
JOIN log ON log.key = newest.key AND log.since = newest.since
WHERE log.create_revision > 0 ORDER BY log.key
"""


class StoreUnusable(Exception):
    """The directory cannot be opened as a store: in use, not a store, or damaged."""


def first_id(revision: int) -> int:
    """The smallest rowid of a revision; the rows of the revision before it end there."""
    return revision << _ORDINAL_BITS


def revision_of(row_id: int) -> Revision:
    """The revision that wrote a row."""
    return Revision(row_id >> _ORDINAL_BITS)


def compacted(connection: sqlite3.Connection) -> Revision:
    """The oldest revision that can be read."""
    return Revision(_meta(connection, "compacted"))


def swept(connection: sqlite3.Connection) -> Revision:
    """Up to here, what compaction forgot is removed."""
    return Revision(_meta(connection, "swept"))


def lock(directory: Path) -> int:
    """An open file descriptor that keeps other processes out of the directory until it is
    closed; StoreUnusable when another holds it. The kernel drops it when the process dies."""
    descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StoreUnusable(f"{directory} is in use by another process") from error
    return descriptor


def connect(path: Path) -> sqlite3.Connection:
    """A connection for writing: every commit is on the disk when it returns."""
    connection = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write."""
    connection = connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def connect_inspector(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, not even a setting; the file must exist."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )


def snapshot(source: sqlite3.Connection, target: Path) -> None:
    """A copy of the database as it is at one moment, as a single new file, durable. Writers go
    on meanwhile: the copy is made from one read transaction."""
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def move_on(connection: sqlite3.Connection, revisions: int) -> Revision:
    """Go so many revisions further and forget all before; the new revision.

    For a store that was put back to an earlier state: whoever saw what came after that state
    knows revisions that this store would give out again, for something else.
    """
    target = newest(connection) + revisions
    connection.execute("UPDATE meta SET value = ? WHERE name = 'compacted'", (target,))
    return Revision(target)


def open_database(directory: Path) -> tuple[sqlite3.Connection, View]:
    """The writing connection to the directory's database, made if there is none, and the
    newest state. StoreUnusable when it is no store or damaged: the index and every newest
    value are read, history is not.

    Values hold secrets, so the file is readable to its owner alone.
    """
    path = directory / DATABASE
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    with ExitStack() as undo:
        try:
            connection = connect(path)
            undo.callback(connection.close)
            if _is_empty(connection):
                _create(connection)
                sync_directory(directory)
            check(connection, path)
            view = load(connection)
        except sqlite3.DatabaseError as error:
            raise StoreUnusable(f"{path}: {error}{_advice(error)}") from error
        undo.pop_all()
    return connection, view


def _advice(error: sqlite3.DatabaseError) -> str:
    """What an operator can do, for a file that will not mend by itself."""
    if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return ""
    return (
        "; the file is damaged: keep it, and put back a backup of the directory, or save what can"
        " be read with `sqlite3 OLD .recover | sqlite3 NEW`. Pods run on meanwhile"
    )


def _is_empty(connection: sqlite3.Connection) -> bool:
    count: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    return count == 0


def _create(connection: sqlite3.Connection) -> None:
    # One transaction, so that a crash leaves either an empty database or a whole schema.
    connection.executescript(
        f"BEGIN; {_TABLES} PRAGMA application_id = {_APPLICATION_ID};"
        f"PRAGMA user_version = {_VERSION}; COMMIT;"
    )


def sync_directory(directory: Path) -> None:
    """Make the names in it durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check(connection: sqlite3.Connection, path: Path) -> None:
    """StoreUnusable unless it is a store of this schema."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != _APPLICATION_ID:
        raise StoreUnusable(f"{path} is no Pilothouse store (application id {application:#x})")
    if version != _VERSION:
        raise StoreUnusable(f"{path} has schema version {version}, this program reads {_VERSION}")


def load(connection: sqlite3.Connection) -> View:
    """The newest state. Reads no history: the index gives each key's newest row."""
    entries = (_loaded(*row) for row in connection.execute(_CURRENT))
    return View(entries, newest(connection))


def _loaded(key: str, value: bytes, created: int, row_id: int, version: int) -> Entry:
    modified = revision_of(row_id)
    # Most keys are written once: one number for both saves memory in each of them.
    created = modified if created == modified else created
    return Entry(Key(key), value, Revision(created), modified, version)


def newest(connection: sqlite3.Connection) -> Revision:
    """The newest revision; a compacted deletion leaves no row but is counted still."""
    newest_id = connection.execute("SELECT ifnull(max(id), 0) FROM log").fetchone()[0]
    return max(revision_of(newest_id), compacted(connection))


def _meta(connection: sqlite3.Connection, name: str) -> int:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    value: int = row[0]
    return value
