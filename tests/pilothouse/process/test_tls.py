"""Who may speak to whom: real handshakes on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from master.identity.ca import Authority, utc_now
from master.identity.user import User
from pilothouse.process.tls import KeyPair, anonymous_channel, channel, server_credentials

ALICE = User("alice", ("people",))
HOUR = timedelta(hours=1)


async def _who(request: bytes, context: grpc.aio.ServicerContext) -> bytes:  # type: ignore[type-arg]  # generic in the stubs only
    names = context.auth_context().get("x509_common_name", [b"nobody"])
    return next(iter(names))


@asynccontextmanager
async def server(authority: Authority, *, require_client: bool) -> AsyncIterator[str]:
    credential = authority.issue_server(["127.0.0.1"], HOUR, utc_now())
    pair = KeyPair(authority.pem, credential.certificate, credential.key)
    serving = grpc.aio.server()
    handlers = {"Who": grpc.unary_unary_rpc_method_handler(_who)}
    serving.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test", handlers),))
    credentials = server_credentials(pair, require_client=require_client)
    port = serving.add_secure_port("127.0.0.1:0", credentials)
    await serving.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await serving.stop(None)


async def ask(caller: grpc.aio.Channel) -> bytes:
    async with caller:
        call: Any = caller.unary_unary("/test/Who", bytes, bytes)
        answer: bytes = await call(b"", timeout=10)
        return answer


def pair_of(authority: Authority) -> KeyPair:
    credential = authority.issue_client(ALICE, HOUR, utc_now())
    return KeyPair(authority.pem, credential.certificate, credential.key)


@pytest.fixture
def authority() -> Authority:
    return Authority.create("test", utc_now())


@pytest.fixture
def stranger() -> Authority:
    return Authority.create("other", utc_now())


async def test_both_sides_know_each_other(authority: Authority) -> None:
    async with server(authority, require_client=True) as target:
        assert await ask(channel(target, pair_of(authority))) == b"alice"


async def test_a_certificate_of_another_ca_is_refused(
    authority: Authority, stranger: Authority
) -> None:
    theirs = pair_of(stranger)
    async with server(authority, require_client=True) as target:
        forged = KeyPair(authority.pem, theirs.certificate, theirs.key)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(channel(target, forged))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_caller_without_a_certificate_is_refused_where_one_is_required(
    authority: Authority,
) -> None:
    async with server(authority, require_client=True) as target:
        with pytest.raises(grpc.aio.AioRpcError):
            await ask(anonymous_channel(target, authority.pem))
    async with server(authority, require_client=False) as target:
        assert await ask(anonymous_channel(target, authority.pem)) == b"nobody"


async def test_a_server_of_another_ca_is_not_spoken_to(
    authority: Authority, stranger: Authority
) -> None:
    async with server(stranger, require_client=False) as target:
        for caller in (
            channel(target, pair_of(authority)),
            anonymous_channel(target, authority.pem),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ask(caller)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca").write_bytes(b"ca")
    with pytest.raises(FileNotFoundError) as caught:
        KeyPair.read(tmp_path / "ca", tmp_path / "certificate", tmp_path / "key")
    assert caught.value.filename == str(tmp_path / "certificate")
