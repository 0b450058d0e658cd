"""Joining and renewing against a real TLS server with a CA of its own."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from aiohttp import web

from agent import identity
from agent.identity import Membership, NotJoined
from agent.join import JoinError, join
from agent.outlook import Outlook
from agent.renewal import RenewError, of_node, renew_what_is_due, renewal_due
from agent.renewing import LookFailed, Renewing
from master.identity.ca import Authority
from master.identity.user import User
from pilothouse.process import tls
from pilothouse.process.clock import VirtualClock
from pilothouse.process.tls import KeyPair
from protos.dispatch_pb2 import EnrollRequest, EnrollResponse, RenewRequest, RenewResponse
from protos.dispatch_pb2_grpc import (
    DispatchServicer,
    EnrollmentServicer,
    add_DispatchServicer_to_server,
    add_EnrollmentServicer_to_server,
)

TOKEN = "abc.def"


@dataclass
class Cluster(EnrollmentServicer, DispatchServicer):
    """Signs what it is asked to, as a master would."""

    authority: Authority
    lifetime: timedelta = timedelta(days=30)
    renewals: int = 0
    refuse_renewals: int = 0

    async def Enroll(self, request: EnrollRequest, context: Any) -> EnrollResponse:  # noqa: N802
        if request.token != TOKEN:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "the token is not valid")
        name = request.node_name
        return EnrollResponse(
            certificate=self._sign(request.csr, f"system:node:{name}", "system:nodes"),
            netproxy_certificate=self._sign(
                request.netproxy_csr, f"system:netproxy:{name}", "system:netproxies"
            ),
            ca=self.authority.pem,
        )

    async def Renew(self, request: RenewRequest, context: Any) -> RenewResponse:  # noqa: N802
        self.renewals += 1
        if self.renewals <= self.refuse_renewals:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        user = context.auth_context()["x509_common_name"][0].decode()
        return RenewResponse(
            certificate=self._sign(request.csr, user, _group(user)), ca=self.authority.pem
        )

    def _sign(self, csr: bytes, user: str, group: str) -> bytes:
        return self.authority.sign(csr, User(user, (group,)), self.lifetime, datetime.now(UTC))


def _group(user: str) -> str:
    return "system:netproxies" if ":netproxy:" in user else "system:nodes"


@asynccontextmanager
async def a_cluster(cluster: Cluster) -> AsyncIterator[str]:
    """HOST:PORT of its cluster-info page."""
    server_credential = cluster.authority.issue_server(
        ["127.0.0.1"], timedelta(days=1), datetime.now(UTC)
    )
    pair = KeyPair(cluster.authority.pem, server_credential.certificate, server_credential.key)
    server = grpc.aio.server()
    add_EnrollmentServicer_to_server(cluster, server)
    add_DispatchServicer_to_server(cluster, server)
    join_port = server.add_secure_port(
        "127.0.0.1:0", tls.server_credentials(pair, require_client=False)
    )
    grpc_port = server.add_secure_port(
        "127.0.0.1:0", tls.server_credentials(pair, require_client=True)
    )
    await server.start()
    told = {"ca": cluster.authority.pem.decode(), "grpc_port": grpc_port, "join_port": join_port}

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=json.dumps(told), content_type="application/json")

    application = web.Application()
    application.router.add_get("/cluster-info", page)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
        await server.stop(None)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(Authority.create("test", datetime.now(UTC)))


def nothing_in(directory: Path) -> bool:
    return not list(directory.iterdir())


async def joined(cluster: Cluster, address: str, directory: Path) -> Membership:
    return await join(
        address,
        TOKEN,
        cluster.authority.pin,
        "n1",
        directory / "agent" / "identity",
        directory / "netproxy",
    )


async def test_a_machine_joins_and_keeps_keys_to_itself(cluster: Cluster, tmp_path: Path) -> None:
    async with a_cluster(cluster) as address:
        membership = await joined(cluster, address, tmp_path)
    assert membership.node_name == "n1"
    assert identity.read_membership(tmp_path / "agent" / "identity") == membership
    for directory, name in (
        (tmp_path / "agent" / "identity", "agent"),
        (tmp_path / "netproxy", "netproxy"),
    ):
        pair = identity.read_pair(directory, name)
        assert b"BEGIN CERTIFICATE" in pair.certificate
        assert pair.ca == cluster.authority.pem
        for file in directory.iterdir():
            assert file.stat().st_mode & 0o777 == 0o600


async def test_another_ca_is_not_believed(cluster: Cluster, tmp_path: Path) -> None:
    async with a_cluster(cluster) as address:
        with pytest.raises(JoinError, match="has the hash sha256:"):
            await join(address, TOKEN, "sha256:" + "0" * 64, "n1", tmp_path / "i", tmp_path / "p")
    assert nothing_in(tmp_path)


async def test_a_refused_token_leaves_nothing_behind(cluster: Cluster, tmp_path: Path) -> None:
    async with a_cluster(cluster) as address:
        with pytest.raises(JoinError, match="the token is not valid"):
            await join(
                address, "bad.token", cluster.authority.pin, "n1", tmp_path / "i", tmp_path / "p"
            )
    assert nothing_in(tmp_path)


async def test_a_master_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(JoinError, match="cannot reach the master at 127.0.0.1:1"):
        await join("127.0.0.1:1", TOKEN, "sha256:0", "n1", tmp_path / "i", tmp_path / "p")


async def test_joining_again_replaces_the_identity(cluster: Cluster, tmp_path: Path) -> None:
    async with a_cluster(cluster) as address:
        await joined(cluster, address, tmp_path)
        before = identity.read_pair(tmp_path / "agent" / "identity", "agent")
        await joined(cluster, address, tmp_path)
    after = identity.read_pair(tmp_path / "agent" / "identity", "agent")
    assert before.key != after.key
    assert [p.name for p in (tmp_path / "agent").iterdir()] == ["identity"]


async def test_certificates_are_renewed_when_due_and_keep_their_keys(
    cluster: Cluster, tmp_path: Path
) -> None:
    directory = tmp_path / "agent" / "identity"
    async with a_cluster(cluster) as address:
        membership = await joined(cluster, address, tmp_path)
        held = of_node(directory, tmp_path / "netproxy", "n1")
        before = identity.read_pair(directory, "agent")
        now = datetime.now(UTC).timestamp()
        due = renewal_due(before.certificate)
        assert 19 * 86400 < due - now < 21 * 86400
        outlook = await renew_what_is_due(held, membership.master, now)
        assert cluster.renewals == 0
        assert outlook.due == pytest.approx(due, abs=5)
        cluster.refuse_renewals = 1
        with pytest.raises(RenewError, match="not now"):
            await renew_what_is_due(held, membership.master, due)
        assert identity.read_pair(directory, "agent") == before
        await renew_what_is_due(held, membership.master, due)
        assert cluster.renewals == 3  # one refused, then the agent's and the netproxy's
    after = identity.read_pair(directory, "agent")
    assert after.key == before.key
    assert after.certificate != before.certificate


async def test_the_next_look_is_when_a_certificate_is_due() -> None:
    clock = VirtualClock()
    looks: list[float] = []

    async def look() -> Outlook:
        looks.append(clock.monotonic())
        if len(looks) == 2:
            raise LookFailed("the master is away")
        return Outlook(clock.now() + 3 * 3600, clock.now() + 9 * 3600)

    renewing = Renewing(look, clock, random.Random(1))
    task = asyncio.create_task(renewing.run())
    await clock.advance(0)
    assert renewing.end == clock.now() + 9 * 3600
    await clock.advance(2.9 * 3600)
    assert len(looks) == 1
    await clock.advance(1.2 * 3600)
    assert len(looks) == 3
    assert 20 < looks[2] - looks[1] < 31
    task.cancel()


def test_an_identity_that_is_missing_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotJoined, match="run `pilot-agent join` first"):
        identity.read_pair(tmp_path, "agent")
