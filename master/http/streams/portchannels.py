"""Port-forward over a WebSocket with channels: 2n for the n-th port's data, 2n+1 for its error.

Each channel begins with its port as two bytes, little-endian; a port is one connection. There is no
half-close: what the client may do is close all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from master.http.streams.carrying import Carry
from master.http.streams.channels import Protocol
from master.http.streams.inbox import Inbox
from master.http.streams.websocket import messages
from pilothouse.objects.errors import BadRequest

MAX_PORTS: Final = 64
MAX_PORTS_BASE64: Final = 5  # a channel is one digit there


def check_ports(ports: Sequence[int], protocol: Protocol) -> None:
    """Raises BadRequest."""
    limit = MAX_PORTS_BASE64 if protocol.base64 else MAX_PORTS
    if not 1 <= len(ports) <= limit:
        raise BadRequest(f"ports: Invalid value: {len(ports)} of them: must be 1 to {limit}")


class _ChannelEnd:
    """The client's end of one connection."""

    def __init__(self, socket: web.WebSocketResponse, protocol: Protocol, number: int) -> None:
        self.inbox = Inbox()
        self._socket = socket
        self._protocol = protocol
        self._number = number

    async def read(self) -> bytes:
        """What the client sent."""
        return await self.inbox.get()

    async def write(self, data: bytes) -> None:
        """Send."""
        await self._put(2 * self._number, data)

    async def fail(self, message: str) -> None:
        """In the error channel."""
        await self._put(2 * self._number + 1, message.encode())

    async def finish(self) -> None:
        """Nobody reads what the client sends any more."""
        self.inbox.break_off()

    async def begin(self, port: int) -> None:
        """Name the port in both channels."""
        for channel in (2 * self._number, 2 * self._number + 1):
            await self._put(channel, port.to_bytes(2, "little"))

    async def _put(self, channel: int, data: bytes) -> None:
        packed = self._protocol.packed(channel, data)
        if isinstance(packed, str):
            await self._socket.send_str(packed)
        else:
            await self._socket.send_bytes(packed)


async def serve(
    socket: web.WebSocketResponse, protocol: Protocol, ports: Sequence[int], carry: Carry
) -> None:
    """Until every connection has ended or the client is gone. ConnectionError."""
    ends = [_ChannelEnd(socket, protocol, number) for number in range(len(ports))]
    for port, end in zip(ports, ends, strict=True):
        await end.begin(port)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(_read(socket, protocol, ends), name="port-forward-input")
        carrying = [
            group.create_task(carry(port, end), name="port-forward")
            for port, end in zip(ports, ends, strict=True)
        ]
        await asyncio.wait(carrying)
        reading.cancel()


async def _read(
    socket: web.WebSocketResponse, protocol: Protocol, ends: Sequence[_ChannelEnd]
) -> None:
    try:
        async for message in messages(socket):
            channel, data = protocol.unpacked(message)
            if channel % 2 == 0 and channel // 2 < len(ends):
                await ends[channel // 2].inbox.put(data)
    except (ConnectionError, BadRequest):
        for end in ends:
            end.inbox.break_off()
