"""Commits as rows of the log, packed so that any number of them is one SQL statement.

`rows` is a JSON array with one [id, key, since, create_revision, version, offset, length] per
row; `values` is every value, one after another; offset counts from 1, and a deletion, which
has no value, has length -1 (an empty blob binds as NULL, so it is made anew). `drops` has one
[key, create_revision] per transient write: the key's rows since that creation go before the
new ones come.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from master.store.contract import Key, Revision
from master.store.schema import first_id
from master.store.sequencing import Sequenced

_INSERT = """
INSERT INTO log (id, key, since, create_revision, version, value)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
       json_extract(value, '$[3]'), json_extract(value, '$[4]'),
       iif(json_extract(value, '$[6]') < 0, NULL,
           ifnull(substr(?2, json_extract(value, '$[5]'), json_extract(value, '$[6]')), x''))
FROM json_each(?1)
"""
_DROP = """
DELETE FROM log WHERE id IN (
  SELECT old.id FROM json_each(?1) AS new
  JOIN log AS old ON old.key = json_extract(new.value, '$[0]')
                 AND old.since >= json_extract(new.value, '$[1]'))
"""

_Incarnation = tuple[Key, Revision]  # a key, and the revision that created it


@dataclass(frozen=True, slots=True)
class Batch:
    """See the module; newest is the last commit's revision."""

    rows: str
    values: bytes
    drops: str
    newest: Revision


def pack(commits: Sequence[Sequenced]) -> Batch:
    """The batch of these commits, which must not be empty."""
    superseded = _superseded(commits)
    rows: list[tuple[int, str, int, int, int, int, int]] = []
    values: list[bytes] = []
    offset = 1
    for sequenced in commits:
        revision = sequenced.commit.revision
        for row_id, change in enumerate(sequenced.commit.changes, first_id(revision)):
            entry = change.entry
            if entry is None:
                rows.append((row_id, change.key, revision, 0, 0, 0, -1))
                continue
            newest = superseded.get((change.key, entry.create_revision), revision)
            if newest > revision:
                continue
            since = entry.create_revision if change.key in sequenced.transient else revision
            length = len(entry.value)
            rows.append(
                (row_id, change.key, since, entry.create_revision, entry.version, offset, length)
            )
            values.append(entry.value)
            offset += length
    drops = [list(incarnation) for incarnation in superseded]
    return Batch(json.dumps(rows), b"".join(values), json.dumps(drops), revision)


def insert(connection: sqlite3.Connection, batch: Batch) -> None:
    """Commit the batch. Without drops it is one statement, which is its own transaction."""
    if batch.drops == "[]":
        connection.execute(_INSERT, (batch.rows, batch.values))
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_DROP, (batch.drops,))
    connection.execute(_INSERT, (batch.rows, batch.values))
    connection.execute("COMMIT")


def _superseded(commits: Sequence[Sequenced]) -> dict[_Incarnation, Revision]:
    """The newest transient write of each key that one of the commits writes so."""
    return {
        (change.key, change.entry.create_revision): sequenced.commit.revision
        for sequenced in commits
        if sequenced.transient
        for change in sequenced.commit.changes
        if change.entry is not None and change.key in sequenced.transient
    }
