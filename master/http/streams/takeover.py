"""A request's connection beyond HTTP: as raw bytes both ways, or watched for its end.

aiohttp hands what arrives after a request to a parser that a response may put in place, as its
own WebSockets do; Incoming and Departure are such parsers. A client sends nothing of its new
protocol before it has read the head of the answer, so nothing is lost on the way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, cast

from aiohttp import web

BUFFER_BYTES = 256 * 1024


class Incoming:
    """What arrives on a connection, from now on. Nothing is read while BUFFER_BYTES wait here."""

    def __init__(self, transport: asyncio.Transport | None) -> None:
        self._transport = transport
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._changed = asyncio.Event()

    async def read(self) -> bytes:
        """What arrived; b"" at the end."""
        while not self._pieces and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if self._transport is not None and not self._ended:
            self._transport.resume_reading()
        return data

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """aiohttp's: bytes have arrived."""
        self._pieces.append(bytes(data))
        self._size += len(data)
        if self._size >= BUFFER_BYTES and self._transport is not None:
            self._transport.pause_reading()
        self._changed.set()
        return False, b""

    def feed_eof(self) -> None:
        """aiohttp's: the connection is gone."""
        self._ended = True
        self._changed.set()


class Wire:
    """The connection of a request, taken over."""

    def __init__(self, request: web.BaseRequest, headers: Mapping[str, str]) -> None:
        self.response = web.StreamResponse(status=101, headers=headers)
        self.response.force_close()
        self._request = request
        self._incoming = Incoming(request.transport)

    async def open(self) -> None:
        """Answer 101; from then on the connection is the caller's. ConnectionError."""
        _parse_with(self._request, self._incoming)
        await self.response.prepare(self._request)

    async def read(self) -> bytes:
        """What arrived; b"" at the end."""
        return await self._incoming.read()

    async def write(self, data: bytes) -> None:
        """Send, waiting while the client does not take it. ConnectionError if it went away."""
        await self.response.write(data)


class Departure:
    """Tells when a client goes away that has nothing more to say. Its connection ends with the
    response."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._gone = asyncio.Event()
        request.protocol.keep_alive(False)
        _parse_with(request, self)

    async def wait(self) -> None:
        """Until the client is gone."""
        await self._gone.wait()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """aiohttp's: what follows the request is ignored."""
        return False, b""

    def feed_eof(self) -> None:
        """aiohttp's: the connection is gone."""
        self._gone.set()


def _parse_with(request: web.BaseRequest, parser: Incoming | Departure) -> None:
    if request.transport is None:
        raise ConnectionResetError("the client is gone")
    # Annotated for WebSockets' reader; what is called is feed_data and feed_eof.
    request.protocol.set_parser(cast(Any, parser))
