"""What the SQLite store gives, in process: durable transactions, reads, watches, opening.

python -m benchmarks.store [--entries 150000] [--seconds 2] [--directory DIR]

Callers and store share one event loop, as the API and the store do in a master; every
transaction is a compare and a put of 1 kB, durable when it is counted. The first row is what
the disk itself gives: 1 kB appended and synced, one after another. The directory (by default a
temporary one) decides which disk is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from master.store.contract import Commit, Compare, Key, Put, Revision
from master.store.sqlite import SqliteStore, open_store

VALUE = os.urandom(1_000)
LEASES = 5_000
LEASE = os.urandom(300)
PAGE = 500
WATCHES = 200


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: how many a second, and how long one took, in seconds, ascending."""

    name: str
    per_second: float
    latencies: Sequence[float]

    def cells(self) -> tuple[str, str, str, str]:
        """As text; latencies in milliseconds."""
        ordered, count = self.latencies, len(self.latencies)
        median, high = ordered[count // 2] * 1e3, ordered[min(count - 1, count * 99 // 100)] * 1e3
        return self.name, f"{self.per_second:,.0f}", f"{median:.2f}", f"{high:.2f}"


async def measured(
    name: str, call: Callable[[int], Awaitable[object]], callers: int, seconds: float
) -> Figure:
    """So many callers, each calling again as soon as it is answered; the calls are numbered."""
    latencies: list[float] = []
    numbers = iter(range(10**9))
    end = time.perf_counter() + seconds

    async def caller() -> None:
        while (start := time.perf_counter()) < end:
            await call(next(numbers))
            latencies.append(time.perf_counter() - start)

    await asyncio.gather(*(caller() for _ in range(callers)))
    return Figure(name, len(latencies) / seconds, sorted(latencies))


def disk_alone(directory: Path, seconds: float) -> Figure:
    """Appends of 1 kB, each synced."""
    latencies: list[float] = []
    end = time.perf_counter() + seconds
    with (directory / "append").open("wb", buffering=0) as file:
        while (start := time.perf_counter()) < end:
            file.write(VALUE)
            os.fdatasync(file.fileno())
            latencies.append(time.perf_counter() - start)
    return Figure("disk: append and sync", len(latencies) / seconds, sorted(latencies))


def _pods(number: int) -> Key:
    return Key(f"/pods/namespace-{number % 97}/web-5d4f8c7b9-{number}")


async def _fill(store: SqliteStore, entries: int) -> None:
    for start in range(0, entries, 1_000):
        numbers = range(start, min(start + 1_000, entries))
        await store.txn([], [Put(_pods(number), VALUE) for number in numbers])


async def writes(store: SqliteStore, seconds: float) -> list[Figure]:
    """Creations with rising numbers of callers, then heartbeats."""
    figures = []
    for callers in (1, 16, 64, 256):

        async def create(number: int, callers: int = callers) -> None:
            key = Key(f"/created/{callers}/{number}")
            await store.txn([Compare(key, Revision(0))], [Put(key, VALUE)])

        figures.append(await measured(f"create, {callers} in flight", create, callers, seconds))

    async def renew(_: int) -> None:
        await store.txn(
            [], [Put(Key(f"/leases/{n}"), LEASE, transient=True) for n in range(LEASES)]
        )

    return [*figures, await measured(f"renew {LEASES:,} leases at once", renew, 1, seconds)]


async def busy(store: SqliteStore, seconds: float) -> Figure:
    """Creations whose callers use the event loop for 200 µs each, as an API does."""

    async def create(number: int) -> None:
        end = time.perf_counter() + 200e-6
        while time.perf_counter() < end:
            pass
        await store.txn([], [Put(Key(f"/busy/{number}"), VALUE)])

    return await measured("create, 16 callers, 200 µs of work each", create, 16, seconds)


async def reads(store: SqliteStore, entries: int, past: Revision, seconds: float) -> list[Figure]:
    """Single keys, and whole listings page by page, now and at a past revision."""

    def paging(revision: Revision | None) -> Callable[[int], Awaitable[object]]:
        last = ""

        async def next_page(_: int) -> None:
            nonlocal last
            page = await store.list("/pods/", revision=revision, start_after=last, limit=PAGE)
            last = page.entries[-1].key if page.remaining else ""

        return next_page

    return [
        await measured("get", lambda n: store.get(_pods(n % entries)), 16, seconds),
        await measured(f"next page of {PAGE}", paging(None), 1, seconds),
        await measured("get, past", lambda n: store.get(_pods(n % entries), past), 16, seconds),
        await measured(f"next page of {PAGE}, past", paging(past), 1, seconds),
    ]


async def watched(store: SqliteStore, seconds: float) -> Figure:
    """Changes that reach so many watches of one prefix: deliveries, and write to last delivery."""
    seen = [0] * WATCHES

    async def follow(index: int) -> None:
        async for batch in store.watch("/watched/", store.revision):
            seen[index] += sum(len(commit.changes) for commit in batch)

    async with asyncio.TaskGroup() as tasks:
        following = [tasks.create_task(follow(index)) for index in range(WATCHES)]
        await asyncio.sleep(0)
        figure = await measured(
            f"changes delivered to {WATCHES} watches",
            lambda n: store.txn([], [Put(Key(f"/watched/{n % 1_000}"), VALUE)]),
            16,
            seconds,
        )
        for task in following:
            task.cancel()
    return Figure(figure.name, sum(seen) / seconds, figure.latencies)


async def compacted(store: SqliteStore) -> Figure:
    """Changes that compaction forgets a second, and what a writer meanwhile waits."""
    commits: list[Commit] = []
    stop = store.observe("/compacted/", commits.extend)

    async def change(number: int) -> None:
        await store.txn([], [Put(Key(f"/compacted/{number % 50}"), VALUE)])

    for start in range(0, 50_000, 500):
        await asyncio.gather(*map(change, range(start, start + 500)))
    stop()
    latencies = []
    began = time.perf_counter()
    compacting = asyncio.ensure_future(store.compact(store.revision))
    while not compacting.done():
        start_of_one = time.perf_counter()
        await store.txn([], [Put(Key("/meanwhile"), VALUE)])
        latencies.append(time.perf_counter() - start_of_one)
    rate = len(commits) / (time.perf_counter() - began)
    return Figure("changes compacted, and a write meanwhile", rate, sorted(latencies))


def _memory() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def opened(directory: Path, entries: int) -> str:
    """A sentence about opening a store of so many entries."""
    before, start = _memory(), time.perf_counter()
    store = await open_store(directory)
    took, grown = time.perf_counter() - start, _memory() - before
    await store.close()
    each = grown * 1e6 / entries - len(VALUE)
    return (
        f"open with {entries:,} entries of {len(VALUE)} bytes: {took:.2f} s,"
        f" {grown:.0f} MB resident, {each:.0f} bytes an entry beside its value"
    )


async def run(directory: Path, entries: int, seconds: float) -> None:
    """Everything, printed as it comes."""
    console = Console()
    store = await open_store(directory / "filled")
    await _fill(store, entries)
    past = store.revision
    await store.close()
    # First, while nothing that was freed earlier hides how much memory it takes.
    console.print(await opened(directory / "filled", entries))
    store = await open_store(directory / "filled")
    figures = [disk_alone(directory, seconds), *await writes(store, seconds)]
    figures += [await busy(store, seconds), *await reads(store, entries, past, seconds)]
    figures += [await watched(store, seconds), await compacted(store)]
    await store.close()
    table = Table("", "per second", "p50 ms", "p99 ms")
    for column in table.columns[1:]:
        column.justify = "right"
    for figure in figures:
        table.add_row(*figure.cells())
    console.print(table)


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--entries", type=int, default=150_000)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--directory", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.directory) as directory:
        uvloop.run(run(Path(directory), options.entries, options.seconds))


if __name__ == "__main__":
    main()
