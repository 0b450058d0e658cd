"""A full or failing disk: ServiceUnavailable, nothing half applied, and it recovers by itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from master.store import schema
from master.store.contract import Commit, Compare, Key, Put, Revision
from master.store.sqlite import SqliteStore, open_store
from pilothouse.objects import errors
from tests.master.disks import no_file_longer_than

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = await open_store(tmp_path)
    yield store
    await store.close()


async def _put(store: SqliteStore, name: str, value: bytes = b"x") -> Revision:
    return await store.txn([], [Put(Key(name), value)])


async def _state(store: SqliteStore) -> dict[str, bytes]:
    return {entry.key: entry.value for entry in (await store.list("/")).entries}


async def test_failed_write_commits_nothing_and_the_next_one_works(
    store: SqliteStore, tmp_path: Path
) -> None:
    await _put(store, "/before")
    observed: list[Commit] = []
    store.observe("/", observed.extend)
    with no_file_longer_than(20_000):
        outcomes = await asyncio.gather(
            *(_put(store, f"/{number}", bytes(9_000)) for number in range(10)),
            return_exceptions=True,
        )
        assert all(isinstance(outcome, errors.ServiceUnavailable) for outcome in outcomes)
        assert (store.revision, observed, len(await _state(store))) == (1, [], 1)
        with pytest.raises(errors.ServiceUnavailable):
            await store.compact(Revision(1))
    assert await _put(store, "/after") == 2
    assert [commit.revision for commit in observed] == [2]
    await store.close()
    store = await open_store(tmp_path)
    assert await _state(store) == {"/before": b"x", "/after": b"x"}
    await store.close()


async def test_what_was_built_on_a_lost_commit_is_lost_with_it(store: SqliteStore) -> None:
    await _put(store, "/a")

    async def behind_it() -> Revision:
        # Sequenced while the first is being written: it holds only if that becomes durable.
        return await store.txn([Compare(Key("/a"), Revision(2))], [Put(Key("/b"), b"")])

    with no_file_longer_than(20_000):
        first = asyncio.ensure_future(_put(store, "/a", bytes(50_000)))
        await asyncio.sleep(0)  # sequenced
        await asyncio.sleep(0)  # submitted
        second = asyncio.ensure_future(behind_it())
        outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [errors.ServiceUnavailable] * 2
    assert await store.get(Key("/b")) is None
    assert await _put(store, "/a", b"2") == 2
    assert await behind_it() == 3


async def test_lost_creation_may_be_tried_again(store: SqliteStore) -> None:
    absent = Compare(Key("/a"), Revision(0))
    with no_file_longer_than(20_000), pytest.raises(errors.ServiceUnavailable):
        await store.txn([absent], [Put(Key("/a"), bytes(50_000))])
    assert await store.txn([absent], [Put(Key("/a"), b"")]) == 1


async def test_transient_write_that_fails_drops_nothing(store: SqliteStore) -> None:
    await store.txn([], [Put(Key("/lease"), b"1", transient=True)])
    with no_file_longer_than(20_000), pytest.raises(errors.ServiceUnavailable):
        await store.txn([], [Put(Key("/lease"), bytes(50_000), transient=True)])
    await store.compact(Revision(0))
    await _put(store, "/other")
    past = await store.get(Key("/lease"), Revision(1))
    assert past is not None
    assert past.value == b"1"
    assert past == await store.get(Key("/lease"))


async def test_log_changed_by_another_hand_is_not_built_on(
    store: SqliteStore, tmp_path: Path
) -> None:
    await _put(store, "/a")
    with no_file_longer_than(20_000), pytest.raises(errors.ServiceUnavailable):
        await _put(store, "/a", bytes(50_000))
    other = sqlite3.connect(tmp_path / schema.DATABASE)
    other.execute("INSERT INTO log VALUES (?, '/b', 2, 2, 1, x'00')", (schema.first_id(2),))
    other.commit()
    other.close()
    for _ in range(2):
        with pytest.raises(errors.ServiceUnavailable, match="the log ends at 2"):
            await _put(store, "/a", b"2")
    assert store.revision == 1


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a tmpfs")
def test_full_file_system_is_survived(tmp_path: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("no unshare")
    script = (
        'mount -t tmpfs -o size=3m tmpfs "$1" && exec "$2" -m tests.master.store.full_disk "$1"'
    )
    command = ["unshare", "--mount", "sh", "-ec", script, "sh", str(tmp_path), sys.executable]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "recovered"
