from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from master.identity.tokens import DEFAULT_TTL, Tokens
from master.store.sqlite import SqliteStore, open_store
from pilothouse.objects.errors import Unauthorized
from pilothouse.process.clock import VirtualClock


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_store(tmp_path)
    yield opened
    await opened.close()


async def test_token_is_good_until_its_end(store: SqliteStore) -> None:
    clock = VirtualClock()
    tokens = Tokens(store, clock)
    record, token = await tokens.create(60, "rack")
    await clock.advance(59)
    assert await tokens.check(token) == record
    await clock.advance(1)
    with pytest.raises(Unauthorized, match="expired"):
        await tokens.check(token)
    assert await tokens.list() == []
    with pytest.raises(Unauthorized, match="never made"):
        await tokens.check(token)


async def test_default_is_a_day(store: SqliteStore) -> None:
    clock = VirtualClock()
    record, _ = await Tokens(store, clock).create(0, "")
    assert record.expires_at == clock.now() + DEFAULT_TTL


async def test_tokens_survive_a_restart(tmp_path: Path) -> None:
    clock = VirtualClock()
    store = await open_store(tmp_path)
    record, token = await Tokens(store, clock).create(60, "")
    await store.close()
    again = await open_store(tmp_path)
    try:
        assert await Tokens(again, clock).check(token) == record
    finally:
        await again.close()
