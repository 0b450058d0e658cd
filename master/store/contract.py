"""The store: an append-only log of revisions under a key-value view.

One commit is one revision, however many keys it writes; revisions grow by one and are never
reused. Every past revision down to the last compaction can be read and watched from. Two
implementations: SQLite in this process, etcd for several masters. Both pass the same
contract tests.

What is promised: a transaction that returned is durable (it survives kill -9 and power
loss); commits are totally ordered; a read without a revision sees every commit that
returned before the read was called; a watch from revision R yields every commit after R once,
in order, however it races with writers. A slow watcher never blocks a writer: it is cut off
with Expired.

What is not promised: keys in a transient write keep no history of their own. A read at a past
revision shows such a key as the nearest kept write (it may be a newer one, but the key is never
missing while it existed), and a watch from the past may skip the writes that were dropped. A
transaction whose caller was cancelled, or that failed with ServiceUnavailable because the
process ended, may have happened.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import NewType, Protocol

MAX_KEY_LENGTH = 1_024  # characters
MAX_VALUE_BYTES = 1_572_864  # as etcd's default limit of a request
MAX_TXN_WRITES = 10_000
MAX_TXN_BYTES = 16 * 1_048_576  # values of one transaction together

# "/pods/default/web-1": begins with "/", printable characters, ordered bytewise (as UTF-8).
Key = NewType("Key", str)
Revision = NewType("Revision", int)  # 1 is the first commit; 0 is the empty store


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's value at some revision. `version` counts the writes since its creation."""

    key: Key
    value: bytes
    create_revision: Revision
    mod_revision: Revision
    version: int


@dataclass(frozen=True, slots=True)
class Compare:
    """The key's modification revision must be this one; 0: the key must not exist."""

    key: Key
    mod_revision: Revision


@dataclass(frozen=True, slots=True)
class Put:
    """Set the key. transient: the key's earlier writes since its creation are dropped from
    history, so that heartbeats and leases do not pile up."""

    key: Key
    value: bytes
    transient: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the key; removing what is absent is no change to it."""

    key: Key


Write = Put | Delete


class CompareFailed(Exception):
    """A transaction's compare did not hold; nothing was written.

    `current` is the entry of the first key that differed (None: it does not exist).
    """

    def __init__(self, key: Key, expected: Revision, current: Entry | None) -> None:
        found = current.mod_revision if current else 0
        super().__init__(f"{key}: expected revision {expected}, found {found}")
        self.key = key
        self.expected = expected
        self.current = current


@dataclass(frozen=True, slots=True)
class Change:
    """One key's change in one commit. entry is None for a deletion; previous is None for a
    creation (entry.version is 1), and where compaction or a transient write has dropped it."""

    key: Key
    entry: Entry | None
    previous: Entry | None


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that one revision changed under the watched prefix; never empty."""

    revision: Revision
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Entries in key order, the revision they show, and how many more follow."""

    entries: tuple[Entry, ...]
    revision: Revision
    remaining: int


Observer = Callable[[Sequence[Commit]], None]
"""Called with commits in revision order; must not block, must not raise."""


class Store(Protocol):
    """See the module. Reads and watches below the compaction raise errors.Expired; a revision
    in the future raises errors.BadRequest; a full or failing disk raises
    errors.ServiceUnavailable and commits nothing."""

    @property
    def revision(self) -> Revision:
        """The newest commit that is durable and that reads show."""
        ...

    @property
    def compacted(self) -> Revision:
        """The oldest revision that can be read or watched from; 0 before any compaction."""
        ...

    async def get(self, key: Key, revision: Revision | None = None) -> Entry | None: ...

    async def list(
        self,
        prefix: str,
        *,
        revision: Revision | None = None,
        start_after: str = "",
        limit: int = 0,
    ) -> Listing:
        """Entries whose key begins with prefix and is greater than start_after; limit 0: all."""
        ...

    async def txn(self, compares: Sequence[Compare], writes: Sequence[Write]) -> Revision:
        """Write all when every compare holds, and return the commit's revision.

        A transaction that changes nothing (no writes, or deletions of what is absent) makes no
        commit and returns the newest revision. Raises CompareFailed; errors.BadRequest for a
        key against the rules or written twice; errors.TooLarge beyond the limits above;
        errors.TooManyRequests when too many transactions wait.
        """
        ...

    def watch(self, prefix: str, after: Revision) -> AsyncGenerator[Sequence[Commit], None]:
        """Batches of commits after that revision; registered when first iterated, complete
        from `after` on all the same. Close it with aclose() (contextlib.aclosing) when done
        before its end. Closing the store ends it with errors.ServiceUnavailable."""
        ...

    def replay(
        self, prefix: str, after: Revision, until: Revision
    ) -> AsyncGenerator[Sequence[Commit], None]:
        """Batches of the commits in (after, until], as watch() yields them, and then an end.

        until: at most the newest revision.
        """
        ...

    def observe(self, prefix: str, observer: Observer) -> Callable[[], None]:
        """Call observer in the event loop with every later commit that touches the prefix,
        until the returned function is called.

        One call per batch, in revision order, after reads show the batch and before the
        transactions in it return and before watches yield it: whoever saw its write
        acknowledged finds it in every cache fed from here. To start from a complete state call
        observe(), then list(), and skip commits up to the listing's revision.
        """
        ...

    async def compact(self, revision: Revision) -> None:
        """Forget what only reads below this revision could see; nothing to do when that is
        forgotten already."""
        ...

    async def close(self) -> None:
        """Finish the transactions that wait and let go of the files; safe to call again."""
        ...
