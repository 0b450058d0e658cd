"""A SPDY client over TLS or within a WebSocket, frame by frame."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

import aiohttp

from master.http.streams.spdy import frames
from master.http.streams.spdy.decoding import Decoder
from master.http.streams.spdy.encoding import Encoder
from master.http.streams.spdy.frames import Data, Frame
from tests.master.http.streams.face import Face
from tests.master.running import DEADLINE


class Carrier(Protocol):
    async def read(self) -> bytes: ...
    async def write(self, data: bytes) -> None: ...
    async def close(self) -> None: ...


class SocketCarrier:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def read(self) -> bytes:
        return await self._reader.read(65_536)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


class MessageCarrier:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def read(self) -> bytes:
        message = await self._socket.receive()
        return message.data if message.type is aiohttp.WSMsgType.BINARY else b""

    async def write(self, data: bytes) -> None:
        await self._socket.send_bytes(data)

    async def close(self) -> None:
        await self._socket.close()


async def upgrade(
    served: Face, path: str, headers: Mapping[str, str]
) -> tuple[int, str, SocketCarrier]:
    """Status, head and the connection behind it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, ssl=served.tls())
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Length: 0"]
    lines += [f"{key}: {value}" for key, value in headers.items()]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    async with asyncio.timeout(DEADLINE):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    return int(head.split()[1]), head, SocketCarrier(reader, writer)


class Client:
    """The client's side of a connection; keeps frames that were not asked for yet."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self._encoder = Encoder()
        self._decoder = Decoder()
        self._next = 1
        self._received: deque[Frame] = deque()
        self._ended = False

    async def send(self, frame: Frame) -> None:
        await self.carrier.write(self._encoder.encode(frame))

    async def open(self, **headers: str) -> int:
        """A new stream, taken by the server."""
        number = self._next
        self._next += 2
        await self.send(frames.SynStream(number, headers))
        await self.hear(frames.SynReply, number)
        return number

    async def say(self, stream: int, data: bytes = b"", *, fin: bool = False) -> None:
        await self.send(Data(stream, data, fin))

    async def hear(self, kind: type, stream: int | None = None) -> Any:
        """The next frame of that kind, of that stream; None at the connection's end."""
        while True:
            for frame in self._received:
                if isinstance(frame, kind) and stream in (None, getattr(frame, "stream", None)):
                    self._received.remove(frame)
                    return frame
            if self._ended:
                return None
            async with asyncio.timeout(DEADLINE):
                data = await self.carrier.read()
            self._ended = not data
            self._received.extend(self._decoder.feed(data))

    async def read(self, stream: int) -> bytes:
        """All of a stream's data, to its end."""
        data = b""
        while (frame := await self.hear(Data, stream)) is not None:
            data += frame.data
            if frame.fin:
                return data
        raise AssertionError(f"the connection ended within stream {stream}")
