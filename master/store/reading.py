"""The threads that read the database beside its writer.

Each thread has its own connection and answers from one read transaction, so neither writers
nor compaction change what it sees meanwhile; a revision below the compaction that is on the
disk at that moment raises Expired. At most so many reads wait; beyond, they are refused with
TooManyRequests.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from master.store import schema
from master.store.contract import Revision
from pilothouse.objects import errors

_T = TypeVar("_T")

_THREADS = 2
_MOST_WAITING = 1_024


class Readers:
    """Threads and connections are made when first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="store-reader")
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._waiting = 0
        self._closed = False

    async def read(self, revision: Revision, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """The answer of work(connection), which needs the history from that revision on."""
        if self._closed:
            raise errors.ServiceUnavailable("the store is closed")
        if self._waiting >= _MOST_WAITING:
            raise errors.TooManyRequests(f"{self._waiting} reads of the past are waiting")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, self._answer, revision, work)
        except sqlite3.Error as error:
            raise errors.ServiceUnavailable(f"the store cannot read the past: {error}") from error
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Finish the reads that wait, then close the connections."""
        self._closed = True
        await asyncio.to_thread(self._executor.shutdown)
        while self._connections:
            self._connections.pop().close()

    def _answer(self, revision: Revision, work: Callable[[sqlite3.Connection], _T]) -> _T:
        connection = self._connection()
        with _snapshot(connection):
            compacted = schema.compacted(connection)
            if revision < compacted:
                raise errors.Expired(
                    f"revision {revision} is compacted; the oldest kept is {compacted}"
                )
            return work(connection)

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = schema.connect_reader(self._path)
            self._local.connection = connection
            self._connections.append(connection)
        return connection


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")
