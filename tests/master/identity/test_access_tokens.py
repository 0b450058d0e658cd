"""Access tokens over a real store, and against a whole master on its join port."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from master.identity.access_tokens import (
    DEFAULT_TTL,
    MAX_TTL,
    PREFIX,
    AccessTokens,
    Wanted,
)
from master.store.sqlite import SqliteStore, open_store
from pilothouse.client.aio import Client
from pilothouse.objects.errors import ApiError, BadRequest, Forbidden, NotFound, Unauthorized
from pilothouse.objects.status import from_rpc
from pilothouse.process.clock import VirtualClock
from pilothouse.process.tls import anonymous_channel, token_channel
from protos.core_v1_pb2 import ConfigMap, Namespace
from protos.dispatch_pb2 import EnrollRequest
from protos.dispatch_pb2_grpc import DispatchStub, EnrollmentStub
from protos.resources_pb2 import GetRequest, ListTokensRequest, Ref
from protos.resources_pb2_grpc import AdministrationStub, ResourcesStub
from tests.master.running import Running, running_master


def contents_of(directory: Path) -> list[bytes]:
    return [path.read_bytes() for path in directory.rglob("*") if path.is_file()]


ANNA = Wanted("anna", ("dev", "ops"))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_store(tmp_path)
    yield opened
    await opened.close()


async def opened(store: SqliteStore, clock: VirtualClock) -> AccessTokens:
    tokens = AccessTokens(store, clock)
    await tokens.open()
    return tokens


async def test_a_token_proves_its_user_until_its_end(store: SqliteStore) -> None:
    clock = VirtualClock()
    tokens = await opened(store, clock)
    record, token = await tokens.create(Wanted("anna", ("dev",), ttl_seconds=60), "admin")
    proven = tokens.check(token)
    assert (proven.name, proven.groups) == ("anna", ("dev",))
    assert dict(proven.extra) == {
        "authentication.kubernetes.io/credential-id": (f"access-token={record.id}",)
    }
    assert (record.created_by, record.expires_at) == ("admin", int(clock.now()) + 60)
    await clock.advance(60)
    with pytest.raises(Unauthorized):
        tokens.check(token)
    assert await tokens.list() == []
    assert (await store.list(PREFIX)).entries == ()


async def test_revoking_is_known_at_once_also_to_another_reader(store: SqliteStore) -> None:
    clock = VirtualClock()
    tokens, other = await opened(store, clock), await opened(store, clock)
    record, token = await tokens.create(ANNA, "admin")
    assert other.check(token) == tokens.check(token)
    await other.revoke(record.id)
    for reader in (tokens, other):
        with pytest.raises(Unauthorized):
            reader.check(token)
    with pytest.raises(NotFound):
        await tokens.revoke(record.id)


async def test_tokens_survive_a_restart_and_their_secrets_are_not_stored(tmp_path: Path) -> None:
    clock = VirtualClock()
    store = await open_store(tmp_path)
    _, token = await (await opened(store, clock)).create(ANNA, "admin")
    await store.close()
    again = await open_store(tmp_path)
    try:
        fresh = AccessTokens(again, clock)
        with pytest.raises(Unauthorized):
            fresh.check(token)
        await fresh.open()
        assert fresh.check(token).name == "anna"
    finally:
        await again.close()
    secret = token.partition(".")[2].encode()
    assert not any(secret in content for content in contents_of(tmp_path))


async def test_what_happens_while_it_opens_is_not_missed(store: SqliteStore) -> None:
    clock = VirtualClock()
    writer, reader = await opened(store, clock), AccessTokens(store, clock)
    record, gone = await writer.create(ANNA, "admin")
    async with asyncio.TaskGroup() as group:
        group.create_task(reader.open())
        group.create_task(writer.revoke(record.id))
        creating = group.create_task(writer.create(ANNA, "admin"))
    assert reader.check(creating.result()[1]).name == "anna"
    with pytest.raises(Unauthorized):
        reader.check(gone)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda token: "", id="empty"),
        pytest.param(lambda token: token.removeprefix("pilot_"), id="form of a join token"),
        pytest.param(lambda token: token[:-1] + ("a" if token[-1] != "a" else "b"), id="secret"),
        pytest.param(lambda token: "pilot_abcdefghij." + token.partition(".")[2], id="id"),
        pytest.param(lambda token: token + "\n", id="newline"),
        pytest.param(lambda token: token + "x" * 1_000_000, id="oversized"),
        pytest.param(lambda token: token[:-1] + "é", id="not ASCII"),
    ],
)
async def test_anything_else_is_refused_without_a_reason(store: SqliteStore, spoil: Any) -> None:
    tokens = await opened(store, VirtualClock())
    _, token = await tokens.create(ANNA, "admin")
    with pytest.raises(Unauthorized) as caught:
        tokens.check(spoil(token))
    assert str(caught.value).startswith("the bearer token is not valid")


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        pytest.param(Wanted(""), "user: Invalid value: '': must have 1", id="nobody"),
        pytest.param(Wanted("system:node:n1"), 'begin with "system:"', id="node"),
        pytest.param(Wanted("system:netproxy:n1"), 'begin with "system:"', id="netproxy"),
        pytest.param(Wanted("system:scheduler"), 'begin with "system:"', id="component"),
        pytest.param(Wanted("a", ("x", "system:nodes")), r"groups\[1\]", id="node's group"),
        pytest.param(Wanted("a", ("system:masters",)), "explicitly", id="administrators"),
        pytest.param(Wanted("a\nb"), "printable", id="newline"),
        pytest.param(Wanted(" a"), "spaces", id="space"),
        pytest.param(Wanted("a" * 254), "1 to 253", id="long"),
        pytest.param(Wanted("a", ("g",) * 33), "Too many: 33", id="groups"),
        pytest.param(Wanted("a", ttl_seconds=MAX_TTL + 1), "ttl_seconds", id="ttl"),
        pytest.param(Wanted("a", ttl_seconds=-1), "ttl_seconds", id="negative"),
        pytest.param(Wanted("a", description="x" * 257), "description", id="description"),
    ],
)
async def test_a_fault_names_field_value_and_rule(
    store: SqliteStore, wanted: Wanted, says: str
) -> None:
    tokens = await opened(store, VirtualClock())
    with pytest.raises(BadRequest, match=says):
        await tokens.create(wanted, "admin")
    assert await tokens.list() == []


async def test_an_administrator_must_be_asked_for(store: SqliteStore) -> None:
    clock = VirtualClock()
    tokens = await opened(store, clock)
    record, token = await tokens.create(Wanted("ci", administrator=True), "admin")
    assert tokens.check(token).is_administrator
    assert record.expires_at == clock.now() + DEFAULT_TTL


# The whole master.


@pytest.fixture
async def master(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_master(tmp_path) as running:
        yield running


async def bearer(master: Running, token: str, port: int = 0) -> grpc.aio.Channel:
    target = f"127.0.0.1:{port or master.ports.join}"
    channel = token_channel(target, master.authority.pem, lambda: token)
    return await master.stack.enter_async_context(channel)


async def test_a_token_reads_and_writes_what_its_user_may(master: Running) -> None:
    admin = await master.client()
    made = await admin.create_access_token("anna", groups=("dev",), ttl_seconds=60)
    anna = Client(await bearer(master, made.token), patience=0)
    config = ConfigMap()
    config.metadata.name, config.metadata.namespace = "c", "default"
    config.data["text"] = "x" * 200_000  # more than Enrollment would take
    assert (await anna.create(config)).data["text"] == config.data["text"]
    with pytest.raises(Forbidden, match='user "anna" cannot'):
        await anna.list(ConfigMap, "kube-system")
    with pytest.raises(Forbidden, match="not an administrator"):
        await anna.list_tokens()
    with pytest.raises(Forbidden, match="not an administrator"):
        await anna.create_access_token("anna", administrator=True)
    [listed] = await admin.list_access_tokens()
    assert (listed.id, listed.user, listed.created_by) == (made.id, "anna", "admin")
    assert not listed.token
    await admin.revoke_access_token(made.id)
    with pytest.raises(Unauthorized):
        await anna.get(Namespace, "default")


async def test_an_administrators_token_administers(master: Running) -> None:
    made = await (await master.client()).create_access_token("ci", administrator=True)
    client = Client(await bearer(master, made.token), patience=0)
    assert (await client.create_token()).token
    [listed] = await client.list_access_tokens()
    assert listed.groups == ["system:masters"]


async def test_a_token_users_impersonation_is_refused(master: Running) -> None:
    made = await (await master.client()).create_access_token("anna")
    stub = ResourcesStub(await bearer(master, made.token))
    request = GetRequest(ref=Ref(resource="namespaces", name="default"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Get(request, metadata=(("impersonate-user", "admin"),))
    assert isinstance(from_rpc(caught.value), Forbidden)


@pytest.mark.parametrize("token", ["", "nonsense", "pilot_abcdefghij." + "x" * 43, "x" * 4_000])
async def test_the_join_port_refuses_who_has_no_token(master: Running, token: str) -> None:
    channel = await bearer(master, token)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await AdministrationStub(channel).ListTokens(ListTokensRequest())
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_a_join_token_gives_no_access_and_an_access_token_no_joining(
    master: Running,
) -> None:
    admin = await master.client()
    joining = await admin.create_token()
    access = await admin.create_access_token("ci", administrator=True)
    with pytest.raises(Unauthorized):
        await Client(await bearer(master, joining.token), patience=0).get(Namespace, "default")
    target = f"127.0.0.1:{master.ports.join}"
    async with anonymous_channel(target, master.authority.pem) as join:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await EnrollmentStub(join).Enroll(EnrollRequest(token=access.token, node_name="n1"))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_nodes_sessions_are_not_on_the_join_port(master: Running) -> None:
    made = await (await master.client()).create_access_token("ci", administrator=True)
    call: Any = DispatchStub(await bearer(master, made.token)).Session()
    assert await call.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_large_request_to_join_is_refused_unread(master: Running) -> None:
    target = f"127.0.0.1:{master.ports.join}"
    async with anonymous_channel(target, master.authority.pem) as join:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await EnrollmentStub(join).Enroll(EnrollRequest(csr=b"x" * 100_000))
    error: ApiError = from_rpc(caught.value)
    assert isinstance(error, BadRequest)
    assert "bytes are more than 65536" in error.message


async def test_tokens_stay_out_of_the_log(
    master: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = await (await master.client()).create_access_token("anna")
    secret = made.token.partition(".")[2]
    client = Client(await bearer(master, made.token), patience=0)
    await client.get(Namespace, "default")
    for wrong in (made.token + "x", made.token[:-1]):
        with pytest.raises(Unauthorized) as caught:
            await Client(await bearer(master, wrong), patience=0).get(Namespace, "default")
        assert secret[:-1] not in str(caught.value)
    assert f"made access token {made.id}" in caplog.text
    assert secret[:-1] not in caplog.text
