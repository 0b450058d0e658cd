"""Forgetting history: first it is refused, then removed in slices.

`forget` marks the revision below which reads get Expired; from then on the rows that only they
could see are garbage, and `sweep` removes them, walking the log from where the last sweep ended:
each row up to the mark makes the older rows of its key garbage, and is garbage itself when
it is a deletion. So the work is in proportion to what was written since, not to the store,
and a crash between slices loses nothing: the walk goes on from `swept`.
"""

from __future__ import annotations

import sqlite3

from master.store import schema
from master.store.contract import Revision

_SLICE_ROWS = 500

_SLICE_END = "SELECT id FROM log WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 1 OFFSET ?3"
_REPLACED = """
DELETE FROM log WHERE id IN (
  SELECT old.id FROM log AS new JOIN log AS old ON old.key = new.key AND old.since < new.since
  WHERE new.id >= ?1 AND new.id < ?2)
"""
_DELETIONS = "DELETE FROM log WHERE id >= ?1 AND id < ?2 AND create_revision = 0"


def forget(connection: sqlite3.Connection, revision: Revision) -> Revision:
    """Mark, durably, that nothing below the revision can be read; what holds now."""
    connection.execute(
        "UPDATE meta SET value = max(value, ?) WHERE name = 'compacted'", (revision,)
    )
    return schema.compacted(connection)


def sweep(connection: sqlite3.Connection) -> bool:
    """Remove the garbage of one slice of the log; False when none is left."""
    compacted, swept = schema.compacted(connection), schema.swept(connection)
    if swept >= compacted:
        return False
    start, end = schema.first_id(swept + 1), schema.first_id(compacted + 1)
    row = connection.execute(_SLICE_END, (start, end, _SLICE_ROWS)).fetchone()
    if row is not None:  # a slice ends with a whole commit
        compacted = schema.revision_of(row[0])
        end = schema.first_id(compacted + 1)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_REPLACED, (start, end))
    connection.execute(_DELETIONS, (start, end))
    connection.execute("UPDATE meta SET value = ? WHERE name = 'swept'", (compacted,))
    connection.execute("COMMIT")
    return True
