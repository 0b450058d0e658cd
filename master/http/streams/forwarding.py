"""Port-forward: connections to ports of a pod, each through a tunnel of its own.

Three ways to carry them, one way to serve them (carrying.py). Over SPDY, raw or within a WebSocket,
the client opens streams for every connection as it comes; over a WebSocket with channels the
request names the ports, and each is one connection. What keeps a connection from being made is
told in its error stream; the others go on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from aiohttp import web

from master.dispatch.podstreams import PodStreams, require_node
from master.http.streams import portchannels
from master.http.streams.carrying import Forward
from master.http.streams.channels import PROTOCOLS, Protocol
from master.http.streams.query import ports_of
from master.http.streams.spdy import forward as spdy
from master.http.streams.upgrade import (
    NO_UPGRADE,
    SPDY,
    is_spdy,
    stream_protocol,
    wire_for,
)
from master.http.streams.websocket import (
    is_websocket,
    messages,
    protocol_of,
    socket_for,
)
from master.identity.authorization import Action
from master.identity.user import User
from pilothouse.objects.errors import BadRequest

TUNNEL: Final = Protocol(f"{SPDY}+{spdy.PROTOCOL}")


async def port_forward(
    request: web.BaseRequest, user: User, namespace: str, name: str, streams: PodStreams
) -> web.StreamResponse:
    """Serve until the client is gone."""
    action = Action("create", "pods", namespace, name, "portforward")
    pod = await streams.pod(user, action)
    require_node(pod)
    forward = Forward(streams, pod)
    if is_websocket(request):
        return await _over_websocket(request, forward)
    if is_spdy(request):
        return await _over_spdy(request, forward)
    raise BadRequest(NO_UPGRADE)


async def _over_spdy(request: web.BaseRequest, forward: Forward) -> web.StreamResponse:
    wire = wire_for(request, stream_protocol(request, (spdy.PROTOCOL,)))
    with suppress(ConnectionError):
        await wire.open()
        await spdy.serve(wire, forward.carry)
    return wire.response


async def _over_websocket(request: web.BaseRequest, forward: Forward) -> web.StreamResponse:
    protocol = protocol_of(request, (TUNNEL, *PROTOCOLS))
    ports = [] if protocol == TUNNEL else ports_of(request.query)
    if protocol != TUNNEL:
        portchannels.check_ports(ports, protocol)
    socket = socket_for(request, protocol)
    with suppress(ConnectionError):
        await socket.prepare(request)
        if protocol == TUNNEL:
            await spdy.serve(_SocketCarrier(socket), forward.carry)
        else:
            await portchannels.serve(socket, protocol, ports, forward.carry)
        await socket.close()
    return socket


class _SocketCarrier:
    """SPDY's bytes in the binary messages of a WebSocket, whose borders mean nothing."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._messages = messages(socket)

    async def read(self) -> bytes:
        """The next bytes."""
        try:
            while not (message := await anext(self._messages)):
                pass
        except ConnectionError:
            return b""
        return message.encode() if isinstance(message, str) else message

    async def write(self, data: bytes) -> None:
        """Send."""
        await self._socket.send_bytes(data)
