"""The writer's thread by itself: what it merges, what it drops after a failure."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from master.store import rows, schema
from master.store.contract import Change, Commit, Entry, Key, Revision
from master.store.sequencing import Sequenced
from master.store.writing import Group, LogDiverged, Reports, Writer


@dataclass
class Heard:
    """What the writer reported, in order."""

    durable: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    causes: list[Exception] = field(default_factory=list)

    def on_durable(self, groups: Sequence[Group]) -> None:
        self.durable += [s.commit.revision for group in groups for s in group.commits]

    def on_failed(self, epoch: int, cause: Exception) -> None:
        self.failed.append(epoch)
        self.causes.append(cause)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def writer(tmp_path: Path, heard: Heard) -> AsyncIterator[Writer]:
    connection, _ = schema.open_database(tmp_path)
    writer = Writer(connection, Reports(heard.on_durable, heard.on_failed))
    writer.start()
    yield writer
    await writer.close()  # once more, for those tests that did it themselves


def _group(epoch: int, revision: int, *, fails: bool = False) -> Group:
    number = Revision(revision)
    # A version that is no number is refused by the database, as a full disk refuses it.
    version: int = None if fails else 1  # type: ignore[assignment]
    entry = Entry(Key(f"/{revision}"), b"x", number, number, version)
    commit = Commit(number, (Change(entry.key, entry, None),))
    return Group(epoch, [Sequenced(commit, frozenset())])


async def _ids(writer: Writer) -> list[int]:
    found = await writer.run(lambda c: c.execute("SELECT id FROM log ORDER BY id").fetchall())
    return [schema.revision_of(row[0]) for row in found]


async def test_groups_that_wait_become_durable_in_order(writer: Writer, heard: Heard) -> None:
    for revision in range(1, 40):
        writer.submit(_group(0, revision))
    assert await _ids(writer) == heard.durable == list(range(1, 40))


async def test_groups_of_a_failed_epoch_are_dropped(writer: Writer, heard: Heard) -> None:
    writer.submit(_group(0, 1))
    await _ids(writer)
    writer.submit(_group(0, 2, fails=True))
    separate = asyncio.ensure_future(_ids(writer))  # keeps the two from being merged
    await asyncio.sleep(0)
    writer.submit(_group(0, 3))
    assert await separate == [1]
    assert await _ids(writer) == heard.durable == [1]
    assert heard.failed == [0]
    writer.submit(_group(1, 2))
    assert await _ids(writer) == heard.durable == [1, 2]


async def test_merged_groups_fail_together_and_whole(writer: Writer, heard: Heard) -> None:
    blocked = asyncio.ensure_future(_ids(writer))
    await asyncio.sleep(0)
    for revision in (1, 2, 3):
        writer.submit(_group(0, revision, fails=revision == 3))
    await blocked
    newest = await _ids(writer)
    assert newest == heard.durable
    assert 3 not in newest
    assert heard.failed == [0]


@pytest.mark.parametrize("next_is_group", [True, False], ids=["group next", "job next"])
async def test_job_that_fails_is_undone_and_told(
    writer: Writer, heard: Heard, tmp_path: Path, next_is_group: bool
) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")
        connection.execute("UPDATE meta SET value = 7")
        connection.execute("SELECT nonsense")

    with pytest.raises(sqlite3.OperationalError, match="nonsense"):
        await writer.run(fail)
    if not next_is_group:
        assert await writer.run(schema.compacted) == 0
    writer.submit(_group(0, 1))
    await writer.close()
    assert heard.durable == [1]
    connection, view = schema.open_database(tmp_path)
    assert (view.revision, schema.compacted(connection)) == (1, 0)
    connection.close()


async def test_nothing_is_built_on_a_log_that_ends_elsewhere(writer: Writer, heard: Heard) -> None:
    foreign = rows.pack(_group(0, 1).commits)
    await writer.run(lambda connection: rows.insert(connection, foreign))
    writer.submit(_group(0, 5, fails=True))
    await _ids(writer)
    writer.submit(_group(1, 5))
    assert await _ids(writer) == [1]
    assert heard.durable == []
    assert isinstance(heard.causes[-1], LogDiverged)


def test_commits_are_synced_to_the_disk(tmp_path: Path) -> None:
    connection, _ = schema.open_database(tmp_path)
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    connection.close()
