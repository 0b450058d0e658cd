"""What nobody means, sent to the HTTPS port as bytes: a typed answer or a closed connection each
time, others served meanwhile, and nothing of it left in the master."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from master.identity.ca import Authority, utc_now
from master.identity.files import ADMINISTRATOR, IdentityFiles
from pilothouse.process.tls import KeyPair
from tests.hostile.victim import Victim
from tests.master.running import eventually

SERVED_WITHIN = 1.0
ANSWERED_WITHIN = 10.0
# The test's 8 MB of objects are kept, in the history and for the watches that begin late.
RSS_GROWTH = 100 * 1024 * 1024
IDLE = 300
HEAD = b"Host: master\r\nAccept: application/json\r\n"
MAPS = b"/api/v1/namespaces/default/configmaps"


def context_of(pair: KeyPair, directory: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=pair.ca.decode())
    context.check_hostname = False
    if pair.certificate:
        certificate, key = directory / "crt", directory / "key"
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        context.load_cert_chain(certificate, key)
    return context


class Door:
    """The HTTPS port, to the administrator unless a context is given."""

    def __init__(self, master: Victim, context: ssl.SSLContext) -> None:
        self.master = master
        self.context = context

    @asynccontextmanager
    async def opened(
        self, context: ssl.SSLContext | None = None, *, name: str | None = "localhost"
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1",
            self.master.https,
            ssl=context or self.context,
            server_hostname=name or "",
        )
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def said(self, sent: bytes, context: ssl.SSLContext | None = None) -> bytes:
        """All that comes back until the server closes, or has said nothing for a while."""
        async with self.opened(context) as (reader, writer):
            with suppress(ConnectionError):
                writer.write(sent)
                await writer.drain()
            return await everything(reader)

    async def serves(self) -> None:
        """Others are served, and soon."""
        start = time.monotonic()
        answer = await self.said(b"GET %b HTTP/1.1\r\n%bConnection: close\r\n\r\n" % (MAPS, HEAD))
        assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
        assert time.monotonic() - start < SERVED_WITHIN


async def everything(reader: asyncio.StreamReader, patience: float = 0.5) -> bytes:
    found = b""
    with suppress(TimeoutError, ConnectionError):
        while True:
            async with asyncio.timeout(patience if found else ANSWERED_WITHIN):
                more = await reader.read(65536)
            if not more:
                break
            found += more
    return found


@pytest.fixture
async def door(master: Victim, tmp_path: Path) -> AsyncIterator[Door]:
    """What is done to it must leave nothing behind."""
    found = Door(master, context_of(master.users[ADMINISTRATOR.name], tmp_path))
    await found.serves()
    before = master.figures()
    yield found
    await found.serves()

    async def settled() -> bool:
        now = await asyncio.to_thread(master.figures)
        return now.tasks <= before.tasks + 3 and now.files <= before.files + 3

    await eventually(settled)
    assert master.figures().rss - before.rss < RSS_GROWTH


def post(body: bytes, *heads: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    more = b"".join(head + b"\r\n" for head in heads)
    return b"POST %b HTTP/1.1\r\n%b%bContent-Length: %d\r\n\r\n%b" % (MAPS, HEAD, more, size, body)


JSON = b"Content-Type: application/json"
YAML = b"Content-Type: application/yaml"
BAD: dict[str, tuple[Callable[[], bytes], tuple[int, ...]]] = {
    "garbage": (lambda: b"\x00\xff\x13garbage\r\n\r\n", (400,)),
    "a preface of HTTP/2": (lambda: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    "a version nobody has": (lambda: b"GET / HTTP/9.9\r\n\r\n", (400, 505)),
    "an endless line": (lambda: b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n", (400, 414)),
    "an endless header": (
        lambda: b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        (400, 431),
    ),
    "a header with a bare line feed": (lambda: b"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n", (400,)),
    "two lengths": (lambda: post(b"{}", b"Content-Length: 5"), (400,)),
    "a length and chunks": (
        lambda: post(b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n", b"Transfer-Encoding: chunked"),
        (400,),
    ),
    "a negative length": (lambda: post(b"{}", JSON, length=-1), (400,)),
    "a chunk without a size": (
        lambda: (
            b"POST %b HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
            % (MAPS, HEAD)
        ),
        (400,),
    ),
    "an encoding nobody has": (lambda: post(b"{}", b"Transfer-Encoding: gzip, wrong"), (400, 501)),
    "a huge body": (lambda: post(b"x" * (4 << 20), JSON), (413,)),
    "no gzip": (
        lambda: post(b"\x1f\x8b" + b"\0" * 100, JSON, b"Content-Encoding: gzip"),
        (400, 415),
    ),
    "deep JSON": (lambda: post(b'{"a":' * 100_000, JSON), (400,)),
    "deep YAML": (lambda: post(b"[" * 100_000, YAML), (400,)),
    "aliases that multiply": (
        lambda: post(
            b"a: &a [x]\n"
            + b"".join(
                b"%c: &%c [%b]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9))
                for n in range(98, 110)
            ),
            YAML,
        ),
        (400, 413),
    ),
    "no JSON": (lambda: post(b"\xff\xfe{", JSON), (400,)),
    "no protobuf": (
        lambda: post(b"k8s\0\xff\xff", b"Content-Type: application/vnd.kubernetes.protobuf"),
        (400,),
    ),
    "a type nobody has": (lambda: post(b"{}", b"Content-Type: text/html"), (415,)),
    "a path with every trick": (
        lambda: b"GET /api/v1/namespaces/%%2e%%2e/%%00/../../etc/passwd HTTP/1.1\r\n%b\r\n" % HEAD,
        (400, 404),
    ),
    "a method nobody has": (lambda: b"BREW %b HTTP/1.1\r\n%b\r\n" % (MAPS, HEAD), (400, 405)),
    "a bad percent": (
        lambda: b"GET /api/v1/pods?labelSelector=%%zz%%ff HTTP/1.1\r\n%b\r\n" % HEAD,
        (200, 400),
    ),
}


@pytest.mark.parametrize(("sent", "statuses"), BAD.values(), ids=BAD)
async def test_bad_requests_get_an_answer_or_the_end(
    door: Door, sent: Callable[[], bytes], statuses: tuple[int, ...]
) -> None:
    answer = await door.said(sent())
    assert b"smuggled" not in answer
    assert b"Traceback" not in answer
    if answer:
        status = int(answer.split(b" ", 2)[1])
        assert status in statuses, answer[:500]


async def test_a_refusal_is_a_status(door: Door) -> None:
    answer = await door.said(post(b"{", JSON, b"Connection: close"))
    status = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (status["kind"], status["reason"], status["code"]) == ("Status", "BadRequest", 400)


async def test_half_requests_and_slow_ones_hold_nobody_up(door: Door) -> None:
    async with asyncio.timeout(60):
        halves = [
            b"GET /api/v1/pods HT",
            b"GET /api/v1/pods HTTP/1.1\r\nHost: m",
            post(b"{", JSON, length=100_000),
            b"POST %b HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\nffff\r\n{" % (MAPS, HEAD),
        ]
        cut = [door.opened() for _ in range(len(halves) * 5)]
        for number, opened in enumerate(cut):
            async with opened as (_, writer):
                writer.write(halves[number % len(halves)])
                await writer.drain()
        slow = []
        for number in range(20):
            opened = door.opened()
            slow.append((opened, await opened.__aenter__()))
            slow[-1][1][1].write(halves[number % len(halves)])
        for letter in b"slowly":
            for _, (_, writer) in slow:
                writer.write(bytes([letter]))
            await door.serves()
        for opened, _ in slow:
            await opened.__aexit__(None, None, None)


async def test_pipelined_requests_are_answered_in_order(door: Door) -> None:
    one = b"GET /healthz HTTP/1.1\r\n%b\r\n" % HEAD
    last = b"GET /version HTTP/1.1\r\n%bConnection: close\r\n\r\n" % HEAD
    answer = await door.said(one * 100 + last)
    assert answer.count(b"HTTP/1.1 200") == 101
    assert answer.rstrip().endswith(b"}")


async def test_hundreds_of_idle_connections_hold_nobody_up(door: Door) -> None:
    opened = [door.opened() for _ in range(IDLE)]
    for start in range(0, IDLE, 50):
        await asyncio.gather(*(one.__aenter__() for one in opened[start : start + 50]))
        await door.serves()
    for one in opened:
        await one.__aexit__(None, None, None)


async def test_watchers_that_do_not_read_hold_nobody_up(door: Door) -> None:
    watching = b"GET %b?watch=true HTTP/1.1\r\n%b\r\n" % (MAPS, HEAD)
    opened = [door.opened() for _ in range(30)]
    for one in opened:
        reader, writer = await one.__aenter__()
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(watching)
    body = {"metadata": {"name": "big"}, "data": {"a": "x" * 200_000}}
    path = b"PUT %b/big HTTP/1.1\r\n%b" % (MAPS, HEAD)
    await door.said(post(json.dumps(body).encode(), JSON, b"Connection: close"))
    for number in range(40):
        body["data"] = {"a": str(number) * 200_000}
        text = json.dumps(body).encode()
        sent = (
            b"%bContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
        )
        answer = await door.said(sent % (path, len(text), text))
        assert answer.startswith(b"HTTP/1.1 200"), answer[:300]
    await door.serves()
    for one in opened:
        await one.__aexit__(None, None, None)
    await door.said(b"DELETE %b/big HTTP/1.1\r\n%bConnection: close\r\n\r\n" % (MAPS, HEAD))


def _foreign(_: Authority) -> KeyPair:
    other = Authority.create("another", utc_now())
    return _pair(other, timedelta(hours=1))


def _pair(authority: Authority, lifetime: timedelta) -> KeyPair:
    now = utc_now() - (timedelta(days=2) if lifetime < timedelta(minutes=5) else timedelta())
    credential = authority.issue_client(ADMINISTRATOR, lifetime, now)
    return KeyPair(authority.pem, credential.certificate, credential.key)


def _expired(authority: Authority) -> KeyPair:
    return _pair(authority, timedelta(minutes=1))


@pytest.mark.parametrize("made", [_foreign, _expired], ids=["foreign CA", "expired"])
async def test_certificates_that_are_not_good_get_nothing(
    door: Door, made: Callable[[Authority], KeyPair], tmp_path: Path
) -> None:
    authority = IdentityFiles(door.master.config.parent.parent / "master").authority()
    pair = made(authority)
    context = context_of(KeyPair(authority.pem, pair.certificate, pair.key), tmp_path)
    answer = b""
    with suppress(ssl.SSLError, ConnectionError):
        answer = await door.said(b"GET /api/v1/pods HTTP/1.1\r\n%b\r\n" % HEAD, context)
    assert answer == b""


TOKENS = {
    "none": (b"", 403),
    "empty": (b"Bearer ", 401),
    "unknown": (b"Bearer " + b"a" * 40, 401),
    "binary": (b"Bearer \xff\xfe", 401),
    "huge": (b"Bearer " + b"a" * 60_000, 401),
    "another scheme": (b"Basic YTpi", 401),
}


@pytest.mark.parametrize(("token", "status"), TOKENS.values(), ids=TOKENS)
async def test_tokens_that_are_not_good_are_refused(
    door: Door, token: bytes, status: int, tmp_path: Path
) -> None:
    context = context_of(KeyPair(door.master.users[ADMINISTRATOR.name].ca, b"", b""), tmp_path)
    head = b"Authorization: %b\r\n" % token if token else b""
    sent = b"GET /api/v1/pods HTTP/1.1\r\n%b%bConnection: close\r\n\r\n" % (HEAD, head)
    answer = await door.said(sent, context)
    assert answer.split(b" ", 2)[1] in (b"%d" % status, b"403", b"401"), answer[:300]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["kind"] == "Status"


async def test_without_tls_and_without_a_name_nothing_breaks(door: Door) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.master.https)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert not (await everything(reader)).startswith(b"HTTP/1.1 2")
    writer.close()
    async with door.opened(name=None) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\n%bConnection: close\r\n\r\n" % HEAD)
        assert (await everything(reader)).endswith(b"ok")
