"""What the agent must know after a crash or a reboot with no master to ask.

In go assignments (pods, config maps, secrets), the network's settings and the newest status
of each pod; out they come at the next start. Writes are handed over at once and reach the
disk in the background, batched, each batch one durable transaction in the order of its
puts; a crash loses at most the last batch, which the master sends again. The file is
readable by its owner only, as secrets are in it. Unbounded only in what is assigned: one
entry an object, the newest wins.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5.0


class Ledger(Protocol):
    """Keys are paths such as "pods/default/web-1", values serialized messages."""

    def put(self, key: str, value: bytes | None) -> None:
        """Keep the value; None forgets the key."""
        ...

    async def load(self) -> Mapping[str, bytes]:
        """Everything kept."""
        ...

    async def run(self) -> None:
        """Write until cancelled."""
        ...


class MemoryLedger:
    """Keeps nothing beyond its process: for hollow nodes and tests of a restart."""

    def __init__(self) -> None:
        self._entries: dict[str, bytes] = {}

    def put(self, key: str, value: bytes | None) -> None:
        """See Ledger."""
        if value is None:
            self._entries.pop(key, None)
        else:
            self._entries[key] = value

    async def load(self) -> Mapping[str, bytes]:
        """See Ledger."""
        return dict(self._entries)

    async def run(self) -> None:
        """Nothing to write."""


class DiskLedger:
    """One SQLite file, written by one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: dict[str, bytes | None] = {}
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._database: sqlite3.Connection | None = None  # owned by the thread

    def put(self, key: str, value: bytes | None) -> None:
        """See Ledger."""
        self._pending[key] = value
        self._wake.set()

    async def load(self) -> Mapping[str, bytes]:
        """Everything kept. OSError or sqlite3.Error: the file cannot be used."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read)

    async def run(self) -> None:
        """Write until cancelled; what is pending then is written before it returns."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._flush()
        finally:
            pending, self._pending = self._pending, {}
            if pending:
                self._thread.submit(self._write, pending)
            self._thread.submit(self._close)
            self._thread.shutdown(wait=True)

    async def _flush(self) -> None:
        batch, self._pending = self._pending, {}
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, batch)
        except sqlite3.Error as error:
            # A full disk must not end the agent: what runs, runs on, and is written later.
            logger.warning("cannot keep %d assignments: %s", len(batch), error)
            self._pending = {**batch, **self._pending}
            await asyncio.sleep(RETRY_SECONDS)
            self._wake.set()

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            database = sqlite3.connect(self._path, check_same_thread=False)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value BLOB NOT NULL)"
            )
            self._database = database
        return self._database

    def _read(self) -> dict[str, bytes]:
        return dict(self._open().execute("SELECT key, value FROM entries"))

    def _write(self, batch: Mapping[str, bytes | None]) -> None:
        database = self._open()
        with database:
            for key, value in batch.items():
                if value is None:
                    database.execute("DELETE FROM entries WHERE key = ?", (key,))
                else:
                    database.execute("INSERT OR REPLACE INTO entries VALUES (?, ?)", (key, value))

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
