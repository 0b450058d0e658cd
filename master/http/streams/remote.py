"""exec and attach: a process in a pod, talked to over a WebSocket or SPDY.

The answer waits until the process runs: what keeps it from running is told as a Status, not in
the stream. After that the stream ends with a verdict, and always within IDLE_SECONDS of the last
byte in either direction. A caller that goes away ends it; nobody waits for the process then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

from aiohttp import web

from master.dispatch.podstreams import PodStreams, join, started
from master.dispatch.tunnels import Tunnel
from master.http.streams.channels import Channel
from master.http.streams.query import start_of
from master.http.streams.verdict import Verdict
from master.http.streams.websocket import WebSocketProcess, is_websocket
from master.identity.user import User
from pilothouse.objects.errors import ApiError, BadRequest, InternalError, ServerTimeout
from protos.resources_pb2 import StreamInput, StreamOutput, StreamStart

IDLE_SECONDS = 4 * 3600.0


class Process(Protocol):
    """The caller's side, whatever carries it."""

    @property
    def response(self) -> web.StreamResponse:
        """The answer."""
        ...

    async def open(self, request: web.BaseRequest, start: StreamStart) -> None:
        """Answer: the process runs. ConnectionResetError."""
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

    async def close(self) -> None:
        """Let the caller go."""
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
    """A container's main process."""
    start = start_of(request.query, namespace, name)
    process = _asked(request)
    return await _serve(request, await streams.attach(user, start), start, process)


def _asked(request: web.BaseRequest) -> Process:
    """How the request will be answered. BadRequest when it asks for nothing known."""
    if is_websocket(request):
        return WebSocketProcess.asked(request)
    raise BadRequest("Upgrade: Required value: must be websocket")


async def _serve(
    request: web.BaseRequest,
    opening: AbstractAsyncContextManager[Tunnel],
    start: StreamStart,
    process: Process,
) -> web.StreamResponse:
    with suppress(ConnectionError):
        async with opening as tunnel:
            await started(tunnel)
            await process.open(request, start)
            verdict = await _converse(tunnel, start, process)
        if verdict is not None:
            await process.finish(verdict)
        await process.close()
    return process.response


async def _converse(tunnel: Tunnel, start: StreamStart, process: Process) -> Verdict | None:
    """Until the process ends; None when the caller has gone."""
    exit_code: int | None = None

    async def write(output: StreamOutput) -> None:
        nonlocal exit_code
        idle.reschedule(loop.time() + IDLE_SECONDS)
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
            idle.reschedule(loop.time() + IDLE_SECONDS)
            yield said

    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(IDLE_SECONDS) as idle:
            await join(tunnel, inputs(), write)
    except ApiError as error:
        return Verdict(error=error)
    except TimeoutError:
        return Verdict(error=ServerTimeout(f"the stream was idle for {IDLE_SECONDS:.0f} s"))
    return None if exit_code is None else Verdict(exit_code)
