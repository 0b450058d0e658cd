"""Which transactions hold, and which revision each gets, before any of them is on the disk.

A transaction is judged against the durable view and everything sequenced since, so that many
can wait for one fsync and still be compared in order. Sequenced commits become durable in
order (`settle`) or fall together (`reset`): the disk failed, and what was built on a lost
commit is lost with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from master.store import contract
from master.store.contract import (
    Change,
    Commit,
    Compare,
    CompareFailed,
    Entry,
    Key,
    Put,
    Revision,
    Write,
)
from master.store.view import View
from pilothouse.objects import errors


@dataclass(frozen=True, slots=True)
class Sequenced:
    """A commit that awaits the disk, and which of its keys keep no history."""

    commit: Commit
    transient: frozenset[Key]


_NONE_TRANSIENT: frozenset[Key] = frozenset()


def check_writes(writes: Sequence[Write]) -> int:
    """The size of the values in bytes; BadRequest or TooLarge where a write breaks a rule."""
    if len(writes) > contract.MAX_TXN_WRITES:
        raise errors.TooLarge(
            f"a transaction of {len(writes)} writes; at most {contract.MAX_TXN_WRITES}"
        )
    size = 0
    for write in writes:
        check_key(write.key)
        if isinstance(write, Put):
            size += _size(write)
    if size > contract.MAX_TXN_BYTES:
        raise errors.TooLarge(f"a transaction of {size} bytes; at most {contract.MAX_TXN_BYTES}")
    if len(writes) > 1 and len({write.key for write in writes}) < len(writes):
        raise errors.BadRequest("a transaction writes the same key twice")
    return size


def check_key(key: str) -> None:
    """BadRequest unless the key begins with "/", is printable and not too long."""
    if not key.startswith("/") or not key.isprintable():
        raise errors.BadRequest(f"key {key!r}: must begin with '/' and be printable")
    if len(key) > contract.MAX_KEY_LENGTH:
        raise errors.BadRequest(
            f"key {key[:64]!r}…: {len(key)} characters; at most {contract.MAX_KEY_LENGTH}"
        )


def _size(put: Put) -> int:
    size = len(put.value)
    if size > contract.MAX_VALUE_BYTES:
        raise errors.TooLarge(f"{put.key}: {size} bytes; at most {contract.MAX_VALUE_BYTES}")
    return size


class Sequencer:
    """The durable view plus the commits that wait for the disk."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._waiting: dict[Key, Change] = {}  # the newest waiting change of each key
        self.revision = view.revision

    def sequence(self, compares: Sequence[Compare], writes: Sequence[Write]) -> Sequenced | None:
        """The next commit, None when it changes nothing; CompareFailed when it may not be."""
        for compare in compares:
            found = self._newest(compare.key)
            if compare.mod_revision != (found.mod_revision if found else 0):
                raise CompareFailed(compare.key, compare.mod_revision, found)
        revision = Revision(self.revision + 1)
        changes = self._changes(writes, revision)
        if not changes:
            return None
        self.revision = revision
        for change in changes:
            self._waiting[change.key] = change
        return Sequenced(Commit(revision, tuple(changes)), _transient_keys(writes))

    def is_waiting(self, key: Key) -> bool:
        """Whether what was last said of the key is not durable yet."""
        return key in self._waiting

    def settle(self, commit: Commit) -> None:
        """The commit is durable and in the view."""
        for change in commit.changes:
            if self._waiting.get(change.key) is change:
                del self._waiting[change.key]

    def reset(self) -> None:
        """Nothing that waits will become durable; its revisions are free again."""
        self._waiting.clear()
        self.revision = self._view.revision

    def _newest(self, key: Key) -> Entry | None:
        waiting = self._waiting.get(key)
        return self._view.get(key) if waiting is None else waiting.entry

    def _changes(self, writes: Sequence[Write], revision: Revision) -> list[Change]:
        changes = []
        for write in writes:
            previous = self._newest(write.key)
            if isinstance(write, Put):
                changes.append(Change(write.key, _written(write, previous, revision), previous))
            elif previous is not None:
                changes.append(Change(write.key, None, previous))
        return changes


def _written(put: Put, previous: Entry | None, revision: Revision) -> Entry:
    if previous is None:
        return Entry(put.key, put.value, revision, revision, 1)
    # The previous entry's key object is reused: one string per key, not one per write.
    return Entry(previous.key, put.value, previous.create_revision, revision, previous.version + 1)


def _transient_keys(writes: Sequence[Write]) -> frozenset[Key]:
    keys = [write.key for write in writes if isinstance(write, Put) and write.transient]
    return frozenset(keys) if keys else _NONE_TRANSIENT
