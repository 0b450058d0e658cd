"""Requests that are answered by a stream from or to a pod; see master.http.streams."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from master.dispatch.podstreams import PodStreams
from master.http.call import Call
from master.http.streams.forwarding import port_forward
from master.http.streams.logs import logs
from master.http.streams.proxying.proxy import proxy
from master.http.streams.remote import attach, exec_
from master.identity.user import User

Connect = Callable[[web.BaseRequest, User, str, str, PodStreams], Awaitable[web.StreamResponse]]

CONNECTED: Final[dict[str, Connect]] = {
    "log": logs,
    "exec": exec_,
    "attach": attach,
    "portforward": port_forward,
}
PROXY: Final = "proxy"


class Connections:
    """`names`: the subresources that are streams."""

    names: Final = frozenset({*CONNECTED, PROXY})

    def __init__(self, streams: PodStreams) -> None:
        self._streams = streams

    async def connect(self, call: Call) -> web.StreamResponse:
        """Answer with the stream, until it ends."""
        target = call.target
        if target.subresource == PROXY:
            return await proxy(
                call.request, target.resource, target.namespace, target.name, self._streams
            )
        connect = CONNECTED[target.subresource]
        return await connect(call.request, call.user, target.namespace, target.name, self._streams)
