"""Opening a directory: who may, what is refused, what is left on the disk."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from master.store import schema
from master.store.contract import Key, Put, Revision
from master.store.schema import StoreUnusable
from master.store.sqlite import open_store


async def test_directory_has_one_master(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    with pytest.raises(StoreUnusable, match="in use"):
        await open_store(tmp_path)
    await store.txn([], [Put(Key("/a"), b"")])
    await store.close()
    store = await open_store(tmp_path)
    await store.close()


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that has the directory's lock."""
    hold = (
        "import fcntl, os, sys; descriptor = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR);"
        "fcntl.flock(descriptor, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", hold, str(tmp_path / "store.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield holder
        holder.kill()


async def test_lock_of_a_killed_process_is_free(
    tmp_path: Path, holder: subprocess.Popen[bytes]
) -> None:
    with pytest.raises(StoreUnusable, match=str(tmp_path)):
        await open_store(tmp_path)
    holder.kill()
    holder.wait()
    store = await open_store(tmp_path)
    await store.close()


async def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "store")
    await store.txn([], [Put(Key("/secrets/a"), b"")])
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700
    files = list((tmp_path / "store").iterdir())
    assert len(files) >= 3
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    await store.close()


async def test_closed_store_is_one_file(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    await store.txn([], [Put(Key("/a"), b"1")])
    await store.txn([], [Put(Key("/a"), b"2")])
    assert await store.get(Key("/a"), Revision(1)) is not None  # a reader has the file open too
    await store.close()
    assert set(os.listdir(tmp_path)) == {"store.db", "store.lock"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"garbage " * 1_000, "not a database"),
        (b"SQLite format 3\0" + bytes(84), "not a database|malformed"),
    ],
    ids=["garbage", "empty header"],
)
async def test_damaged_file_is_refused_and_unlocked(
    tmp_path: Path, content: bytes, why: str
) -> None:
    (tmp_path / schema.DATABASE).write_bytes(content)
    with pytest.raises(StoreUnusable, match=f"({why}); the file is damaged: keep it"):
        await open_store(tmp_path)
    assert (tmp_path / schema.DATABASE).read_bytes() == content
    descriptor = os.open(tmp_path / "store.lock", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)


async def test_torn_database_is_refused(tmp_path: Path) -> None:
    store = await open_store(tmp_path)
    for number in range(300):
        await store.txn([], [Put(Key(f"/{number}"), bytes(1_000))])
    await store.close()
    path = tmp_path / schema.DATABASE
    content = bytearray(path.read_bytes())
    content[8_192:-8_192] = bytes(len(content) - 16_384)
    path.write_bytes(content)
    with pytest.raises(StoreUnusable):
        await open_store(tmp_path)


@pytest.mark.parametrize(
    ("pragma", "why"),
    [("application_id = 7", "no Pilothouse store"), ("user_version = 99", "schema version 99")],
    ids=["foreign", "newer"],
)
async def test_other_database_is_refused(tmp_path: Path, pragma: str, why: str) -> None:
    store = await open_store(tmp_path)
    await store.close()
    connection = sqlite3.connect(tmp_path / schema.DATABASE)
    connection.execute(f"PRAGMA {pragma}")
    connection.close()
    with pytest.raises(StoreUnusable, match=why):
        await open_store(tmp_path)


@pytest.mark.parametrize("begun", ["nothing", "header"])
async def test_creation_that_was_interrupted_is_done_again(tmp_path: Path, begun: str) -> None:
    connection = sqlite3.connect(tmp_path / schema.DATABASE)
    if begun == "header":
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    (tmp_path / schema.DATABASE).touch()
    store = await open_store(tmp_path)
    assert await store.txn([], [Put(Key("/a"), b"")]) == 1
    await store.close()
