"""Port-forward over SPDY: a pair of streams, error and data, for each connection.

Both carry the port and a request's id, which pairs them. The client closes its half of the error
stream at once, and hears there why a connection could not be made.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from master.http.streams.carrying import Carry
from master.http.streams.query import port_of
from master.http.streams.spdy.connection import Carrier, Connection, Stream
from master.http.streams.spdy.frames import ResetStatus, RstStream
from master.http.streams.spdy.process import STREAM_TYPE
from pilothouse.objects.errors import BadRequest

PROTOCOL: Final = "portforward.k8s.io"
PAIR_SECONDS = 30.0


async def serve(carrier: Carrier, carry: Carry) -> None:
    """Until the client is gone."""
    async with asyncio.TaskGroup() as group:
        pairs = _Pairs(group, carry)
        connection = Connection(carrier, pairs.take)
        pairs.connection = connection
        # The pairs see the end of their streams and end, too.
        with suppress(ConnectionError):
            await connection.run()


class _Pair:
    """The client's end of one connection."""

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}
        self.complete = asyncio.Event()

    async def read(self) -> bytes:
        """What the client sent."""
        return await self.streams["data"].read()

    async def write(self, data: bytes) -> None:
        """Send."""
        await self.streams["data"].write(data)

    async def fail(self, message: str) -> None:
        """In the error stream."""
        await self.streams["error"].write(message.encode())

    async def finish(self) -> None:
        """Both streams end."""
        for stream in self.streams.values():
            await stream.finish()


class _Pairs:
    """Streams as they come, by the request that they belong to."""

    connection: Connection

    def __init__(self, group: asyncio.TaskGroup, carry: Carry) -> None:
        self._group = group
        self._carry = carry
        self._waiting: dict[str, _Pair] = {}

    def take(self, stream: Stream) -> bool:
        """A stream is opened; False for one that is no half of a pair."""
        kind = stream.headers.get(STREAM_TYPE, "")
        try:
            port = port_of(stream.headers.get("port", ""))
        except BadRequest:
            return False
        # Old clients send no id: their error stream comes first, and data right after it.
        fallback = stream.number if kind == "error" else stream.number - 2
        request = stream.headers.get("requestid", str(fallback))
        pair = self._waiting.get(request)
        if kind not in ("error", "data") or (pair is not None and kind in pair.streams):
            return False
        if pair is None:
            pair = self._waiting[request] = _Pair()
            self._group.create_task(self._serve(request, pair, port), name="port-forward")
        pair.streams[kind] = stream
        if len(pair.streams) == 2:
            pair.complete.set()
        return True

    async def _serve(self, request: str, pair: _Pair, port: int) -> None:
        try:
            async with asyncio.timeout(PAIR_SECONDS):
                await pair.complete.wait()
        except TimeoutError:
            await self._drop(pair)
        else:
            del self._waiting[request]
            await self._carry(port, pair)
        finally:
            self._waiting.pop(request, None)
            for stream in pair.streams.values():
                self.connection.close(stream)

    async def _drop(self, pair: _Pair) -> None:
        with suppress(ConnectionError):
            for stream in pair.streams.values():
                await self.connection.send(RstStream(stream.number, ResetStatus.CANCEL))
