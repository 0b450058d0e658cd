"""A container's log as plain text, in chunks as it comes.

The head of the answer waits until the log is open, so that what keeps it from being read is told
as a Status. When the node goes away in the middle, the connection is cut within the body: the
reader must not take a part for the whole. A reader that leaves ends a followed log at once.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from aiohttp import web

from master.dispatch.podstreams import PodStreams, Unbound, chunks
from master.dispatch.tunnels import Tunnel
from master.http.streams.query import log_options_of
from master.http.streams.takeover import Departure
from master.identity.user import User
from pilothouse.objects.errors import ApiError


async def logs(
    request: web.BaseRequest, user: User, namespace: str, name: str, streams: PodStreams
) -> web.StreamResponse:
    """The log, or 204 of a pod that no node has yet."""
    options = log_options_of(request.query)
    try:
        opening = await streams.logs(user, namespace, name, options)
    except Unbound:
        return await _empty(request)
    async with opening as tunnel:
        if not options.follow:
            return await _sent(request, tunnel)
        async with asyncio.TaskGroup() as group:
            departure = Departure(request)
            watching = group.create_task(_cut(tunnel, departure), name="log-reader")
            sent = await _outcome(request, tunnel)
            watching.cancel()
    if isinstance(sent, ApiError):
        raise sent
    return sent


async def _empty(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(status=204)
    await response.prepare(request)
    await response.write_eof()
    return response


async def _cut(tunnel: Tunnel, departure: Departure) -> None:
    await departure.wait()
    await tunnel.close()


async def _outcome(request: web.BaseRequest, tunnel: Tunnel) -> web.StreamResponse | ApiError:
    """An error is returned, because a raised one would come out as a group."""
    try:
        return await _sent(request, tunnel)
    except ApiError as error:
        return error


async def _sent(request: web.BaseRequest, tunnel: Tunnel) -> web.StreamResponse:
    """Everything there is; ApiError only before the head of the answer."""
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    async with aclosing(chunks(tunnel)) as pieces:
        first = await anext(pieces, b"")
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        try:
            await response.write(first)
            async for piece in pieces:
                await response.write(piece)
            await response.write_eof()
        except ApiError:
            request.protocol.force_close()
        except ConnectionError:
            pass
    return response
