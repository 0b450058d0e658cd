"""Requests that are no messages, refused like any other fault of a caller.

gRPC's own answer to bytes that do not parse has no detail and writes a traceback to the log for
each, which a caller without a certificate could fill a disk with. So decoding never fails here:
what cannot be decoded comes to the method as Undecodable, in place of the request, and is
answered with BadRequest before the method sees it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from pilothouse.objects.errors import BadRequest
from pilothouse.objects.status import to_grpc

OURS = "/pilothouse."
_END: Any = cast(Any, grpc.aio).EOF  # of which the stubs do not know


@dataclass(frozen=True, slots=True)
class Undecodable:
    """What stands for a request that is no message."""

    reason: str


class Decoding(grpc.aio.ServerInterceptor):  # type: ignore[type-arg] # not so at run time
    """Refuses undecodable requests of our own services, whose methods write to the context."""

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        """The method's handler with a decoder that does not fail."""
        handler = await continuation(handler_call_details)
        ours = handler_call_details.method.startswith(OURS)
        if not ours or handler is None or handler.request_deserializer is None:
            return handler
        return _tolerant(handler)


def _tolerant(handler: Any) -> Any:
    """The same handler, deciding about each request before its method does."""
    make, behaviour = _kind(handler)
    decode, encode = _decoder(handler.request_deserializer), handler.response_serializer

    async def single(request: Any, context: Any) -> Any:
        if isinstance(request, Undecodable):
            await context.abort(*to_grpc(BadRequest(request.reason)))
        return await behaviour(request, context)

    async def streamed(_: AsyncIterator[Any], context: Any) -> Any:
        return await behaviour(_Requests(context), context)

    return make(streamed if handler.request_streaming else single, decode, encode)


def _kind(handler: Any) -> tuple[Callable[..., Any], Callable[..., Awaitable[Any]]]:
    if handler.request_streaming and not handler.response_streaming:
        return grpc.stream_unary_rpc_method_handler, handler.stream_unary
    if handler.request_streaming:
        return grpc.stream_stream_rpc_method_handler, handler.stream_stream
    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler, handler.unary_stream
    return grpc.unary_unary_rpc_method_handler, handler.unary_unary


def _decoder(decode: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def tolerant(raw: bytes) -> Any:
        try:
            return decode(raw)
        except DecodeError as error:
            return Undecodable(f"the request is not a message of the method: {error}")

    return tolerant


class _Requests:
    """What a caller streams, read from the call itself: gRPC's iterator, which waits in a frame of
    its own, keeps the last message until the next one comes."""

    def __init__(self, context: Any) -> None:
        self._context = context

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        request = await self._context.read()
        if request is _END:
            raise StopAsyncIteration
        if isinstance(request, Undecodable):
            raise BadRequest(request.reason)
        return request
