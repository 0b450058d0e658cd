"""SIGKILL at random moments under load: nothing acknowledged is lost, no revision comes twice."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

from master.store.contract import Commit, Entry, Key, Revision, Store
from master.store.sqlite import open_store
from tests.master.store.crash_writer import digest

ROUNDS = 22
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Told:
    """One acknowledgement."""

    revision: Revision
    key: Key
    shown: str


def _run_until_killed(directory: Path, mode: str, rng: random.Random) -> list[Told]:
    """Kills the writer after some of its acknowledgements, or anywhere in its start."""
    words = [sys.executable, "-m", "tests.master.store.crash_writer"]
    words += [str(directory), str(rng.randrange(10**6)), mode]
    starting = rng.random() < 0.25
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        killer = threading.Timer(rng.uniform(0.1, 0.5) if starting else 30, process.kill)
        killer.start()
        try:
            lines: list[bytes] = []
            if not starting:
                lines += islice(process.stdout, rng.randint(1, 400))
                process.kill()
            lines += process.stdout
        finally:
            killer.cancel()
            process.kill()
    assert process.returncode == -9, "the writer ended by itself"
    return [_parsed(line) for line in lines]


def _parsed(line: bytes) -> Told:
    revision, key, shown = line.decode().split()
    return Told(Revision(int(revision)), Key(key), shown)


async def _commits(store: Store, after: Revision) -> dict[Revision, Commit]:
    commits: list[Commit] = []
    async with aclosing(store.watch("/", after)) as batches:
        while after < store.revision and (not commits or commits[-1].revision < store.revision):
            commits.extend(await anext(batches))
    return {commit.revision: commit for commit in commits}


def _contents(commit: Commit) -> set[tuple[Key, str]]:
    return {(change.key, _shown(change.entry)) for change in commit.changes}


def _shown(entry: Entry | None) -> str:
    return "deleted" if entry is None else digest(entry.value)


def _applied(state: dict[Key, Entry], commits: Sequence[Commit]) -> dict[Key, Entry]:
    for commit in commits:
        for change in commit.changes:
            state.pop(change.key, None)
            if change.entry is not None:
                state[change.key] = change.entry
    return state


@pytest.mark.parametrize("seed", [1])
async def test_killed_store_keeps_every_acknowledged_commit(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    seen: dict[Revision, Commit] = {}
    acknowledged = 0
    for _ in range(ROUNDS):
        told = _run_until_killed(tmp_path / "store", "plain", rng)
        store = await open_store(tmp_path / "store")
        before = Revision(len(seen))
        new = await _commits(store, before)
        assert list(new) == list(range(before + 1, store.revision + 1)), "a gap, or a repeat"
        for ack in told:
            # Both keys of the transaction with the same value: nothing is half applied.
            both = {(ack.key, ack.shown), (Key(f"{ack.key}/twin"), ack.shown)}
            assert _contents(new[ack.revision]) == both
        seen |= new
        acknowledged += len(told)
        newest = {entry.key: entry for entry in (await store.list("/")).entries}
        assert newest == _applied({}, list(seen.values()))
        await store.close()
    store = await open_store(tmp_path / "store")
    assert await _commits(store, Revision(0)) == seen, "a commit of an earlier round changed"
    await store.close()
    assert acknowledged > 50 * ROUNDS, "too little load to prove anything"


@pytest.mark.parametrize("seed", [2])
async def test_killed_store_forgets_only_what_it_may(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    compactions, newest, compacted = 0, Revision(0), Revision(0)
    for _ in range(ROUNDS):
        told = _run_until_killed(tmp_path / "store", "forgetting", rng)
        store = await open_store(tmp_path / "store")
        assert store.revision >= max([newest, *(ack.revision for ack in told)])
        assert store.compacted >= compacted
        state = await _state_by_replay(store)
        assert state == {entry.key: entry for entry in (await store.list("/")).entries}
        for ack in {ack.key: ack for ack in told}.values():
            if ack.key == "compacted":
                compactions += 1
                assert store.compacted >= ack.revision
            else:
                _check_newest(state.get(ack.key), ack)
        newest, compacted = store.revision, store.compacted
        await store.close()
    assert compactions >= 3, "too little load to prove anything"


async def _state_by_replay(store: Store) -> dict[Key, Entry]:
    """The newest state as a reader of the oldest state and the watch after it finds it."""
    oldest = await store.list("/", revision=store.compacted)
    commits = await _commits(store, store.compacted)
    return _applied({entry.key: entry for entry in oldest.entries}, list(commits.values()))


def _check_newest(entry: Entry | None, ack: Told) -> None:
    """The last acknowledged write of a key stands, or a later one that had no time to be told."""
    if entry is not None and entry.mod_revision <= ack.revision:
        assert (entry.mod_revision, _shown(entry)) == (ack.revision, ack.shown)
    elif ack.key == "/lease":
        assert entry is not None
