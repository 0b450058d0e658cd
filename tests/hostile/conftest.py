"""One master for all hostile tests: it must outlive every one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import grpc.aio
import pytest

from master.identity.files import ADMINISTRATOR
from master.identity.user import node_user
from pilothouse.client.aio import Client
from pilothouse.process.tls import channel
from tests.hostile.victim import Victim, victim


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    users = (ADMINISTRATOR, node_user("n1"))
    with victim(tmp_path_factory.mktemp("victim"), users) as running:
        yield running


@pytest.fixture
async def connection(master: Victim) -> AsyncIterator[grpc.aio.Channel]:
    """The administrator's."""
    async with channel(master.target, master.users[ADMINISTRATOR.name]) as opened:
        yield opened


@pytest.fixture
async def client(connection: grpc.aio.Channel) -> Client:
    return Client(connection)
