"""exec and attach over SPDY: one stream for each of a process's, named by its headers.

The client opens them after the answer: error always, stdin, stdout and stderr as it asked, resize
for a terminal. The end of the stdin stream is the end of the input.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from aiohttp import web

from master.http.streams.channels import Channel, resized
from master.http.streams.spdy.connection import Connection, Stream
from master.http.streams.takeover import Wire
from master.http.streams.upgrade import stream_protocol, wire_for
from master.http.streams.verdict import Verdict
from protos.resources_pb2 import StreamInput, StreamStart

STREAM_TYPE: Final = "streamtype"
OPEN_SECONDS = 30.0
LEAVE_SECONDS = 5.0
SAID = 8  # inputs that wait to be taken

_OLD: Final = ("v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io")
PROTOCOLS: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io", *_OLD)
_WITHOUT_RESIZE: Final = _OLD[1:]
_CHANNELS: Final = {channel.name.lower(): channel for channel in Channel if channel.value < 5}


class SpdyProcess:
    """The caller's side of a process."""

    def __init__(self, wire: Wire, protocol: str) -> None:
        self.response: web.StreamResponse = wire.response
        self._wire = wire
        self._protocol = protocol
        self._streams: dict[Channel, Stream] = {}
        self._wanted: frozenset[Channel] = frozenset()
        self._complete = asyncio.Event()  # all are open, or the client is gone
        self._gone = False
        self._said: asyncio.Queue[StreamInput | None] = asyncio.Queue(SAID)

    @classmethod
    def asked(cls, request: web.BaseRequest) -> SpdyProcess:
        """What the request asks for. BadRequest."""
        protocol = stream_protocol(request, PROTOCOLS)
        return cls(wire_for(request, protocol), protocol)

    @asynccontextmanager
    async def opened(self, request: web.BaseRequest, start: StreamStart) -> AsyncIterator[None]:
        """Answer, and have the client open its streams, for the length of the block."""
        self._wanted = self._expected(start)
        await self._wire.open()
        connection = Connection(self._wire, self._take)
        gone: ConnectionError | None = None  # kept: a group would wrap it
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self._run(connection), name="spdy-connection")
            pumping: asyncio.Task[None] | None = None
            try:
                await self._all_there()
                pumping = group.create_task(self._pump(), name="spdy-input")
                yield
            except ConnectionError as error:
                gone = error
            finally:
                if pumping is not None:
                    pumping.cancel()
                await _leave(connection, running)
        if gone is not None:
            raise gone

    def _expected(self, start: StreamStart) -> frozenset[Channel]:
        asked = {
            Channel.STDIN: start.stdin,
            Channel.STDOUT: start.stdout,
            Channel.STDERR: start.stderr,
            Channel.ERROR: True,
            Channel.RESIZE: start.tty and self._protocol not in _WITHOUT_RESIZE,
        }
        return frozenset(channel for channel, wanted in asked.items() if wanted)

    def _take(self, stream: Stream) -> bool:
        channel = _CHANNELS.get(stream.headers.get(STREAM_TYPE, ""))
        if channel not in self._wanted or channel in self._streams:
            return False
        self._streams[channel] = stream
        if self._streams.keys() == self._wanted:
            self._complete.set()
        return True

    async def _run(self, connection: Connection) -> None:
        with suppress(ConnectionError):
            await connection.run()
        self._gone = True
        self._complete.set()
        # Whoever waits for an input learns of it.
        while not self._said.empty():
            self._said.get_nowait()
        self._said.put_nowait(None)

    async def _all_there(self) -> None:
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await self._complete.wait()
        except TimeoutError:
            names = ", ".join(channel.name.lower() for channel in self._wanted)
            raise ConnectionResetError(f"the client did not open its streams: {names}") from None
        if self._gone:
            raise ConnectionResetError("the client is gone")

    async def _pump(self) -> None:
        async with asyncio.TaskGroup() as group:
            if Channel.STDIN in self._streams:
                group.create_task(self._pump_stdin(self._streams[Channel.STDIN]))
            if Channel.RESIZE in self._streams:
                group.create_task(self._pump_sizes(self._streams[Channel.RESIZE]))

    async def _pump_stdin(self, stream: Stream) -> None:
        with suppress(ConnectionError):
            while data := await stream.read():
                await self._said.put(StreamInput(stdin=data))
            await self._said.put(StreamInput(close_input=True))

    async def _pump_sizes(self, stream: Stream) -> None:
        with suppress(ConnectionError):
            while data := await stream.read():
                # Several may have come in one piece; the last one counts.
                size = resized(data[data.rfind(b"{") :])
                if size is not None:
                    await self._said.put(StreamInput(resize=size))

    async def inputs(self) -> AsyncIterator[StreamInput]:
        """What the caller says. ConnectionResetError."""
        while (said := await self._said.get()) is not None:
            yield said
        raise ConnectionResetError("the client is gone")

    async def put(self, channel: Channel, data: bytes) -> None:
        """Bytes for the caller. ConnectionError."""
        await self._streams[channel].write(data)

    async def finish(self, verdict: Verdict) -> None:
        """The last words. ConnectionError."""
        text = verdict.text.encode() if self._protocol in _OLD else verdict.status()
        await self._streams[Channel.ERROR].write(text)
        for stream in self._streams.values():
            await stream.finish()


async def _leave(connection: Connection, running: asyncio.Task[None]) -> None:
    """Until the client has closed, too, for a time: a connection that is closed with bytes unread
    is reset, and what is still on its way to the client is lost."""
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(LEAVE_SECONDS):
            await connection.leave()
            await running
    running.cancel()
