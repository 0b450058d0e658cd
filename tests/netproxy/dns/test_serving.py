"""The server over real sockets on loopback, with name servers of others beside it."""

from __future__ import annotations

import asyncio
import functools
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from netproxy.dns import serving
from netproxy.dns.serving import DnsServer
from tests.netproxy.dns.cluster import Services, cluster, zone
from tests.netproxy.memory import until

WEB = "web.default.svc.c.test."
HERE = "127.0.0.1"
Reply = Callable[[dns.message.Message], bytes | None]


@contextmanager
def free_port() -> Iterator[int]:
    """Free for UDP and TCP alike, as far as one can know."""
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        tcp.bind((HERE, 0))
        udp.bind((HERE, tcp.getsockname()[1]))
        port: int = tcp.getsockname()[1]
    yield port


class Served:
    def __init__(self, port: int) -> None:
        self.port = port
        self.outcomes: list[str] = []

    async def ask(self, name: str, *, tcp: bool = False) -> dns.message.Message:
        query = dns.message.make_query(name, "A")
        way = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
        return await way(query, HERE, port=self.port, timeout=5)


@asynccontextmanager
async def serving_dns(
    *upstreams: str, port: int = 53, directory: Services | None = None, seconds: float = 0.2
) -> AsyncIterator[Served]:
    with free_port() as chosen:
        served = Served(chosen)
    server = DnsServer(
        zone(directory or cluster()),
        lambda: upstreams,
        observe=served.outcomes.append,
        upstream_port=port,
        upstream_seconds=seconds,
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server.run(HERE, served.port))
        try:
            await until(lambda: _listens(served.port))
            yield served
        finally:
            task.cancel()


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex((HERE, port)) == 0


class Other(asyncio.DatagramProtocol):
    """A name server of others: `reply` says what it sends; None: nothing."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.asked = 0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self.asked += 1
        wire = self._reply(dns.message.from_wire(data))
        if wire is not None:
            self._transport.sendto(wire, addr)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        wire = self._reply(dns.message.from_wire(await reader.readexactly(length)))
        if wire is not None:
            writer.write(struct.pack("!H", len(wire)) + wire)
            await writer.drain()
        writer.close()


def _self(other: Other) -> Other:
    return other


@asynccontextmanager
async def others(**replies: Reply) -> AsyncIterator[tuple[int, dict[str, Other]]]:
    """Servers at 127.0.0.NUMBER, all on one port (UDP and TCP)."""
    with free_port() as port:
        pass
    made = {}
    loop = asyncio.get_running_loop()
    servers: list[asyncio.Server] = []
    transports: list[asyncio.DatagramTransport] = []
    try:
        for number, reply in replies.items():
            other = made[number] = Other(reply)
            address = f"127.0.0.{number.removeprefix('n')}"
            transport, _ = await loop.create_datagram_endpoint(
                functools.partial(_self, other),
                local_addr=(address, port),
            )
            transports.append(transport)
            servers.append(await asyncio.start_server(other.connected, address, port))
        yield port, made
    finally:
        for transport in transports:
            transport.close()
        for server in servers:
            server.close()


def address(text: str) -> Reply:
    def reply(query: dns.message.Message) -> bytes:
        response = dns.message.make_response(query)
        name = query.question[0].name.to_text()
        response.answer.append(dns.rrset.from_text(name, 60, "IN", "A", text))
        return response.to_wire()

    return reply


def coded(code: dns.rcode.Rcode) -> Reply:
    def reply(query: dns.message.Message) -> bytes:
        response = dns.message.make_response(query)
        response.set_rcode(code)
        return response.to_wire()

    return reply


def silent(query: dns.message.Message) -> None:
    return None


def told(answer: dns.message.Message) -> list[str]:
    return [item.to_text() for rrset in answer.answer for item in rrset]


@pytest.mark.parametrize("tcp", [False, True], ids=["UDP", "TCP"])
async def test_the_clusters_names_and_those_of_others(tcp: bool) -> None:
    async with (
        others(n2=address("192.0.2.5")) as (port, _),
        serving_dns("127.0.0.2", port=port) as served,
    ):
        assert told(await served.ask(WEB, tcp=tcp)) == ["10.96.0.7"]
        assert told(await served.ask("example.com.", tcp=tcp)) == ["192.0.2.5"]
        alias = await served.ask("outside.default.svc.c.test.", tcp=tcp)
        assert told(alias) == ["db.example.com.", "192.0.2.5"]
        assert served.outcomes == ["answered", "forwarded", "forwarded"]


async def test_several_questions_over_one_connection() -> None:
    async with serving_dns() as served:
        reader, writer = await asyncio.open_connection(HERE, served.port)
        for name in (WEB, "db.default.svc.c.test.", WEB):
            wire = dns.message.make_query(name, "A").to_wire()
            writer.write(struct.pack("!H", len(wire)) + wire)
        for count in (1, 3, 1):
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            answer = dns.message.from_wire(await reader.readexactly(length))
            assert len(answer.answer[0]) == count
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(silent, id="silent"),
        pytest.param(coded(dns.rcode.SERVFAIL), id="failing"),
        pytest.param(coded(dns.rcode.REFUSED), id="refusing"),
        pytest.param(lambda query: b"nonsense that is long enough", id="nonsense"),
        pytest.param(lambda query: query.to_wire(), id="echo"),
    ],
)
async def test_the_next_server_is_asked_and_then_preferred(first: Reply) -> None:
    async with (
        others(n2=first, n3=address("192.0.2.5")) as (port, made),
        serving_dns("127.0.0.2", "127.0.0.3", port=port) as served,
    ):
        for _ in range(3):
            assert told(await served.ask("example.com.")) == ["192.0.2.5"]
        assert (made["n2"].asked, made["n3"].asked) == (1, 3)


async def test_a_denial_is_an_answer() -> None:
    async with (
        others(n2=coded(dns.rcode.NXDOMAIN), n3=address("192.0.2.5")) as (port, made),
        serving_dns("127.0.0.2", "127.0.0.3", port=port) as served,
    ):
        assert (await served.ask("example.com.")).rcode() == dns.rcode.NXDOMAIN
        assert made["n3"].asked == 0


async def test_when_no_server_can_the_last_refusal_is_told() -> None:
    async with (
        others(n2=coded(dns.rcode.REFUSED), n3=silent) as (port, _),
        serving_dns("127.0.0.2", "127.0.0.3", port=port) as served,
    ):
        assert (await served.ask("example.com.")).rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize("upstreams", [(), ("127.0.0.9",)], ids=["none", "closed"])
async def test_without_a_server_others_names_fail_at_once(upstreams: tuple[str, ...]) -> None:
    with free_port() as port:
        pass
    async with serving_dns(*upstreams, port=port) as served:
        for tcp in (False, True):
            answer = await served.ask("example.com.", tcp=tcp)
            assert answer.rcode() == dns.rcode.SERVFAIL
        assert served.outcomes == ["failed", "failed"]


async def test_a_loop_of_servers_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "QUERIES", 16)
    with free_port() as port:
        pass
    server = DnsServer(
        zone(), lambda: [HERE], observe=lambda _: None, upstream_port=port, upstream_seconds=2
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(server.run(HERE, port))
        await until(lambda: _listens(port))
        answer = await Served(port).ask("example.com.")
        assert answer.rcode() == dns.rcode.SERVFAIL
        assert told(await Served(port).ask(WEB)) == ["10.96.0.7"]
        task.cancel()


async def test_more_questions_than_may_be_asked_elsewhere_fail_and_the_zone_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving, "QUERIES", 4)
    async with (
        others(n2=silent) as (port, made),
        serving_dns("127.0.0.2", port=port, seconds=1) as served,
    ):
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(served.ask("example.com.")) for _ in range(10)]
            await until(lambda: len([t for t in asking if t.done()]) == 6)
            assert made["n2"].asked == 4
            assert told(await served.ask(WEB)) == ["10.96.0.7"]
        assert {t.result().rcode() for t in asking} == {dns.rcode.SERVFAIL}


async def test_idle_connections_end_and_too_many_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving, "TCP_CONNECTIONS", 2)
    monkeypatch.setattr(serving, "IDLE", 0.3)
    async with serving_dns() as served:
        streams = [await asyncio.open_connection(HERE, served.port) for _ in range(3)]
        async with asyncio.timeout(5):
            endings = [await _end_of(reader) for reader, _ in streams]
        assert endings == [b"", b"", b""]
        for _, writer in streams:
            writer.close()
        assert told(await served.ask(WEB, tcp=True)) == ["10.96.0.7"]


async def _end_of(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def test_rubbish_gets_no_answer_and_does_no_harm() -> None:
    async with serving_dns() as served:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for rubbish in (b"", b"?", b"\xff" * 600):
                sock.sendto(rubbish, (HERE, served.port))
        reader, writer = await asyncio.open_connection(HERE, served.port)
        writer.write(b"\x00\x02??")
        assert await reader.read() == b""
        writer.close()
        assert told(await served.ask(WEB)) == ["10.96.0.7"]


async def test_a_taken_address_is_an_error() -> None:
    async with serving_dns() as served:
        other = DnsServer(zone(), tuple, observe=lambda _: None)
        with pytest.raises(ExceptionGroup) as caught:
            await other.run(HERE, served.port)
        assert caught.group_contains(OSError)


async def test_what_did_not_fit_into_udp_comes_over_tcp() -> None:
    from tests.netproxy.dns.test_responding import many

    async with serving_dns(directory=many(400)) as served:
        short = await served.ask("big.default.svc.c.test.")
        assert short.flags & dns.flags.TC
        whole = await served.ask("big.default.svc.c.test.", tcp=True)
        assert len(whole.answer[0]) == 400
