"""One master with one agent and one pod a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.master.http.streams.face import Face
from tests.master.running import Agent, pod_of, running_master


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Face]:
    async with running_master(tmp_path / "master") as master:
        yield Face(master, tmp_path)


@pytest.fixture
async def agent(served: Face) -> Agent:
    agent = await served.master.agent("n1")
    await (await served.master.client()).create(pod_of("web", "n1"))
    return agent


@pytest.fixture
async def session(served: Face, agent: Agent) -> AsyncIterator[aiohttp.ClientSession]:
    async with served.session() as session:
        yield session
