"""What compaction leaves in the file."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

from master.store import schema
from master.store.contract import Delete, Key, Put, Revision
from master.store.sqlite import open_store


def _rows(directory: Path) -> int:
    connection = sqlite3.connect(directory / schema.DATABASE)
    count: int = connection.execute("SELECT count(*) FROM log").fetchone()[0]
    connection.close()
    return count


async def test_only_the_newest_state_is_left(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    rng = random.Random(1)
    for _ in range(700):  # more than a slice
        key = Key(f"/{rng.randrange(30)}")
        lasting = Put(key, b"x", transient=rng.random() < 0.1)
        await store.txn([], [Delete(key) if rng.random() < 0.3 else lasting])
    assert _rows(tmp_path) > 400
    await store.compact(store.revision)
    assert _rows(tmp_path) == len((await store.list("/")).entries)
    await store.close()


async def test_history_above_the_mark_is_left(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    for number in range(100):
        await store.txn([], [Put(Key("/a"), b"%d" % number)])
    await store.compact(Revision(60))
    assert _rows(tmp_path) == 41
    await store.close()


async def test_interrupted_removal_goes_on_at_the_next_compaction(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    for number in range(50):
        await store.txn([], [Put(Key("/a"), b"%d" % number)])
    await store.close()
    connection = sqlite3.connect(tmp_path / schema.DATABASE)
    connection.execute("UPDATE meta SET value = 40 WHERE name = 'compacted'")
    connection.commit()
    connection.close()
    store = await open_store(tmp_path)
    assert store.compacted == 40
    await store.compact(Revision(40))
    assert _rows(tmp_path) == 11
    await store.close()


async def test_transient_writes_do_not_pile_up(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    for _ in range(50):
        puts = [Put(Key(f"/leases/{n}"), b"renewed", transient=True) for n in range(20)]
        await store.txn([], puts)
    assert _rows(tmp_path) == 20
    await store.close()
