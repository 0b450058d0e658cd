"""Pairs a caller's stream with the tunnel that an agent opens for it.

In: a caller's Logs, Exec, Attach or PortForward. Out, on the node's session: a TunnelRequest
with an unguessable id; the agent answers by opening a Tunnel stream that says the id first.
Then two pipes join the streams, up from the agent and down to it, both bounded.

An id is good for one tunnel, of the node that it was sent to, for OPEN_SECONDS. When the caller
goes away the agent's stream ends, or, not open yet, a TunnelCancel is sent; when the agent's
stream breaks, the caller gets ServiceUnavailable.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from master.dispatch.pipe import Pipe
from master.dispatch.sessions import Session, Sessions
from pilothouse.objects.errors import (
    ApiError,
    NotFound,
    ServerTimeout,
    ServiceUnavailable,
    TooManyRequests,
)
from protos.dispatch_pb2 import MasterMessage, TunnelCancel, TunnelDown, TunnelRequest, TunnelUp

OPEN_SECONDS = 30.0
TUNNELS_A_NODE = 256
BREAK_SECONDS = 0.05
LAST_WRITE_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Tunnel:
    """One pair: `up` carries what the agent says, `down` what the caller says."""

    def __init__(self, node: str) -> None:
        self.id = secrets.token_urlsafe(24)
        self.node = node
        self.up: Pipe[TunnelUp] = Pipe()
        self.down: Pipe[TunnelDown] = Pipe()
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()  # the caller is gone
        self.finished = False  # the agent has said how it ended

    async def close(self) -> None:
        """The caller needs it no more."""
        self.closed.set()
        await self.up.cut()
        await self.down.close()


class Tunnels:
    """All tunnels, open or waited for."""

    def __init__(self, sessions: Sessions, open_seconds: float = OPEN_SECONDS) -> None:
        self._sessions = sessions
        self._open_seconds = open_seconds
        self._waiting: dict[str, Tunnel] = {}
        self._count: dict[str, int] = {}

    @asynccontextmanager
    async def to(self, node: str, request: TunnelRequest) -> AsyncIterator[Tunnel]:
        """An open tunnel for the request (without id), closed at the end of the block.

        Raises ServiceUnavailable when the node has no session, TooManyRequests past
        TUNNELS_A_NODE, ServerTimeout when the agent does not open it in time.
        """
        session = self._sessions.get(node)
        if session is None:
            raise ServiceUnavailable(f'node "{node}" is not connected', resource="nodes", name=node)
        if self._count.get(node, 0) >= TUNNELS_A_NODE:
            raise TooManyRequests(f'node "{node}" has {TUNNELS_A_NODE} streams open')
        tunnel = Tunnel(node)
        self._count[node] = self._count.get(node, 0) + 1
        try:
            await self._open(session, tunnel, request)
            yield tunnel
        finally:
            self._uncount(node)
            await tunnel.close()

    def claim(self, node: str, id_: str) -> Tunnel:
        """The waiting tunnel of that node and id, which is used up now; NotFound otherwise."""
        tunnel = self._waiting.get(id_)
        # The same answer for another node's tunnel as for none: an id must not be probed.
        if tunnel is None or tunnel.node != node:
            raise NotFound("no such tunnel")
        del self._waiting[id_]
        tunnel.opened.set()
        return tunnel

    async def _open(self, session: Session, tunnel: Tunnel, request: TunnelRequest) -> None:
        asked = TunnelRequest()
        asked.CopyFrom(request)
        asked.id = tunnel.id
        if not session.post(MasterMessage(tunnel=asked)):
            raise TooManyRequests(f'too many messages wait for node "{tunnel.node}"')
        self._waiting[tunnel.id] = tunnel
        try:
            async with asyncio.timeout(self._open_seconds):
                await tunnel.opened.wait()
        except TimeoutError:
            raise ServerTimeout(f'node "{tunnel.node}" did not answer in time') from None
        finally:
            if self._waiting.pop(tunnel.id, None) is not None:
                session.post(MasterMessage(tunnel_cancel=TunnelCancel(id=tunnel.id)))

    def _uncount(self, node: str) -> None:
        self._count[node] -= 1
        if not self._count[node]:
            del self._count[node]


async def serve_agent(tunnel: Tunnel, requests: AsyncIterator[TunnelUp], context: Any) -> None:
    """The agent's stream of a claimed tunnel, until either side has no more to say."""
    broken: ApiError | None = ServiceUnavailable(f'the connection to node "{tunnel.node}" broke')
    try:
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(_write_down(tunnel, context), name="tunnel-down")
            reader = group.create_task(_read_up(tunnel, requests), name="tunnel-up")
            closing = group.create_task(tunnel.closed.wait(), name="tunnel-closed")
            await asyncio.wait((reader, closing), return_when=asyncio.FIRST_COMPLETED)
            if not tunnel.finished:
                # gRPC may show a broken stream as one that ended, and only then cancel us.
                await asyncio.wait((closing,), timeout=BREAK_SECONDS)
            # A write must not be cancelled: gRPC would still be at it when the call ends.
            await tunnel.down.cut()
            await asyncio.wait((writer,), timeout=LAST_WRITE_SECONDS)
            for task in (writer, reader, closing):
                task.cancel()
        broken = None
    finally:
        await tunnel.up.close(broken)
        await tunnel.down.cut()


async def _read_up(tunnel: Tunnel, requests: AsyncIterator[TunnelUp]) -> None:
    async for message in requests:
        tunnel.finished = _is_last(message)
        if not await tunnel.up.put(message):
            return


def _is_last(message: TunnelUp) -> bool:
    if message.HasField("output"):
        return message.output.HasField("exit_code") or message.output.HasField("error")
    return message.HasField("error")


async def _write_down(tunnel: Tunnel, context: Any) -> None:
    async for message in tunnel.down:
        await context.write(message)
