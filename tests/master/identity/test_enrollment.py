"""Joining and renewing against a whole master: real sockets, real handshakes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from master.identity.ca import Authority, pin_of, utc_now
from master.identity.tokens import PREFIX
from master.identity.user import User, netproxy_user, node_user
from pilothouse.objects.errors import ApiError, BadRequest, Conflict, Forbidden, NotFound
from pilothouse.objects.status import from_rpc
from pilothouse.process.tls import KeyPair, anonymous_channel, channel
from protos.dispatch_pb2 import EnrollRequest, EnrollResponse, RenewRequest
from protos.dispatch_pb2_grpc import DispatchStub, EnrollmentStub
from tests.master.identity.certificates import request_for
from tests.master.running import Running, running_master


@pytest.fixture
async def master(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_master(tmp_path) as running:
        yield running


def proven_by(certificate: bytes) -> User:
    """Whom a client certificate proves."""
    subject = x509.load_pem_x509_certificate(certificate).subject
    [name] = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    groups = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return User(str(name.value), tuple(str(group.value) for group in groups))


async def enroll(master: Running, token: str, name: str = "n1", **fields: Any) -> EnrollResponse:
    """What the join port answers; the API's error otherwise."""
    request = {"csr": request_for(node_user(name))[0], **fields}
    target = f"127.0.0.1:{master.ports.join}"
    async with anonymous_channel(target, master.authority.pem) as join:
        try:
            answer: EnrollResponse = await EnrollmentStub(join).Enroll(
                EnrollRequest(token=token, node_name=name, **request)
            )
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from error
        return answer


async def token_of(master: Running, ttl_seconds: int = 0) -> str:
    client = await master.client()
    return (await client.create_token(ttl_seconds=ttl_seconds)).token


async def test_machine_joins_with_what_the_command_says(master: Running) -> None:
    made = await (await master.client()).create_token(description="rack 1")
    assert made.join_command == (
        f"pilot-agent join --master 127.0.0.1:{master.config.http_port} "
        f"--token {made.token} --ca-hash {made.ca_hash}"
    )
    page = f"http://127.0.0.1:{master.ports.http}/cluster-info"
    async with aiohttp.ClientSession() as session, session.get(page) as response:
        info = await response.json()
    assert pin_of(info["ca"].encode()) == made.ca_hash
    assert (info["grpc_port"], info["join_port"]) == (master.ports.grpc, master.ports.join)

    request, key = request_for(node_user("n1"))
    proxy_request, _ = request_for(netproxy_user("n1"))
    answer = await enroll(master, made.token, csr=request, netproxy_csr=proxy_request)
    assert answer.ca == master.authority.pem
    assert proven_by(answer.netproxy_certificate) == netproxy_user("n1")
    pair = KeyPair(answer.ca, answer.certificate, key)
    async with channel(f"127.0.0.1:{master.ports.grpc}", pair) as main:
        renewed = await DispatchStub(main).Renew(RenewRequest(csr=request))
    assert proven_by(renewed.certificate) == node_user("n1")


async def test_tokens_are_listed_without_secrets_and_revoked(master: Running) -> None:
    client = await master.client()
    made = await client.create_token(ttl_seconds=60, description="rack 1")
    [listed] = await client.list_tokens()
    assert (listed.id, listed.description) == (made.id, "rack 1")
    assert not listed.token
    assert not listed.join_command
    assert listed.expires_at == made.expires_at
    await enroll(master, made.token)
    await client.revoke_token(made.id)
    assert await client.list_tokens() == ()
    with pytest.raises(Forbidden):
        await enroll(master, made.token)
    with pytest.raises(NotFound):
        await client.revoke_token(made.id)


def contents_of(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in directory.rglob("*") if path.is_file()]


async def test_secret_is_not_in_the_store(tmp_path: Path) -> None:
    async with running_master(tmp_path) as master:
        token = await token_of(master)
    secret = token.split(".")[1].encode()
    contents = contents_of(tmp_path)
    assert any(PREFIX.encode() in content for content in contents)
    assert not any(secret in content for content in contents)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda token: "", id="none"),
        pytest.param(lambda token: "nonsense", id="nonsense"),
        pytest.param(lambda token: token[:-1] + ("a" if token[-1] != "a" else "b"), id="secret"),
        pytest.param(lambda token: "abcdefghij." + token.split(".")[1], id="id"),
        pytest.param(lambda token: "../../nodes." + token.split(".")[1], id="path"),
    ],
)
async def test_bad_token_is_refused_without_a_reason(master: Running, spoil: Any) -> None:
    token = await token_of(master)
    with pytest.raises(Forbidden) as caught:
        await enroll(master, spoil(token))
    assert caught.value.message == "the token is not valid"


async def test_token_signs_for_the_named_node_only(master: Running) -> None:
    token = await token_of(master)
    for other in (node_user("n2"), User("admin", ("system:masters",)), netproxy_user("n1")):
        with pytest.raises(Forbidden, match="subject"):
            await enroll(master, token, csr=request_for(other)[0])
    with pytest.raises(Forbidden, match="subject"):
        await enroll(master, token, netproxy_csr=request_for(netproxy_user("n2"))[0])
    for name in ("", "UPPER", "a/b", "x" * 49, "n1\n"):
        with pytest.raises(BadRequest, match="node_name"):
            await enroll(master, token, name, csr=request_for(node_user("n1"))[0])


async def test_connected_node_cannot_be_taken_over(master: Running) -> None:
    token = await token_of(master)
    await master.agent("n1")
    with pytest.raises(Conflict, match="is connected"):
        await enroll(master, token)
    await enroll(master, token, "n2")


async def test_join_port_has_a_rate_limit(master: Running) -> None:
    refused = 0
    for _ in range(15):
        with pytest.raises(ApiError) as caught:
            await enroll(master, "bad")
        refused += caught.value.reason == "TooManyRequests"
    assert refused >= 4


async def test_join_port_serves_nothing_else_without_a_token(master: Running) -> None:
    target = f"127.0.0.1:{master.ports.join}"
    async with anonymous_channel(target, master.authority.pem) as join:
        call = DispatchStub(join).Renew(RenewRequest(csr=request_for(node_user("n1"))[0]))
        assert await call.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_main_port_wants_a_certificate_of_this_ca(master: Running, tmp_path: Path) -> None:
    target = f"127.0.0.1:{master.ports.grpc}"
    request = RenewRequest(csr=request_for(node_user("n1"))[0])
    stranger = Authority.create("other", utc_now()).issue_client(
        node_user("n1"), timedelta(hours=1), utc_now()
    )
    pair = KeyPair(master.authority.pem, stranger.certificate, stranger.key)
    for dialled in (anonymous_channel(target, master.authority.pem), channel(target, pair)):
        async with dialled as main:
            call = DispatchStub(main).Renew(request, timeout=2)
            assert await call.code() == grpc.StatusCode.UNAVAILABLE


async def test_server_certificate_does_not_prove_a_user(master: Running) -> None:
    server = master.authority.issue_server(["localhost"], timedelta(hours=1), utc_now())
    pair = KeyPair(master.authority.pem, server.certificate, server.key)
    async with channel(f"127.0.0.1:{master.ports.grpc}", pair) as main:
        call = DispatchStub(main).Renew(RenewRequest(), timeout=2)
        assert await call.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.PERMISSION_DENIED)


@pytest.mark.parametrize(
    ("caller", "asked"),
    [
        pytest.param(node_user("n1"), node_user("n2"), id="another node"),
        pytest.param(node_user("n1"), netproxy_user("n1"), id="its netproxy"),
        pytest.param(netproxy_user("n1"), node_user("n1"), id="the node of a netproxy"),
        pytest.param(node_user("n1"), User("admin", ("system:masters",)), id="administrator"),
        pytest.param(User("anna"), User("anna"), id="a person"),
    ],
)
async def test_renewal_is_for_ones_own_name_only(
    master: Running, caller: User, asked: User
) -> None:
    dispatch = DispatchStub(await master.channel(caller))
    call = dispatch.Renew(RenewRequest(csr=request_for(asked)[0]))
    assert await call.code() == grpc.StatusCode.PERMISSION_DENIED


async def test_lifetime_of_certificates_is_configured(tmp_path: Path) -> None:
    async with running_master(tmp_path, node_certificate_hours=0.01) as master:
        answer = await enroll(master, await token_of(master))
    certificate = x509.load_pem_x509_certificate(answer.certificate)
    left = certificate.not_valid_after_utc - utc_now()
    assert timedelta(seconds=20) < left <= timedelta(seconds=36)


async def test_tokens_are_for_administrators(master: Running) -> None:
    for user in (User("anna"), node_user("n1"), netproxy_user("n1")):
        client = await master.client(user)
        with pytest.raises(Forbidden):
            await client.create_token()
        with pytest.raises(Forbidden):
            await client.list_tokens()
        with pytest.raises(Forbidden):
            await client.revoke_token("abcdefghij")


@pytest.mark.parametrize(("ttl", "description"), [(-1, ""), (31 * 24 * 3600, ""), (0, "x" * 257)])
async def test_token_out_of_range_is_refused(master: Running, ttl: int, description: str) -> None:
    with pytest.raises(BadRequest, match="ttl_seconds|description"):
        await (await master.client()).create_token(ttl_seconds=ttl, description=description)
