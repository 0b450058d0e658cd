"""The one thread that writes the database.

Groups of commits and jobs come in through a queue, in order; the groups that are found waiting
are merged into one SQLite transaction, so that one fsync serves all who wait. Reports go
back to the event loop by call_soon_threadsafe, in the same order.

A merged batch is one SQL statement wherever possible: SQLite's calls release the interpreter
lock, and getting it back beside a busy event loop takes up to the switch interval (5 ms).
A call for each row would be such a wait for each row.

When the disk fails, the batch and everything sequenced behind it fail together (a later
commit may build on a lost one): groups carry an epoch, and those of the failed epoch are
dropped. Before it writes again the thread checks that the log ends where it believes.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from master.store import rows, schema
from master.store.contract import Revision
from master.store.sequencing import Sequenced
from pilothouse.objects import errors

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Group:
    """Commits that were sequenced in one turn of the event loop."""

    epoch: int
    commits: Sequence[Sequenced]


@dataclass(frozen=True, slots=True)
class Reports:
    """Called in the event loop: groups that are durable; or an epoch that failed, and why."""

    durable: Callable[[Sequence[Group]], None]
    failed: Callable[[int, Exception], None]


@dataclass(frozen=True, slots=True)
class _Job:
    run: Callable[[sqlite3.Connection], None]


_Item = Group | _Job | None  # None: the end


class LogDiverged(Exception):
    """The database's newest revision is not the one that this process wrote last."""


class Writer:
    """Owns the connection once started; everything else reaches it through the queue.

    The queue is bounded by its feeder, which counts the transactions that wait.
    """

    def __init__(self, connection: sqlite3.Connection, reports: Reports) -> None:
        self._connection = connection
        self._reports = reports
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._ahead: list[_Item] = []  # taken from the queue while gathering groups; at most one
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._loop = asyncio.get_running_loop()
        self._newest = Revision(0)
        self._doubtful = False
        self._failed_epoch = -1
        self._closed = False

    def start(self) -> None:
        """Begin; from now on the connection belongs to the thread."""
        self._newest = schema.newest(self._connection)
        self._thread.start()

    def submit(self, group: Group) -> None:
        """Make the group durable, after what was submitted before."""
        self._queue.put(group)

    async def run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """The answer of work(connection), run between two batches; it should take
        milliseconds. Raises its sqlite3.Error, and what it left open is undone;
        ServiceUnavailable after close()."""
        if self._closed:  # nobody would take the job from the queue
            raise errors.ServiceUnavailable("the store is closed")
        future: asyncio.Future[_T] = self._loop.create_future()

        def job(connection: sqlite3.Connection) -> None:
            try:
                _roll_back(connection)  # what a failed batch may have left
                answer = work(connection)
            except sqlite3.Error as error:
                self._doubtful = True
                self._report(_fail, future, error)
            else:
                self._report(_resolve, future, answer)

        self._queue.put(_Job(job))
        return await future

    async def close(self) -> None:
        """Finish what was submitted, then close the connection."""
        self._closed = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while (item := self._next()) is not None:
            if isinstance(item, Group):
                self._write(self._with_waiting(item))
            else:
                item.run(self._connection)
        self._connection.close()

    def _next(self) -> _Item:
        return self._ahead.pop() if self._ahead else self._queue.get()

    def _with_waiting(self, first: Group) -> list[Group]:
        """The group and those that wait behind it, up to the first other item."""
        groups = [first]
        while not self._queue.empty():  # nobody else takes from it, so get() does not wait
            item = self._queue.get()
            if not isinstance(item, Group):
                self._ahead.append(item)
                break
            groups.append(item)
        return groups

    def _write(self, waiting: Sequence[Group]) -> None:
        groups = [group for group in waiting if group.epoch > self._failed_epoch]
        if not groups:
            return
        try:
            self._commit([commit for group in groups for commit in group.commits])
        except Exception as error:  # noqa: BLE001  callers must hear of it, the thread live on
            _log.exception("the store could not write; nothing of the batch is committed")
            self._failed_epoch = groups[0].epoch
            self._doubtful = True
            self._report(self._reports.failed, self._failed_epoch, error)
        else:
            self._report(self._reports.durable, groups)

    def _commit(self, commits: Sequence[Sequenced]) -> None:
        if self._doubtful:
            self._make_certain()
        if commits:
            batch = rows.pack(commits)
            rows.insert(self._connection, batch)
            self._newest = batch.newest

    def _make_certain(self) -> None:
        _roll_back(self._connection)
        found = schema.newest(self._connection)
        if found != self._newest:
            raise LogDiverged(f"the log ends at {found}, last written was {self._newest}")
        self._doubtful = False

    def _report(self, callback: Callable[..., None], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(callback, *arguments)


def _roll_back(connection: sqlite3.Connection) -> None:
    # Some errors roll back by themselves; a second ROLLBACK would be an error.
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _resolve(future: asyncio.Future[_T], answer: _T) -> None:
    if not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[_T], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
