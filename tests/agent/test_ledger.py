"""What is kept on disk is there after the process."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agent.ledger import DiskLedger


async def written(path: Path, *puts: tuple[str, bytes | None]) -> None:
    """A process that puts, and is stopped."""
    ledger = DiskLedger(path)
    task = asyncio.create_task(ledger.run())
    await asyncio.sleep(0)
    for key, value in puts:
        ledger.put(key, value)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def read(path: Path) -> dict[str, bytes]:
    ledger = DiskLedger(path)
    found = dict(await ledger.load())
    task = asyncio.create_task(ledger.run())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return found


async def test_the_newest_values_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "assignments.db"
    await written(path, ("a", b"1"), ("b", b"2"), ("a", b"3"))
    await written(path, ("b", None), ("c", b"\x00\xff"))
    assert await read(path) == {"a": b"3", "c": b"\x00\xff"}


async def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "assignments.db"
    await written(path, ("secrets/default/login", b"s3cret"))

    def modes() -> set[int]:
        return {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}

    assert modes() == {0o600}


async def test_a_put_reaches_the_disk_while_the_process_lives(tmp_path: Path) -> None:
    path = tmp_path / "assignments.db"
    ledger = DiskLedger(path)
    task = asyncio.create_task(ledger.run())
    ledger.put("a", b"1")
    found: dict[str, bytes] = {}
    for _ in range(1000):
        found = await read(path) if await asyncio.to_thread(path.exists) else {}
        if found:
            break
    assert found == {"a": b"1"}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
