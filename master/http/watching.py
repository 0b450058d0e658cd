"""A watch: events as they happen, over a chunked answer or a WebSocket.

In: the registry's batches. Out: one JSON text a line, or one length-prefixed message, an event;
a batch is one write. An event is encoded once for all who watch in the same form. The watch ends
after timeoutSeconds, or with an ERROR event where the caller must list again.

Not promised: that a slow reader sees everything; the hub cuts it off with Expired.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final

from aiohttp import WSMsgType, web

from master.api.events import Delivery
from master.api.registry import Registry
from master.http.access import subprotocols
from master.http.answering import CACHE
from master.http.call import Call
from master.http.events import Frames
from master.http.negotiation import PARTIAL, TABLE, Accepted, Media
from master.http.parameters import invalid_options
from master.http.reading import NOT_OLDER, require_reached
from pilothouse.client.interface import EventType
from pilothouse.objects.errors import ApiError, Cause, Expired, Invalid, NotAcceptable

STUCK_SECONDS: Final = 60.0  # the longest that a watch waits for its reader to read
MAX_HEARD: Final = 4096  # bytes of a WebSocket message that a watching client may send
MIN_SECONDS: Final = 1800  # a watch without timeoutSeconds ends after one to two of these
FEW: Final = 50  # so many watches of a kind are told everything at once
PAUSE: Final = 1e-4  # seconds a watch
MAX_PAUSE: Final = 0.1  # seconds
Batches = AsyncGenerator[Sequence[Delivery], None]


class Watches:
    """See the module."""

    def __init__(self, registry: Registry, frames: Frames) -> None:
        self._registry = registry
        self._frames = frames
        self._running: set[asyncio.Task[Any]] = set()

    def end(self) -> None:
        """Cut every watch off: the master stops."""
        for task in self._running:
            task.cancel()

    async def watch(self, call: Call, field_selector: str) -> web.StreamResponse:
        """Answer with events until the end; ApiError only before the first byte."""
        wanted = call.accepted(TABLE, PARTIAL)
        if wanted.media is Media.YAML:
            raise NotAcceptable("a watch is served as application/json or protobuf")
        parameters = call.parameters
        initial = _initial_events(call)
        after = parameters.revision or 0
        if initial is None:
            require_reached(self._registry, after)
        start = self._registry.revision if initial is False and not after else after
        bookmarks = parameters.flag("allowWatchBookmarks")
        batches = self._registry.watch(
            call.served.stored,
            call.target.namespace,
            revision=0 if initial else start,
            label_selector=parameters.text("labelSelector"),
            field_selector=field_selector,
            bookmarks=bookmarks,
        )
        seconds = parameters.integer("timeoutSeconds") or MIN_SECONDS * (1 + random.random())  # noqa: S311 - spreads the ends
        topic = self._registry.topic(call.served.stored)
        stream = _Stream(
            self._frames,
            call,
            wanted,
            lambda: pause_of(topic.watching),
            mark_initial=bool(initial) and bookmarks,
        )
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            if call.request.headers.get("Upgrade", "").lower() == "websocket":
                return await stream.over_socket(batches, seconds)
            return await stream.over_chunks(batches, seconds)
        finally:
            self._running.discard(task)


def _initial_events(call: Call) -> bool | None:
    """sendInitialEvents, None where it is not said; Invalid without its companions."""
    parameters = call.parameters
    match = parameters.text("resourceVersionMatch")
    field = "resourceVersionMatch"
    if not parameters.has("sendInitialEvents"):
        if match:
            raise _forbidden(
                field,
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            )
        return None
    if match != NOT_OLDER:
        raise _forbidden(
            field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        )
    return parameters.flag("sendInitialEvents")


def _forbidden(field: str, why: str) -> Invalid:
    return invalid_options("ListOptions", Cause(field, "FieldValueForbidden", f"Forbidden: {why}"))


def pause_of(watching: int) -> float:
    """Seconds that a watch rests behind a batch, which grow with the number of those who watch
    the kind, up to MAX_PAUSE: what happens meanwhile is one more batch, and one write."""
    return 0.0 if watching <= FEW else min(MAX_PAUSE, watching * PAUSE)


class _Stream:
    """One watch's way out."""

    def __init__(
        self,
        frames: Frames,
        call: Call,
        wanted: Accepted,
        pause: Callable[[], float],
        *,
        mark_initial: bool,
    ) -> None:
        self._frames = frames
        self._call = call
        self._wanted = wanted
        self._mark_initial = mark_initial
        self._form = frames.form(call.served, wanted)
        self._pause = pause
        self._is_stuck = False

    async def over_chunks(self, batches: Batches, seconds: float) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": _content_type(self._wanted), "Cache-Control": CACHE}
        )
        response.enable_chunked_encoding()
        await response.prepare(self._call.request)
        contents = self._contents(batches)
        try:
            async with asyncio.timeout(seconds), aclosing(contents):
                async for content in contents:
                    await self._write(response, b"".join(content))
        except TimeoutError:
            pass  # it has lasted as long as it was to
        if self._is_stuck:
            self._call.request.protocol.force_close()
        else:
            await response.write_eof()
        return response

    async def _write(self, response: web.StreamResponse, content: bytes) -> None:
        transport = self._call.request.transport
        if transport is None or not transport.get_write_buffer_size():
            await response.write(content)
            return
        # What was written before has not left yet: the reader is slow, or reads no more.
        self._is_stuck = True
        async with asyncio.timeout(STUCK_SECONDS):
            await response.write(content)
        self._is_stuck = False

    async def over_socket(self, batches: Batches, seconds: float) -> web.StreamResponse:
        # Nothing hangs on the subprotocol, but browsers want theirs confirmed.
        offered = subprotocols(self._call.request)
        socket = web.WebSocketResponse(protocols=offered, max_msg_size=MAX_HEARD)
        await socket.prepare(self._call.request)
        listening = asyncio.ensure_future(_until_closed(socket))
        try:
            async with asyncio.timeout(seconds):
                await self._send(socket, listening, batches)
        except TimeoutError:
            pass  # it has lasted as long as it was to
        finally:
            listening.cancel()
            await socket.close()
        return socket

    async def _send(
        self,
        socket: web.WebSocketResponse,
        listening: asyncio.Future[None],
        batches: Batches,
    ) -> None:
        binary = self._wanted.media is Media.PROTOBUF
        contents = self._contents(batches)
        async with aclosing(contents):
            async for content in contents:
                if listening.done():
                    return
                for event in content:
                    if binary:
                        await socket.send_bytes(event)
                    else:
                        await socket.send_str(event.decode())

    async def _contents(self, batches: Batches) -> AsyncGenerator[list[bytes], None]:
        """Encoded events, batch by batch; the last may be an ERROR."""
        frames, wanted = self._frames, self._wanted
        try:
            async with aclosing(batches):
                async for batch in batches:
                    yield [self._encoded(type_, event) for type_, event in batch]
                    pause = self._pause()
                    if pause:
                        await asyncio.sleep(pause)
        except Expired as error:
            text = f"too old resource version: {error.message}"
            yield [frames.error(Expired(text), wanted)]
        except ApiError as error:
            yield [frames.error(error, wanted)]

    def _encoded(self, type_: EventType, event: Any) -> bytes:
        served, wanted = self._call.served, self._wanted
        if type_ is EventType.BOOKMARK:
            initial, self._mark_initial = self._mark_initial, False
            return self._frames.bookmark(served, event, wanted, initial_end=initial)
        frame = self._frames.frame(served, type_, event, wanted, self._form)
        if wanted.form == TABLE and wanted.headers:
            self._wanted = replace(wanted, headers=False)  # once is enough
            self._form = self._frames.form(served, self._wanted)
        return frame


async def _until_closed(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type in (WSMsgType.CLOSE, WSMsgType.ERROR):
            return


def _content_type(wanted: Accepted) -> str:
    media: str = wanted.media.value
    return f"{media};stream=watch" if wanted.media is Media.PROTOBUF else media
