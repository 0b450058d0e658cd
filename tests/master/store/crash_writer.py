"""A process that writes to a store as fast as it can and tells what was acknowledged.

    python -m tests.master.store.crash_writer DIRECTORY SEED plain|forgetting

Each line on standard output is one acknowledgement, written after the transaction returned:
revision, key and the value's digest. "forgetting" adds transient writes and compaction. It runs
until it is killed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import sys
from pathlib import Path

from master.store.contract import Compare, Delete, Key, Put, Revision, Store, Write
from master.store.sqlite import open_store

WRITERS = 8
KEYS_EACH = 5


def digest(value: bytes) -> str:
    return hashlib.sha1(value, usedforsecurity=False).hexdigest()[:12]


def _tell(*words: object) -> None:
    # One write() of less than PIPE_BUF bytes: a kill leaves no half line.
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def _write_forever(store: Store, number: int, rng: random.Random) -> None:
    while True:
        key = Key(f"/k/{number}/{rng.randrange(KEYS_EACH)}")
        entry = await store.get(key)
        compare = Compare(key, entry.mod_revision if entry else Revision(0))
        value = rng.randbytes(rng.choice((0, 40, 1_000, 6_000)))
        writes: list[Write] = [Put(key, value), Put(Key(f"{key}/twin"), value)]
        if entry is not None and rng.random() < 0.2:
            writes = [Delete(key), Delete(Key(f"{key}/twin"))]
        revision = await store.txn([compare], writes)
        shown = digest(value) if isinstance(writes[0], Put) else "deleted"
        _tell(revision, key, shown)


async def _renew_forever(store: Store, rng: random.Random) -> None:
    while True:
        value = rng.randbytes(30)
        revision = await store.txn([], [Put(Key("/lease"), value, transient=True)])
        _tell(revision, "/lease", digest(value))


async def _compact_forever(store: Store, rng: random.Random) -> None:
    while True:
        kept = rng.randint(20, 200)
        if store.revision - store.compacted > 2 * kept:
            await store.compact(Revision(store.revision - kept))
            _tell(store.compacted, "compacted", "-")
        await store.txn([], [Put(Key("/tick"), b"", transient=True)])


async def main(directory: Path, seed: int, forgetting: bool) -> None:
    rng = random.Random(seed)
    store = await open_store(directory)
    async with asyncio.TaskGroup() as tasks:
        for number in range(WRITERS):
            tasks.create_task(_write_forever(store, number, rng))
        if forgetting:
            tasks.create_task(_renew_forever(store, rng))
            tasks.create_task(_compact_forever(store, rng))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "forgetting"))
