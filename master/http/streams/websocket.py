"""exec and attach over a WebSocket: messages in, messages out, one Protocol for both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import WSMsgType, web

from master.http.streams.channels import PROTOCOLS, Channel, Protocol, chosen, input_of
from master.http.streams.verdict import Verdict
from pilothouse.objects.errors import BadRequest
from protos.resources_pb2 import StreamInput, StreamStart

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
CLOSE_SECONDS = 5.0


def is_websocket(request: web.BaseRequest) -> bool:
    """The request asks for a WebSocket."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


def protocol_of(request: web.BaseRequest, known: Sequence[Protocol]) -> Protocol:
    """The subprotocol that both sides know. BadRequest."""
    offered = request.headers.getall("Sec-WebSocket-Protocol", [])
    names = [name.strip() for value in offered for name in value.split(",")]
    return chosen([name for name in names if name], known)


def socket_for(request: web.BaseRequest, protocol: Protocol) -> web.WebSocketResponse:
    """The WebSocket, not answered yet. BadRequest for what is no handshake."""
    socket = web.WebSocketResponse(
        timeout=CLOSE_SECONDS,
        protocols=(protocol.name,) if protocol.name else (),
        compress=False,
        max_msg_size=MAX_MESSAGE_BYTES,
    )
    if not socket.can_prepare(request):
        raise BadRequest(
            "the handshake of the WebSocket: Invalid value: Connection must be Upgrade, "
            "Sec-WebSocket-Version 13 and Sec-WebSocket-Key 16 bytes in base64"
        )
    return socket


async def messages(socket: web.WebSocketResponse) -> AsyncIterator[bytes | str]:
    """What the client sends. ConnectionResetError once it is gone."""
    async for message in socket:
        if message.type in (WSMsgType.BINARY, WSMsgType.TEXT):
            yield message.data
    raise ConnectionResetError("the client has closed the WebSocket")


class WebSocketProcess:
    """The caller's side of a process."""

    def __init__(self, socket: web.WebSocketResponse, protocol: Protocol) -> None:
        self.response = socket
        self._socket = socket
        self._protocol = protocol

    @classmethod
    def asked(cls, request: web.BaseRequest) -> WebSocketProcess:
        """What the request asks for. BadRequest."""
        protocol = protocol_of(request, PROTOCOLS)
        return cls(socket_for(request, protocol), protocol)

    @asynccontextmanager
    async def opened(self, request: web.BaseRequest, start: StreamStart) -> AsyncIterator[None]:
        """Answer. Closed after the block."""
        await self._socket.prepare(request)
        if not self._protocol.status:
            await self._greet(start)
        try:
            yield
        finally:
            await self._socket.close()

    async def _greet(self, start: StreamStart) -> None:
        """Say by an empty message that the process runs, as the oldest protocols do.

        Clients of the later ones know it by the handshake; kubectl may still be making its streams
        and would complain of a message for one that it has not yet.
        """
        writable = [(start.stdout, Channel.STDOUT), (start.stderr, Channel.STDERR)]
        first = next((channel for wanted, channel in writable if wanted), Channel.ERROR)
        await self.put(first, b"")

    async def inputs(self) -> AsyncIterator[StreamInput]:
        """What the caller says. BadRequest, ConnectionResetError."""
        async for message in messages(self._socket):
            said = input_of(self._protocol, *self._protocol.unpacked(message))
            if said is not None:
                yield said

    async def put(self, channel: Channel, data: bytes) -> None:
        """Bytes for the caller."""
        packed = self._protocol.packed(channel, data)
        if isinstance(packed, str):
            await self._socket.send_str(packed)
        else:
            await self._socket.send_bytes(packed)

    async def finish(self, verdict: Verdict) -> None:
        """The last words."""
        text = verdict.status() if self._protocol.status else verdict.text.encode()
        if text:
            await self.put(Channel.ERROR, text)
