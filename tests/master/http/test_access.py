"""Who a request comes from, over real TLS connections."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import logging
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from master.http.access import WEBSOCKET_PREFIX, Authentication
from master.identity.access_tokens import AccessTokens, Wanted
from master.identity.ca import Authority, utc_now
from master.identity.files import ADMINISTRATOR
from master.identity.user import User, node_user
from master.store.sqlite import open_store
from pilothouse.objects.errors import ApiError
from pilothouse.process.clock import SystemClock

ANONYMOUS = ["system:anonymous", ["system:unauthenticated"], "", {}]
AUTHENTICATED = "system:authenticated"
REFUSED = ["Unauthorized", "Unauthorized"]


def context_of(directory: Path, authority: Authority) -> ssl.SSLContext:
    """A server's, which asks for a certificate and does without."""
    server = authority.issue_server(["127.0.0.1"], timedelta(days=1), utc_now())
    for name, content in (("s.crt", server.certificate), ("s.key", server.key)):
        (directory / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "s.crt", directory / "s.key")
    context.load_verify_locations(cadata=authority.pem.decode())
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


@dataclass
class Served:
    """A server that answers whom it takes the caller for. `ahead`: how much its clock is."""

    directory: Path
    authority: Authority
    tokens: AccessTokens
    port: int = 0
    ahead: float = 0.0

    async def token(self, user: str, *, administrator: bool = False) -> str:
        wanted = Wanted(user, ("dev",), administrator=administrator)
        return (await self.tokens.create(wanted, "admin"))[1]

    def connection(
        self, user: User | None = None, authority: Authority | None = None, days: float = 1
    ) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cadata=self.authority.pem.decode())
        if user is not None:
            issuer = authority or self.authority
            made = issuer.issue_client(user, timedelta(days=days), utc_now())
            self.present(context, made.certificate + made.key)
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=20)

    def present(self, context: ssl.SSLContext, pem: bytes) -> None:
        file = self.directory / "client.pem"
        file.write_bytes(pem)
        context.load_cert_chain(file)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    store = await open_store(tmp_path / "store")
    authority, tokens = Authority.create("test", utc_now()), AccessTokens(store, SystemClock())
    await tokens.open()
    made = Served(tmp_path, authority, tokens)
    authentication = Authentication(tokens.check, lambda: time.time() + made.ahead)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        try:
            user = authentication(request)
        except ApiError as error:
            return web.json_response([error.reason, error.message], status=403)
        return web.json_response([user.name, user.groups, user.uid, dict(user.extra)])

    server = web.Server(answer)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(server, "127.0.0.1", 0, ssl=context_of(tmp_path, authority))
    made.port = listener.sockets[0].getsockname()[1]
    yield made
    listener.close()
    await server.shutdown(1)
    await store.close()


def asked(connection: http.client.HTTPSConnection, *headers: tuple[str, str]) -> Any:
    connection.putrequest("GET", "/")
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    return json.loads(connection.getresponse().read())


async def ask(connection: http.client.HTTPSConnection, *headers: tuple[str, str]) -> Any:
    return await asyncio.to_thread(asked, connection, *headers)


async def once(served: Served, user: User | None, *headers: tuple[str, str]) -> Any:
    connection = served.connection(user)
    try:
        return await ask(connection, *headers)
    finally:
        connection.close()


def bearer(token: str) -> tuple[str, str]:
    return ("Authorization", f"Bearer {token}")


def websocket(*protocols: str) -> tuple[tuple[str, str], ...]:
    return (
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Protocol", ", ".join(protocols)),
    )


def encoded(token: str) -> str:
    return WEBSOCKET_PREFIX + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


async def test_who_shows_nothing_is_anonymous(served: Served) -> None:
    assert await once(served, None) == ANONYMOUS


async def test_a_certificate_says_user_and_groups(served: Served) -> None:
    name, groups, uid, extra = await once(served, User("anna", ("dev", "ops")))
    assert (name, groups, uid) == ("anna", ["dev", "ops", AUTHENTICATED], "")
    [fingerprint] = extra["authentication.kubernetes.io/credential-id"]
    assert fingerprint.startswith("X509SHA256=")
    assert len(fingerprint) == 11 + 64
    assert (await once(served, node_user("n1")))[:2] == [
        "system:node:n1",
        ["system:nodes", AUTHENTICATED],
    ]


async def test_a_certificates_end_is_seen_on_an_open_connection(served: Served) -> None:
    connection = served.connection(ADMINISTRATOR)
    try:
        assert (await ask(connection))[0] == "admin"
        served.ahead = 2 * 86_400
        assert await ask(connection) == REFUSED
        served.ahead = 0
        assert (await ask(connection))[0] == "admin"
    finally:
        connection.close()


@pytest.mark.parametrize("kind", ["foreign CA", "expired", "server's own"])
async def test_a_certificate_that_is_no_good_gets_no_connection(served: Served, kind: str) -> None:
    context = ssl.create_default_context(cadata=served.authority.pem.decode())
    now, issuer = utc_now(), served.authority
    if kind == "foreign CA":
        made = Authority.create("test", now).issue_client(ADMINISTRATOR, timedelta(1), now)
    elif kind == "expired":
        made = issuer.issue_client(ADMINISTRATOR, timedelta(minutes=1), now - timedelta(days=2))
    else:
        made = issuer.issue_server(["admin"], timedelta(days=1), now)
    served.present(context, made.certificate + made.key)
    connection = http.client.HTTPSConnection("127.0.0.1", served.port, context=context, timeout=20)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await ask(connection)
    connection.close()


async def test_a_token_says_user_and_groups_until_it_is_revoked(served: Served) -> None:
    token = await served.token("anna")
    id_ = token[6:16]
    connection = served.connection()
    try:
        assert await ask(connection, bearer(token)) == [
            "anna",
            ["dev", AUTHENTICATED],
            "",
            {"authentication.kubernetes.io/credential-id": [f"access-token={id_}"]},
        ]
        await served.tokens.revoke(id_)
        assert await ask(connection, bearer(token)) == REFUSED
    finally:
        connection.close()


async def test_a_certificate_goes_before_a_token(served: Served) -> None:
    assert (await once(served, ADMINISTRATOR, bearer(await served.token("anna"))))[0] == "admin"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param((bearer("nonsense"),), id="malformed"),
        pytest.param((bearer("pilot_abcdefghij." + "x" * 43),), id="unknown"),
        pytest.param((bearer("x" * 7_000),), id="oversized"),
        pytest.param((("Authorization", "Bearer"),), id="empty"),
        pytest.param((("Authorization", "Basic YTpi"),), id="password"),
        pytest.param((bearer("a"), bearer("b")), id="two"),
        pytest.param(websocket(encoded("nonsense"), "v5.channel.k8s.io"), id="websocket"),
        pytest.param(websocket(WEBSOCKET_PREFIX + "%%", "v5.channel.k8s.io"), id="not base64"),
        pytest.param(websocket(WEBSOCKET_PREFIX + "/w==", "v5.channel.k8s.io"), id="not base64url"),
        pytest.param(websocket(WEBSOCKET_PREFIX + "_w", "v5.channel.k8s.io"), id="not UTF-8"),
        pytest.param(websocket(WEBSOCKET_PREFIX, "v5.channel.k8s.io"), id="empty protocol"),
    ],
)
async def test_a_bad_credential_is_not_taken_for_none(
    served: Served, headers: tuple[tuple[str, str], ...]
) -> None:
    assert await once(served, None, *headers) == REFUSED


async def test_a_websocket_brings_its_token_as_a_subprotocol(served: Served) -> None:
    token = await served.token("anna")
    assert (await once(served, None, *websocket(encoded(token), "v5.channel.k8s.io")))[0] == "anna"
    for protocols in ((encoded(token),), (encoded(token), encoded(token), "v5.channel.k8s.io")):
        assert await once(served, None, *websocket(*protocols)) == REFUSED
    # Only a WebSocket's client cannot set the header.
    offered = websocket(encoded(token), "v5.channel.k8s.io")[2]
    assert await once(served, None, offered) == ANONYMOUS


async def test_an_administrator_acts_as_others(served: Served) -> None:
    headers = (
        ("Impersonate-User", "anna"),
        ("Impersonate-Group", "a"),
        ("impersonate-group", "b"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Extra-Example.org%2fteam", "x"),
    )
    acted = ["anna", ["a", "b", AUTHENTICATED], "7", {"example.org/team": ["x"]}]
    assert await once(served, ADMINISTRATOR, *headers) == acted
    token = await served.token("ci", administrator=True)
    assert await once(served, None, bearer(token), *headers) == acted
    assert await once(served, ADMINISTRATOR, ("Impersonate-User", "system:anonymous")) == ANONYMOUS


@pytest.mark.parametrize("name", ["User", "Group", "Uid", "Extra-a"])
async def test_nobody_else_acts_as_others(served: Served, name: str) -> None:
    token = await served.token("anna")
    for credential in ((bearer(token),), ()):
        reason, message = await once(served, None, *credential, (f"Impersonate-{name}", "admin"))
        assert reason == "Forbidden"
        assert "cannot impersonate" in message


async def test_one_connection_is_one_user_whoever_else_is_connected(served: Served) -> None:
    users = [User(f"u{n}", (f"g{n}",)) for n in range(5)]
    connections = [served.connection(user) for user in users]
    try:
        for _ in range(3):
            for user, connection in zip(users, connections, strict=True):
                assert (await ask(connection))[0] == user.name
    finally:
        for connection in connections:
            connection.close()


async def test_credentials_stay_out_of_the_log(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = await served.token("anna")
    secret = token.partition(".")[2]
    for headers in ((bearer(token),), (bearer(token + "x"),), websocket(encoded(token), "v5")):
        assert secret not in str(await once(served, None, *headers))
    assert secret not in caplog.text
    assert encoded(token) not in caplog.text
