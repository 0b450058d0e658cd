"""The cluster's DNS server on each node, over UDP and TCP.

In: questions from this node's pods and processes. Out: answers from the zone; other names are
asked of the node's own name servers, the next one when one is silent or refuses; the one that
answered is asked first next time. Nothing is cached: the zone is in memory, and the servers
beyond cache for themselves.

Bounded: QUERIES asked elsewhere at once, beyond which askers get SERVFAIL; so a name server that
sends questions back here makes no more than that. TCP_CONNECTIONS at once, beyond which they are
closed; each ends after IDLE seconds of silence. Answers are dropped, as UDP may, while the
socket has BUFFER bytes to send.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any

import dns.rcode

from netproxy.dns.responding import HEADER, Alias, Forward, Ignore, complete, failure, respond
from netproxy.dns.zone import Zone

QUERIES = 512
TCP_CONNECTIONS = 128
IDLE = 10.0
UPSTREAM_SECONDS = 2.0
BUFFER = 1 << 20

_UNABLE = frozenset({dns.rcode.SERVFAIL, dns.rcode.NOTIMP, dns.rcode.REFUSED})

logger = logging.getLogger(__name__)


class DnsServer:
    """`upstreams` gives the IPv4 addresses of the servers for other names; port upstream_port of
    them is asked. `observe` gets "answered", "forwarded" or "failed" for every question."""

    def __init__(
        self,
        zone: Zone,
        upstreams: Callable[[], Sequence[str]],
        *,
        observe: Callable[[str], None],
        upstream_port: int = 53,
        upstream_seconds: float = UPSTREAM_SECONDS,
    ) -> None:
        self._zone = zone
        self._upstreams = upstreams
        self._observe = observe
        self._upstream_port = upstream_port
        self._upstream_seconds = upstream_seconds
        self._preferred = ""
        self._forwarding = 0
        self._connections: set[asyncio.StreamWriter] = set()

    async def run(self, address: str, port: int = 53) -> None:
        """Serve until cancelled. An exception group of OSError: the address cannot be bound."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Udp(self, group), local_addr=(address, port)
            )
            try:
                server = await asyncio.start_server(self._serve_tcp, address, port)
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    server.close()
                    for writer in self._connections:
                        writer.transport.abort()
            finally:
                transport.close()

    def answer_now(self, wire: bytes, *, udp: bool) -> bytes | Forward | Alias | Ignore:
        """The answer where the zone has it, or what else to do."""
        response = respond(self._zone, wire, udp=udp)
        if isinstance(response, bytes):
            self._observe("answered")
        return response

    async def answer(self, response: Forward | Alias, wire: bytes, *, udp: bool) -> bytes | None:
        """The answer to a question that has to be asked elsewhere; None: say nothing."""
        question = response.question if isinstance(response, Alias) else wire
        told = await self._ask(question, udp=udp)
        self._observe("failed" if told is None else "forwarded")
        if told is None:
            return failure(wire)
        return complete(response, told, udp=udp) if isinstance(response, Alias) else told

    async def _ask(self, wire: bytes, *, udp: bool) -> bytes | None:
        if self._forwarding >= QUERIES:
            return None
        self._forwarding += 1
        try:
            return await self._ask_each(wire, udp=udp)
        finally:
            self._forwarding -= 1

    async def _ask_each(self, wire: bytes, *, udp: bool) -> bytes | None:
        unable: bytes | None = None
        # False sorts before True: the preferred one first, the others in their order.
        for upstream in sorted(self._upstreams(), key=lambda address: address != self._preferred):
            ask = _ask_udp if udp else _ask_tcp
            try:
                async with asyncio.timeout(self._upstream_seconds):
                    told = await ask((upstream, self._upstream_port), wire)
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                logger.debug("name server %s: %s", upstream, error or "no answer")
                continue
            if told[3] & 0x0F not in _UNABLE:
                self._preferred = upstream
                return told
            unable = told
        return unable

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= TCP_CONNECTIONS:
            writer.transport.abort()
            return
        self._connections.add(writer)
        try:
            while True:
                async with asyncio.timeout(IDLE):
                    wire = await _read_framed(reader)
                answer = await self._answer_tcp(wire)
                if answer is None:
                    return
                async with asyncio.timeout(IDLE):
                    writer.write(struct.pack("!H", len(answer)) + answer)
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return  # the asker is gone or silent
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _answer_tcp(self, wire: bytes) -> bytes | None:
        match self.answer_now(wire, udp=False):
            case bytes() as answer:
                return answer
            case Ignore():
                return None
            case Forward() | Alias() as response:
                return await self.answer(response, wire, udp=False)


class _Udp(asyncio.DatagramProtocol):
    """Answers from the zone at once; a task only for what must be asked elsewhere."""

    def __init__(self, server: DnsServer, group: asyncio.TaskGroup) -> None:
        self._server = server
        self._group = group
        self._transport: Any = None  # the annotations know no get_write_buffer_size()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        response = self._server.answer_now(data, udp=True)
        if isinstance(response, bytes):
            self._send(response, addr)
        elif not isinstance(response, Ignore):
            self._group.create_task(self._forward(response, data, addr), name="dns-forward")

    async def _forward(self, response: Forward | Alias, data: bytes, addr: tuple[Any, ...]) -> None:
        self._send(await self._server.answer(response, data, udp=True), addr)

    def _send(self, data: bytes | None, addr: tuple[Any, ...]) -> None:
        transport = self._transport
        if data is None or transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() < BUFFER:
            transport.sendto(data, addr)


async def _read_framed(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack("!H", await reader.readexactly(2))
    return await reader.readexactly(length)


async def _ask_udp(upstream: tuple[str, int], wire: bytes) -> bytes:
    """A connected socket of its own per question: its random port guards against forgery."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        await loop.sock_connect(sock, upstream)
        await loop.sock_sendall(sock, wire)
        while True:
            answer = await loop.sock_recv(sock, 65535)
            if _answers(answer, wire):
                return answer


async def _ask_tcp(upstream: tuple[str, int], wire: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*upstream)
    try:
        writer.write(struct.pack("!H", len(wire)) + wire)
        await writer.drain()
        answer = await _read_framed(reader)
    finally:
        writer.close()
    if not _answers(answer, wire):
        raise OSError("not an answer to what was asked")
    return answer


def _answers(answer: bytes, wire: bytes) -> bool:
    """It is an answer (the first bit of the flags), and to that question by its number."""
    return len(answer) >= HEADER.size and answer[:2] == wire[:2] and bool(answer[2] & 0x80)
