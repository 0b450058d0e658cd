"""What the store's contract tests do to a store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from master.store.contract import (
    Commit,
    Delete,
    Key,
    Put,
    Revision,
    Store,
)

Opening = Callable[[], Awaitable[Store]]
DEADLINE = 10.0


def key(name: str) -> Key:
    return Key(name)


async def put(store: Store, name: str, value: bytes = b"", *, transient: bool = False) -> Revision:
    return await store.txn([], [Put(key(name), value, transient)])


async def remove(store: Store, name: str) -> Revision:
    return await store.txn([], [Delete(key(name))])


async def names(store: Store, prefix: str, revision: Revision | None = None) -> list[str]:
    return [entry.key for entry in (await store.list(prefix, revision=revision)).entries]


async def follow(
    store: Store, prefix: str, after: int, until: int, into: list[Commit] | None = None
) -> list[Commit]:
    """The watch's commits up to the revision `until`."""
    seen = [] if into is None else into
    async with aclosing(store.watch(prefix, Revision(after))) as batches, asyncio.timeout(DEADLINE):
        async for batch in batches:
            assert batch
            seen.extend(batch)
            if seen[-1].revision >= until:
                return seen
    raise AssertionError("the watch ended by itself")


async def write_randomly(store: Store, count: int) -> None:
    rng = random.Random(5)
    for _ in range(count):
        name = f"/k/{rng.randrange(20)}"
        if rng.random() < 0.4:
            await remove(store, name)
        await put(store, name, rng.randbytes(8))
