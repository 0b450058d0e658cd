"""Whether the rows of a store's log fit together: pure.

In come rows as schema.py describes them, ordered by key and then by `since`; out go faults.
What holds in every log, whatever was compacted or dropped: a row's value is present exactly
when it is no deletion; `create_revision` ≤ `since` ≤ the revision that wrote the row; of one
key, later states were written later, belong to the same incarnation until a deletion, and count
more writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from master.archive.fault import Fault
from master.store.contract import Revision
from master.store.schema import revision_of


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the log; value None: a deletion."""

    row_id: int
    key: str
    since: int
    create_revision: int
    version: int
    value: bytes | None

    @property
    def deletion(self) -> bool:
        """The key ends with this row."""
        return self.create_revision == 0


@dataclass(frozen=True, slots=True)
class Marks:
    """What the store says of itself: up to where history is refused and removed."""

    compacted: Revision
    swept: Revision


def faults_of(rows: Iterable[Row], marks: Marks) -> Iterator[Fault]:
    """Everything that no sequence of commits can have written."""
    if not 0 <= marks.swept <= marks.compacted:
        yield Fault("meta", f"swept {marks.swept} is not between 0 and compacted {marks.compacted}")
    before: Row | None = None
    for row in rows:
        reason = _alone(row) or (
            _after(row, before) if before is not None and before.key == row.key else ""
        )
        if reason:
            yield Fault(f"revision {revision_of(row.row_id)}, {row.key}", reason)
        before = row


def _alone(row: Row) -> str:
    written = revision_of(row.row_id)
    if written < 1:
        return f"row {row.row_id} is of no revision"
    if not row.key.startswith("/"):
        return "a key begins with /"
    if row.since > written:
        return f"is the state since {row.since}, later than it was written"
    if row.deletion:
        return "a deletion has no value" if row.value is not None or row.version else ""
    if row.value is None:
        return "has no value and is no deletion"
    if not 1 <= row.create_revision <= row.since:
        return f"created at {row.create_revision}, which is not up to {row.since}"
    return "" if row.version >= 1 else f"version {row.version} is less than 1"


def _after(row: Row, before: Row) -> str:
    if row.row_id <= before.row_id:
        return f"was written before the state that it replaces ({revision_of(before.row_id)})"
    if row.deletion:
        return "is deleted twice" if before.deletion else ""
    if before.deletion:
        if row.create_revision <= before.since:
            return f"created at {row.create_revision}, before its deletion at {before.since}"
        return ""
    if row.create_revision != before.create_revision:
        return f"created at {row.create_revision}, before that at {before.create_revision}"
    return "" if row.version > before.version else f"version {row.version} after {before.version}"
