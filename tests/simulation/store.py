"""A store in memory: the contract's third implementation, with faults.

In go transactions; a group of them becomes durable on the Disk together, after the latency that
Faults gives, and is then published and answered as the SQLite store does it, by the same
sequencing, view and hub. The Disk outlives the store as a file does its process.

crash() is the end of the process at that moment: of the commits under way some first ones are
on the disk, none of them is answered, and nobody can reach the store any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

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
from master.store.hub import Hub
from master.store.sequencing import Sequenced, Sequencer, check_writes
from master.store.view import View
from pilothouse.objects import errors
from tests.simulation.disk import Disk

WAITING = 16_384  # transactions
WATCH_CHANGES = 16_384
REPLAYED = 1_000  # commits in a batch


class Faults(Protocol):
    """What goes wrong with the disk."""

    def latency(self) -> float:
        """Seconds until the next group is durable."""
        ...

    def fails(self) -> bool:
        """Whether the next group is refused by the disk."""
        ...


class NoFaults:
    """A disk that is as quick as memory and never fails."""

    def latency(self) -> float:
        """None at all."""
        return 0.0

    def fails(self) -> bool:
        """Never."""
        return False


@dataclass(slots=True)
class _Waiting:
    revision: Revision
    sequenced: Sequenced | None
    failure: CompareFailed | None
    future: asyncio.Future[Revision]


class MemoryStore:
    """Store over a Disk; see the module."""

    def __init__(self, disk: Disk, faults: Faults | None = None) -> None:
        self._disk = disk
        self._faults: Faults = faults or NoFaults()
        self._view = View(disk.entries("", disk.revision), disk.revision)
        self._sequencer = Sequencer(self._view)
        self._hub = Hub()
        self._loop = asyncio.get_running_loop()
        self._gathered: list[_Waiting] = []
        self._under_way: list[_Waiting] = []
        self._closed = False

    @property
    def revision(self) -> Revision:
        """The newest durable commit."""
        return self._view.revision

    @property
    def compacted(self) -> Revision:
        """The oldest revision that can be read or watched from."""
        return self._disk.compacted

    async def get(self, key: Key, revision: Revision | None = None) -> Entry | None:
        """The key's entry."""
        if revision is None or revision == self._view.revision:
            return self._view.get(key)
        self._check_past(revision, key)
        return self._disk.at(key, revision)

    async def list(
        self,
        prefix: str,
        *,
        revision: Revision | None = None,
        start_after: str = "",
        limit: int = 0,
    ) -> Listing:
        """Entries in key order."""
        if limit < 0:
            raise errors.BadRequest(f"limit {limit}: must not be negative")
        if revision is None or revision == self._view.revision:
            return self._view.list(prefix, start_after, limit)
        self._check_past(revision, prefix + start_after)
        then = View(self._disk.entries(prefix, revision), revision)
        return then.list(prefix, start_after, limit)

    async def txn(self, compares: Sequence[Compare], writes: Sequence[Write]) -> Revision:
        """Commit the writes when the compares hold."""
        self._check_open()
        check_writes(writes)
        if len(self._gathered) + len(self._under_way) >= WAITING:
            raise errors.TooManyRequests(f"{WAITING} transactions are waiting")
        sequenced, failure = None, None
        try:
            sequenced = self._sequencer.sequence(compares, writes)
        except CompareFailed as failed:
            if not self._sequencer.is_waiting(failed.key):
                raise
            failure = failed
        idle = not self._gathered and not self._under_way
        if sequenced is None and failure is None and idle:
            return self._view.revision
        future: asyncio.Future[Revision] = self._loop.create_future()
        self._gathered.append(_Waiting(self._sequencer.revision, sequenced, failure, future))
        if idle:
            self._loop.call_soon(self._begin)
        return await future

    async def watch(self, prefix: str, after: Revision) -> AsyncGenerator[Sequence[Commit], None]:
        """Commits after `after`: from the disk until it has caught up, then live."""
        self._check_past(after)
        while after < (newest := self._view.revision):
            async with aclosing(self.replay(prefix, after, newest)) as batches:
                async for commits in batches:
                    yield commits
            after = newest
        self._check_open()
        subscription = self._hub.subscribe(prefix, WATCH_CHANGES)
        try:
            while True:
                yield await subscription.take()
        finally:
            self._hub.unsubscribe(subscription)

    async def replay(
        self, prefix: str, after: Revision, until: Revision
    ) -> AsyncGenerator[Sequence[Commit], None]:
        """Commits in (after, until], from the disk."""
        self._check_past(after)
        self._check_past(until)
        for start in range(after, until, REPLAYED):
            end = Revision(min(start + REPLAYED, until))
            commits = list(self._disk.commits(prefix, Revision(start), end))
            if commits:
                yield commits

    def observe(self, prefix: str, observer: Observer) -> Callable[[], None]:
        """Call observer with later commits, before their transactions return."""
        return self._hub.observe(prefix, observer)

    async def compact(self, revision: Revision) -> None:
        """Forget what only reads below the revision could see."""
        self._check_open()
        if revision > self._view.revision:
            raise errors.BadRequest(f"revision {revision}: newest is {self._view.revision}")
        if revision > self._disk.compacted:
            self._disk.forget(revision)
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Finish the transactions that wait, end the watches."""
        if self._closed:
            return
        self._closed = True
        while self._gathered or self._under_way:
            self._end_group(refused=False)
            self._begin_group()
        self._hub.end(errors.ServiceUnavailable("the store is closed"))

    def crash(self, keep: Callable[[int], int]) -> None:
        """End here. keep(n): how many of n commits under way have reached the disk."""
        self._closed = True
        waiting = [*self._under_way, *self._gathered]
        commits = [w.sequenced for w in self._under_way if w.sequenced is not None]
        for sequenced in commits[: keep(len(commits))]:
            self._disk.write(sequenced)
        self._under_way, self._gathered = [], []
        gone = errors.ServiceUnavailable("the master has crashed")
        for each in waiting:
            if not each.future.done():
                each.future.set_exception(gone)
        self._hub.end(gone)

    def _begin(self) -> None:
        if not self._under_way:
            self._begin_group()
            if self._under_way:
                self._loop.call_later(self._faults.latency(), self._finish)

    def _begin_group(self) -> None:
        self._under_way, self._gathered = self._gathered, []

    def _finish(self) -> None:
        if not self._closed:
            self._end_group(refused=self._faults.fails())
            self._begin()

    def _end_group(self, *, refused: bool) -> None:
        group, self._under_way = self._under_way, []
        if refused:
            self._refuse(group)
            return
        commits = [waiting.sequenced for waiting in group if waiting.sequenced is not None]
        for sequenced in commits:
            self._disk.write(sequenced)
            self._view.apply(sequenced.commit)
            self._sequencer.settle(sequenced.commit)
        if commits:
            self._hub.publish([sequenced.commit for sequenced in commits])
        for waiting in group:
            _resolve(waiting, waiting.failure)

    def _refuse(self, group: Sequence[_Waiting]) -> None:
        """The disk failed: what was sequenced behind the group falls with it."""
        self._sequencer.reset()
        behind, self._gathered = self._gathered, []
        for waiting in (*group, *behind):
            _resolve(waiting, errors.ServiceUnavailable("the store cannot write: disk failure"))

    def _check_open(self) -> None:
        if self._closed:
            raise errors.ServiceUnavailable("the store is closed")

    def _check_past(self, revision: Revision, text: str = "") -> None:
        self._check_open()
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise errors.BadRequest(f"{text!r} is no valid text: {error.reason}") from error
        if revision > self._view.revision or revision < 0:
            raise errors.BadRequest(f"revision {revision}: newest is {self._view.revision}")
        if revision < self._disk.compacted:
            raise errors.Expired(
                f"revision {revision} is compacted; the oldest kept is {self._disk.compacted}"
            )


def _resolve(waiting: _Waiting, error: Exception | None) -> None:
    if waiting.future.done():
        return
    if error is None:
        waiting.future.set_result(waiting.revision)
    else:
        waiting.future.set_exception(error)
