"""exec and attach: a process in a pod, talked to over a WebSocket or SPDY.

The answer waits until the process runs: what keeps it from running is told as a Status, not in
the stream. After that the stream ends with a verdict, and always some hours (idle.py) after the
last byte in either direction. A caller that goes away ends it; nobody waits for the process then.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import replace
from typing import Protocol

from aiohttp import web

from master.dispatch.podstreams import PodStreams, join, started
from master.dispatch.tunnels import Tunnel
from master.http.streams.channels import Channel
from master.http.streams.idle import idle_limit
from master.http.streams.query import start_of
from master.http.streams.spdy.process import SpdyProcess
from master.http.streams.upgrade import NO_UPGRADE, is_spdy
from master.http.streams.verdict import Verdict
from master.http.streams.websocket import WebSocketProcess, is_websocket
from master.identity.user import User
from pilothouse.objects.errors import ApiError, BadRequest, InternalError
from protos.resources_pb2 import StreamInput, StreamOutput, StreamStart


class Process(Protocol):
    """The caller's side, whatever carries it."""

    @property
    def response(self) -> web.StreamResponse:
        """The answer."""
        ...

    def opened(
        self, request: web.BaseRequest, start: StreamStart
    ) -> AbstractAsyncContextManager[None]:
        """Answer: the process runs. For the length of the block. ConnectionError."""
        ...

    def inputs(self) -> AsyncIterator[StreamInput]:
        """What the caller says. BadRequest, ConnectionResetError."""
        ...

    async def put(self, channel: Channel, data: bytes) -> None:
        """Bytes for the caller, waiting while it does not take them. ConnectionResetError."""
        ...

    async def finish(self, verdict: Verdict) -> None:
        """The last words. ConnectionResetError."""
        ...


async def exec_(
    request: web.BaseRequest, user: User, namespace: str, name: str, streams: PodStreams
) -> web.StreamResponse:
    """A command in a container."""
    start = start_of(request.query, namespace, name)
    process = _asked(request)
    return await _serve(request, await streams.exec(user, start), start, process)


async def attach(
    request: web.BaseRequest, user: User, namespace: str, name: str, streams: PodStreams
) -> web.StreamResponse:
    """A container's main process. How it ends is in the pod's status, and no fault of attach."""
    start = start_of(request.query, namespace, name)
    process = _asked(request)
    opening = await streams.attach(user, start)
    return await _serve(request, opening, start, process, tells_code=False)


def _asked(request: web.BaseRequest) -> Process:
    """How the request will be answered. BadRequest when it asks for nothing known."""
    if is_websocket(request):
        return WebSocketProcess.asked(request)
    if is_spdy(request):
        return SpdyProcess.asked(request)
    raise BadRequest(NO_UPGRADE)


async def _serve(
    request: web.BaseRequest,
    opening: AbstractAsyncContextManager[Tunnel],
    start: StreamStart,
    process: Process,
    *,
    tells_code: bool = True,
) -> web.StreamResponse:
    with suppress(ConnectionError):
        async with AsyncExitStack() as stack:
            async with opening as tunnel:
                await started(tunnel)
                await stack.enter_async_context(process.opened(request, start))
                verdict = await _converse(tunnel, start, process)
            if verdict is not None:
                await process.finish(verdict if tells_code else replace(verdict, exit_code=0))
    return process.response


async def _converse(tunnel: Tunnel, start: StreamStart, process: Process) -> Verdict | None:
    """Until the process ends; None when the caller has gone."""
    exit_code: int | None = None

    async def write(output: StreamOutput) -> None:
        nonlocal exit_code
        busy()
        match output.WhichOneof("content"):
            case "stdout" if start.stdout:
                await process.put(Channel.STDOUT, output.stdout)
            case "stderr" if start.stderr:
                await process.put(Channel.STDERR, output.stderr)
            case "exit_code":
                exit_code = output.exit_code
            case "error":
                raise InternalError(output.error)

    async def inputs() -> AsyncIterator[StreamInput]:
        async for said in process.inputs():
            busy()
            yield said

    try:
        async with idle_limit() as busy:
            await join(tunnel, inputs(), write)
    except ApiError as error:
        return Verdict(error=error)
    return None if exit_code is None else Verdict(exit_code)
