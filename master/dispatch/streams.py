"""The Streams service: a caller's logs, exec, attach and port-forward, through a tunnel.

Bytes pass through in both directions, with the flow control of both gRPC streams and a bounded
pipe between them. Nothing is interpreted but the first message, which names pod and container.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from master.dispatch.podstreams import PodStreams, chunks, join
from master.dispatch.tunnels import Tunnel
from master.identity.authentication import Authenticate
from master.identity.calls import answering
from pilothouse.objects.errors import BadRequest
from protos.resources_pb2 import Chunk, LogsRequest, StreamInput, StreamStart
from protos.resources_pb2_grpc import StreamsServicer

START_SECONDS = 30.0


class StreamsService(StreamsServicer):
    """See the module."""

    def __init__(self, streams: PodStreams, authenticate: Authenticate) -> None:
        self._streams = streams
        self._authenticate = authenticate

    async def Logs(self, request: LogsRequest, context: Any) -> None:  # noqa: N802
        """One container's log."""
        async with answering(context):
            opening = await self._streams.logs(
                self._authenticate(context), request.namespace, request.pod, request.options
            )
            async with opening as tunnel:
                async for data in chunks(tunnel):
                    await context.write(Chunk(data=data))

    async def Exec(self, requests: AsyncIterator[StreamInput], context: Any) -> None:  # noqa: N802
        """A command in a container."""
        async with answering(context):
            start = await _start(requests)
            await _carry(
                await self._streams.exec(self._authenticate(context), start), requests, context
            )

    async def Attach(self, requests: AsyncIterator[StreamInput], context: Any) -> None:  # noqa: N802
        """A container's main process."""
        async with answering(context):
            start = await _start(requests)
            opening = await self._streams.attach(self._authenticate(context), start)
            await _carry(opening, requests, context)

    async def PortForward(  # noqa: N802
        self, requests: AsyncIterator[StreamInput], context: Any
    ) -> None:
        """One TCP connection to a port of a pod."""
        async with answering(context):
            start = await _start(requests)
            await _carry(
                await self._streams.port(self._authenticate(context), start), requests, context
            )


async def _carry(
    opening: AbstractAsyncContextManager[Tunnel],
    requests: AsyncIterator[StreamInput],
    context: Any,
) -> None:
    async with opening as tunnel:
        await join(tunnel, requests, context.write)


async def _start(requests: AsyncIterator[StreamInput]) -> StreamStart:
    try:
        async with asyncio.timeout(START_SECONDS):
            first = await anext(requests, None)
    except TimeoutError:
        raise BadRequest(f"no start message within {START_SECONDS:.0f} s") from None
    if first is None or first.WhichOneof("content") != "start":
        raise BadRequest("the first message of the stream must be start")
    start = StreamStart()
    start.CopyFrom(first.start)
    return start
