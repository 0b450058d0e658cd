"""Posts over HTTPS that cost their sender little: keep-alive connections, and no more of HTTP than
the API's answers to a POST need."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

HOST: Final = "127.0.0.1"
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def request(path: str, token: str, body: bytes) -> bytes:
    """The whole request, so that nothing is left to do when the clock runs."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@asynccontextmanager
async def connections(port: int, ca: Path, count: int) -> AsyncIterator[list[_Connection]]:
    """So many, open, for the block."""
    trust = ssl.create_default_context(cafile=str(ca))
    opening = (asyncio.open_connection(HOST, port, ssl=trust) for _ in range(count))
    opened = await asyncio.gather(*opening)
    try:
        yield opened
    finally:
        for _, writer in opened:
            writer.close()


async def post_all(opened: Sequence[_Connection], requests: Iterable[bytes]) -> None:
    """Each request once, one at a time on every connection. RuntimeError for what is refused."""
    waiting = iter(requests)

    async def caller(connection: _Connection) -> None:
        for message in waiting:
            await _post(connection, message)

    await asyncio.gather(*(caller(connection) for connection in opened))


async def _post(connection: _Connection, message: bytes) -> None:
    reader, writer = connection
    writer.write(message)
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if length is None:
        raise RuntimeError(f"an answer without a length: {head!r}")
    body = await reader.readexactly(int(length[1]))
    if not head.startswith(b"HTTP/1.1 201"):
        raise RuntimeError(f"not created: {body!r}")
