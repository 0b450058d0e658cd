"""One HTTP request to a pod and its answer, through a tunnel, as both are streamed.

aiohttp's client speaks on one end of a socket pair; the other end is the tunnel's. So HTTP is
parsed by a library, and the kernel's buffers hold back whichever side is faster.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_writer import StreamWriter

from master.dispatch.podstreams import join
from master.dispatch.tunnels import Tunnel
from master.http.streams.idle import IDLE_SECONDS
from master.http.streams.takeover import Incoming
from pilothouse.objects.errors import ApiError, ServiceUnavailable
from protos.resources_pb2 import StreamInput, StreamOutput

PIECE = 64 * 1024
_AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")

logger = logging.getLogger(__name__)


class Connector(aiohttp.BaseConnector):
    """Gives one connection: the socket it was made with, within TLS or not."""

    def __init__(self, ours: socket.socket, secure: bool) -> None:
        super().__init__(force_close=True)
        self._socket = ours
        self._secure = secure
        self.used = False  # from then on the connection closes the socket

    async def _create_connection(
        self,
        req: Any,
        traces: Any,
        timeout: Any,  # noqa: ASYNC109 - aiohttp's signature
    ) -> ResponseHandler:
        self.used = True
        context = _unchecked() if self._secure else None
        _, protocol = await asyncio.get_running_loop().create_connection(
            self._factory,
            sock=self._socket,
            ssl=context,
            server_hostname=str(req.url.host) if context else None,
        )
        return protocol


def _unchecked() -> ssl.SSLContext:
    """A pod's certificate is its own affair, as in Kubernetes: the tunnel says who it is."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@asynccontextmanager
async def session_over(tunnel: Tunnel, secure: bool) -> AsyncIterator[aiohttp.ClientSession]:
    """A session for one request to the other end of the tunnel, which is open already."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=theirs, limit=PIECE)
    # Not in a group, which would wrap what the block raises; it is awaited all the same.
    pump = asyncio.create_task(_pump(tunnel, reader, writer), name="proxy-tunnel")
    connector = Connector(ours, secure)
    try:
        async with aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_AUTOMATIC,
            timeout=aiohttp.ClientTimeout(total=None, sock_read=IDLE_SECONDS),
        ) as session:
            yield session
    finally:
        if not connector.used:
            ours.close()
        pump.cancel()
        await asyncio.wait((pump,))


async def _pump(tunnel: Tunnel, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def inputs() -> AsyncIterator[StreamInput]:
        while data := await reader.read(PIECE):
            yield StreamInput(stdin=data)

    async def write(output: StreamOutput) -> None:
        writer.write(output.stdout)
        await writer.drain()

    try:
        await join(tunnel, inputs(), write)
    except ApiError as error:
        # The client sees it as the end of its connection.
        logger.debug("a proxied connection broke: %s", error)
    finally:
        writer.close()


class Switched:
    """The connection behind an answer of 101: bytes of another protocol."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        connection = answer.connection
        protocol = connection.protocol if connection is not None else None
        if protocol is None:
            raise ServiceUnavailable("error trying to reach service: it closed the connection")
        self._incoming = Incoming(protocol.transport)
        self._writer = StreamWriter(protocol, asyncio.get_running_loop())
        # Annotated for WebSockets; what is called is feed_data and feed_eof.
        protocol.set_parser(self._incoming, cast(Any, None))

    async def read(self) -> bytes:
        """What arrived; b"" at the end."""
        return await self._incoming.read()

    async def write(self, data: bytes) -> None:
        """Send, waiting while it is not taken. ConnectionError."""
        await self._writer.write(data)
