"""Proves a data directory sound, also while a master serves from it.

In: the directory and the cluster's ranges. Out: faults, and what was looked at. The database is
read in one transaction on a connection that cannot write, so a master that writes meanwhile
neither waits nor shows half a commit. Nothing is mended.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from master.api.allocator import Ranges
from master.archive import certificates, contents, log
from master.archive.fault import Fault
from master.archive.log import Marks, Row
from master.store import schema
from master.store.contract import Entry, Key, Revision

STORE: Final = "store"
IDENTITY: Final = ("ca.crt", "ca.key", "server.crt", "server.key")
_MOST_REPORTED: Final = 100
_ROWS: Final = (
    "SELECT id, key, since, create_revision, version, value FROM log ORDER BY key, since, id"
)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found; at most so many faults are kept, `suppressed` counts the rest."""

    faults: tuple[Fault, ...]
    suppressed: int = 0
    revision: int = 0
    objects: int = 0
    rows: int = 0

    @property
    def sound(self) -> bool:
        """Nothing is wrong."""
        return not self.faults


def check(directory: Path, ranges: Ranges, now: datetime) -> Report:
    """Of a data directory. OSError: one of its files cannot be read."""
    identity = {
        name: (directory / name).read_bytes() for name in IDENTITY if (directory / name).exists()
    }
    faults = list(certificates.faults_of(identity, now))
    database = directory / STORE / schema.DATABASE
    if not database.exists():
        missing = Fault(str(database), "does not exist", "has the master ever served from here?")
        return _report([*faults, missing])
    try:
        with closing(schema.connect_inspector(database)) as connection:
            return _check_store(connection, database, ranges, faults)
    except (sqlite3.DatabaseError, schema.StoreUnusable) as error:
        return _report([*faults, Fault(str(database), str(error), "put back a backup")])


def _check_store(
    connection: sqlite3.Connection, database: Path, ranges: Ranges, faults: list[Fault]
) -> Report:
    connection.execute("BEGIN")
    broken = [row[0] for row in connection.execute("PRAGMA integrity_check(20)")]
    if broken != ["ok"]:
        found = [Fault(str(database), line, "put back a backup") for line in broken]
        return _report([*faults, *found])
    schema.check(connection, database)
    marks = Marks(schema.compacted(connection), schema.swept(connection))
    reading = _Reading(contents.Contents(ranges))
    rows = (Row(*row) for row in connection.execute(_ROWS))
    faults += log.faults_of(reading.through(rows), marks)
    faults += reading.faults + list(reading.contents.faults())
    newest = schema.newest(connection)
    return _report(faults, revision=newest, objects=reading.contents.objects, rows=reading.rows)


class _Reading:
    """Looks at what is inside rows that pass, which come ordered by key and then by since."""

    def __init__(self, contents_: contents.Contents) -> None:
        self.contents = contents_
        self.faults: list[Fault] = []
        self.rows = 0

    def through(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows. The last one of a key is what exists now."""
        last: Row | None = None
        for row in rows:
            self.rows += 1
            if last is not None:
                self._see(last, newest=last.key != row.key)
            last = row
            yield row
        if last is not None:
            self._see(last, newest=True)

    def _see(self, row: Row, *, newest: bool) -> None:
        if row.value is None:
            return
        if newest:
            self.contents.see(_entry(row, row.value))
        else:
            self.faults += contents.history_faults(Key(row.key), row.value)


def _entry(row: Row, value: bytes) -> Entry:
    modified = schema.revision_of(row.row_id)
    return Entry(Key(row.key), value, Revision(row.create_revision), modified, row.version)


def _report(faults: list[Fault], *, revision: int = 0, objects: int = 0, rows: int = 0) -> Report:
    kept = tuple(faults[:_MOST_REPORTED])
    return Report(kept, len(faults) - len(kept), revision, objects, rows)
