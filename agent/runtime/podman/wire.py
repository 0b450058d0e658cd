"""The engine's interactive streams on the bare socket.

An exec or attach is a POST with `Connection: Upgrade`; the answer is 101 and from then on
the connection carries the process's streams: without a terminal the output in frames of
8 bytes (stream number, three of padding, length, big-endian) and data, with one raw bytes.
Input goes as it is, its end is the half-close of the connection.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from agent.runtime.errors import EngineUnavailable, NotFound, NotRunning, StreamBroken
from agent.runtime.specs import Channel
from agent.runtime.states import Output

PIECE = 64 * 1024
_HEADER = struct.Struct(">BxxxL")
_HEAD_LIMIT = 64 * 1024
_OPENING_LIMIT = 30.0


async def upgraded(
    socket: Path, path: str, body: dict[str, Any] | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that carries streams. EngineUnavailable, NotFound, NotRunning."""
    try:
        async with asyncio.timeout(_OPENING_LIMIT):
            reader, writer = await asyncio.open_unix_connection(str(socket), limit=_HEAD_LIMIT)
    except (OSError, TimeoutError) as error:
        raise EngineUnavailable(f"podman: {error}") from error
    try:
        async with asyncio.timeout(_OPENING_LIMIT):
            await _ask(reader, writer, path, body)
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        writer.close()
        raise EngineUnavailable(f"podman: {error}") from error
    except (NotFound, NotRunning, asyncio.CancelledError):
        writer.close()
        raise
    return reader, writer


async def _ask(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    path: str,
    body: dict[str, Any] | None,
) -> None:
    # Whatever follows the head of an attach is the container's input already.
    content = b"" if body is None else json.dumps(body).encode()
    writer.write(
        f"POST /v4.0.0/libpod{path} HTTP/1.1\r\nHost: podman\r\nConnection: Upgrade\r\n"
        f"Upgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        "\r\n".encode()
        + content
    )
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status = int(head.split(" ", 2)[1])
    if status in (101, 200):
        return
    message = (await reader.read(_HEAD_LIMIT)).decode(errors="replace").strip()
    raise NotFound(message) if status == 404 else NotRunning(message)


class UpgradedSession:
    """Session over such a connection. resize and exit_code are asked on the REST side.

    may_break: the connection of a process that ends with input unread is reset: its exit code
    tells then how it ended.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        tty: bool,
        may_break: bool = False,
        resize: Callable[[int, int], Awaitable[None]],
        exit_code: Callable[[], Awaitable[int]],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._tty = tty
        self._may_break = may_break
        self._resize = resize
        self._exit_code = exit_code

    async def read(self) -> Output | None:
        """The next output."""
        try:
            return await (self._raw() if self._tty else self._frame())
        except OSError as error:
            if self._may_break:
                return None
            raise StreamBroken(f"podman: {error}") from error

    async def _raw(self) -> Output | None:
        data = await self._reader.read(PIECE)
        return Output(Channel.STDOUT, data) if data else None

    async def _frame(self) -> Output | None:
        while True:
            try:
                number, length = _HEADER.unpack(await self._reader.readexactly(_HEADER.size))
                data = await self._reader.readexactly(length)
            except asyncio.IncompleteReadError as error:
                if error.partial:
                    raise StreamBroken("podman: the stream ended within a frame") from error
                return None
            if data:
                return Output(Channel.STDERR if number == 2 else Channel.STDOUT, data)

    async def write(self, data: bytes) -> None:
        """To the standard input."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise StreamBroken(f"the process does not read: {error}") from error

    async def close_input(self) -> None:
        """End of the standard input."""
        try:
            self._writer.write_eof()
        except OSError as error:
            raise StreamBroken(f"the process does not read: {error}") from error

    async def resize(self, width: int, height: int) -> None:
        """The terminal's size."""
        if self._tty:
            await self._resize(width, height)

    async def exit_code(self) -> int:
        """Of the process."""
        return await self._exit_code()

    async def close(self) -> None:
        """Let go."""
        self._writer.close()


class SocketConnection:
    """Connection over a socket that is connected already."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        """The next bytes."""
        try:
            return await self._reader.read(PIECE)
        except OSError as error:
            raise StreamBroken(str(error)) from error

    async def write(self, data: bytes) -> None:
        """Send."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise StreamBroken(str(error)) from error

    async def close_input(self) -> None:
        """No more follows."""
        try:
            self._writer.write_eof()
        except OSError as error:
            raise StreamBroken(str(error)) from error

    async def close(self) -> None:
        """Let go."""
        self._writer.close()
