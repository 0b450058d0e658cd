"""Fills the small file system that holds a store, makes room, and checks the store throughout.

python -m tests.master.store.full_disk MOUNT_POINT
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from master.store.contract import Key, Put
from master.store.sqlite import SqliteStore, open_store
from pilothouse.objects import errors


async def _fill(store: SqliteStore) -> dict[str, bytes]:
    """Writes until the disk is full; what was acknowledged."""
    written: dict[str, bytes] = {}
    for number in range(10_000):
        key, value = f"/k/{number % 300}", b"%d" % number * 200
        try:
            await store.txn([], [Put(Key(key), value)])
        except errors.ServiceUnavailable:
            return written
        written[key] = value
    raise AssertionError("the disk did not fill up")


async def _check(store: SqliteStore, written: dict[str, bytes]) -> None:
    entries = (await store.list("/")).entries
    assert {entry.key: entry.value for entry in entries} == written


async def main(mount: Path) -> None:
    ballast = mount / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    store = await open_store(mount / "store")
    written = await _fill(store)
    revision = store.revision
    await _check(store, written)
    for number in range(20):
        try:
            await store.txn([], [Put(Key(f"/more/{number}"), bytes(200_000))])
        except errors.ServiceUnavailable:
            continue
        raise AssertionError("there was room still")
    assert store.revision == revision
    ballast.unlink()
    assert await store.txn([], [Put(Key("/k/0"), b"room")]) == revision + 1
    written["/k/0"] = b"room"
    written |= await _fill(store)
    await store.close()
    store = await open_store(mount / "store")
    await _check(store, written)
    ballast.unlink(missing_ok=True)
    print("recovered", len(written), store.revision)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
