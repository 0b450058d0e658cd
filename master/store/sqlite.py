"""The store in one SQLite file: the default, for one master.

A transaction is judged and given its revision in the event loop (sequencing), waits with its
neighbours for one fsync in the writer's thread (writing), and when the batch is durable one
callback in the loop does, in this order: the view moves on, observers are called, watches are
fed, the callers' futures are resolved. So whoever sees an acknowledgement sees the write
everywhere, and reads of the newest state are plain lookups in memory (view). The past is read
from the file in threads of its own (history).

When the disk is full or fails, everything that waits for it fails with ServiceUnavailable and
nothing of it is committed; the next transaction tries the disk again. Transactions that wait
are bounded in number and bytes: beyond, TooManyRequests.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from master.store import compaction, schema
from master.store.contract import (
    Commit,
    Compare,
    CompareFailed,
    Entry,
    Key,
    Listing,
    Observer,
    Revision,
    Write,
)
from master.store.history import History
from master.store.hub import Hub
from master.store.reading import Readers
from master.store.sequencing import Sequenced, Sequencer, check_writes
from master.store.view import View
from master.store.writing import Group, Reports, Writer
from pilothouse.objects import errors


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of the store's queues."""

    waiting_transactions: int = 16_384
    waiting_bytes: int = 64 * 1_048_576
    watch_changes: int = 16_384  # buffered for one watch; a slower one is cut off


@dataclass(slots=True)
class _Waiting:
    """A transaction that waits for the disk; `failure` when its compare has failed against
    something that is itself not durable yet."""

    revision: Revision
    sequenced: Sequenced | None
    failure: CompareFailed | None
    size: int
    future: asyncio.Future[Revision]


class SqliteStore:
    """Store over one directory; made by open_store()."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, view: View, lock: int, limits: Limits
    ) -> None:
        self._view = view
        self._limits = limits
        self._lock = lock
        self._compacted = schema.compacted(connection)
        self._sequencer = Sequencer(view)
        self._hub = Hub()
        self._readers = Readers(path)
        self._history = History(self._readers)
        self._writer = Writer(connection, Reports(self._on_durable, self._on_failed))
        self._loop = asyncio.get_running_loop()
        self._epoch = 0
        self._gathered: list[_Waiting] = []  # since the last turn of the loop
        self._submitted: deque[list[_Waiting]] = deque()
        self._waiting_count = 0
        self._waiting_bytes = 0
        self._closed = False
        self._writer.start()

    @property
    def revision(self) -> Revision:
        """The newest durable commit."""
        return self._view.revision

    @property
    def compacted(self) -> Revision:
        """The oldest revision that can be read or watched from."""
        return self._compacted

    async def get(self, key: Key, revision: Revision | None = None) -> Entry | None:
        """The key's entry; without a revision from memory, without suspending."""
        if revision is None or revision == self._view.revision:
            return self._view.get(key)
        self._check_revision(revision)
        return await self._history.get(key, revision)

    async def list(
        self,
        prefix: str,
        *,
        revision: Revision | None = None,
        start_after: str = "",
        limit: int = 0,
    ) -> Listing:
        """Entries in key order; without a revision from memory, without suspending."""
        if limit < 0:
            raise errors.BadRequest(f"limit {limit}: must not be negative")
        if revision is None or revision == self._view.revision:
            page = self._view.list(prefix, start_after, limit)
            self._history.remember(prefix, page)
            return page
        self._check_revision(revision)
        return await self._history.list(prefix, revision, start_after, limit)

    async def txn(self, compares: Sequence[Compare], writes: Sequence[Write]) -> Revision:
        """Commit the writes when the compares hold; see the contract."""
        size = self._admit(writes)
        sequenced, failure = None, None
        try:
            sequenced = self._sequencer.sequence(compares, writes)
        except CompareFailed as failed:
            if not self._sequencer.is_waiting(failed.key):
                raise
            failure = failed
        if sequenced is None and not self._waiting_count and failure is None:
            return self._view.revision
        future: asyncio.Future[Revision] = self._loop.create_future()
        self._gather(_Waiting(self._sequencer.revision, sequenced, failure, size, future))
        return await future

    async def watch(self, prefix: str, after: Revision) -> AsyncGenerator[Sequence[Commit], None]:
        """Commits after `after`: from the log until it has caught up, then live."""
        self._check_revision(after)
        while after < (newest := self._view.revision):
            async with aclosing(self.replay(prefix, after, newest)) as batches:
                async for commits in batches:
                    yield commits
            after = newest
        # Nothing is awaited between the loop's last check and subscribing: no gap, no repeat.
        self._check_open()
        subscription = self._hub.subscribe(prefix, self._limits.watch_changes)
        try:
            while True:
                yield await subscription.take()
        finally:
            self._hub.unsubscribe(subscription)

    async def replay(
        self, prefix: str, after: Revision, until: Revision
    ) -> AsyncGenerator[Sequence[Commit], None]:
        """Commits in (after, until], from the log."""
        self._check_revision(after)
        self._check_revision(until)
        while after < until:
            replay = await self._history.replay(prefix, after, until)
            after = replay.through
            if replay.commits:
                yield replay.commits

    def observe(self, prefix: str, observer: Observer) -> Callable[[], None]:
        """Call observer with later commits, before their transactions return."""
        return self._hub.observe(prefix, observer)

    async def compact(self, revision: Revision) -> None:
        """Refuse reads below the revision, then remove slice by slice what only they need.

        The slices take turns with commits. One that was interrupted goes on at the next call.
        """
        self._check_open()
        if revision > self._view.revision:
            raise errors.BadRequest(f"revision {revision}: newest is {self._view.revision}")
        try:
            if revision > self._compacted:
                self._compacted = await self._writer.run(
                    lambda connection: compaction.forget(connection, revision)
                )
            while await self._writer.run(compaction.sweep):
                pass
        except sqlite3.Error as error:
            raise errors.ServiceUnavailable(f"the store cannot compact: {error}") from error

    async def close(self) -> None:
        """Finish the transactions that wait, end the watches, let go of the directory."""
        if self._closed:
            return
        self._closed = True
        self._submit()
        # The writer's connection is the last to close: it brings the log file into the database.
        await self._readers.close()
        await self._writer.close()
        self._hub.end(errors.ServiceUnavailable("the store is closed"))
        os.close(self._lock)

    def _check_open(self) -> None:
        if self._closed:
            raise errors.ServiceUnavailable("the store is closed")

    def _check_revision(self, revision: Revision) -> None:
        self._check_open()
        if revision > self._view.revision or revision < 0:
            raise errors.BadRequest(f"revision {revision}: newest is {self._view.revision}")

    def _admit(self, writes: Sequence[Write]) -> int:
        self._check_open()
        size = check_writes(writes)
        if (
            self._waiting_count >= self._limits.waiting_transactions
            or self._waiting_bytes + size > self._limits.waiting_bytes
        ):
            raise errors.TooManyRequests(
                f"{self._waiting_count} transactions of {self._waiting_bytes} bytes are waiting"
            )
        return size

    def _gather(self, waiting: _Waiting) -> None:
        # Submitting at the end of the loop's turn lets everyone who is ready into one group.
        if not self._gathered:
            self._loop.call_soon(self._submit)
        self._gathered.append(waiting)
        self._waiting_count += 1
        self._waiting_bytes += waiting.size

    def _submit(self) -> None:
        if not self._gathered:
            return
        gathered, self._gathered = self._gathered, []
        commits = [waiting.sequenced for waiting in gathered if waiting.sequenced is not None]
        self._submitted.append(gathered)
        self._writer.submit(Group(self._epoch, commits))

    def _on_durable(self, groups: Sequence[Group]) -> None:
        commits = [sequenced.commit for group in groups for sequenced in group.commits]
        for commit in commits:
            self._view.apply(commit)
            self._sequencer.settle(commit)
        if commits:
            self._hub.publish(commits)
        for _ in groups:
            for waiting in self._submitted.popleft():
                self._resolve(waiting, waiting.failure)

    def _on_failed(self, epoch: int, cause: Exception) -> None:
        self._epoch = epoch + 1
        self._sequencer.reset()
        gathered, self._gathered = self._gathered, []
        lost = [waiting for group in self._submitted for waiting in group] + gathered
        self._submitted.clear()
        for waiting in lost:
            error = errors.ServiceUnavailable(f"the store cannot write: {cause}")
            error.__cause__ = cause
            self._resolve(waiting, error)

    def _resolve(self, waiting: _Waiting, error: Exception | None) -> None:
        self._waiting_count -= 1
        self._waiting_bytes -= waiting.size
        if waiting.future.done():  # its caller was cancelled
            return
        if error is None:
            waiting.future.set_result(waiting.revision)
        else:
            waiting.future.set_exception(error)


async def open_store(directory: Path, limits: Limits | None = None) -> SqliteStore:
    """The store in that directory, made if there is none; schema.StoreUnusable otherwise."""
    lock, connection, view = await asyncio.to_thread(_open, directory)
    return SqliteStore(directory / schema.DATABASE, connection, view, lock, limits or Limits())


def _open(directory: Path) -> tuple[int, sqlite3.Connection, View]:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = schema.lock(directory)
    try:
        return lock, *schema.open_database(directory)
    except BaseException:
        os.close(lock)
        raise
