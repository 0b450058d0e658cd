"""One call of the gRPC service: from bytes to bytes, every error answered.

Requests are parsed here, so that what cannot be parsed gets a typed error like any other
fault. Errors of the API become a status with its detail here and nowhere else; an error that
is none is logged and answered as Internal, without its text.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from google.protobuf.message import DecodeError, Message

from master.api.encoding import batched
from master.api.metering import Meter
from master.identity.calls import is_gone
from master.identity.user import User
from pilothouse.objects.errors import ApiError, BadRequest, InternalError, ServerTimeout
from pilothouse.objects.status import to_grpc
from protos import resources_pb2 as wire

UNARY_SECONDS: Final = 60.0  # the longest that a call other than a watch may take

Context = Any  # grpc.aio.ServicerContext, whose type parameters say nothing here
Authenticate = Callable[[Context], User]
R = TypeVar("R", bound=Message)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unary(Generic[R]):
    """One method with one answer, from bytes to bytes."""

    name: str
    authenticate: Authenticate
    request_type: type[R]
    verb: Callable[[User, R], Awaitable[bytes]]
    meter: Meter

    async def serve(self, raw: bytes, context: Context) -> bytes:
        start = time.perf_counter()
        reason = ""
        try:
            user = self.authenticate(context)
            request = _parsed(self.request_type, raw)
            async with asyncio.timeout(UNARY_SECONDS):
                return await self.verb(user, request)
        except asyncio.CancelledError:
            reason = "Canceled"
            raise
        except Exception as error:  # noqa: BLE001 - the boundary: _refusal logs what is no ApiError
            refusal = _refusal(error)
            reason = refusal.reason
        finally:
            self.meter.count(self.name, reason, time.perf_counter() - start)
        await context.abort(*to_grpc(refusal))
        raise refusal  # aborting has ended the call


@dataclass(frozen=True, slots=True)
class Watch:
    """The method with many answers."""

    authenticate: Authenticate
    watch: Callable[[User, wire.WatchRequest], AsyncGenerator[Sequence[bytes], None]]

    async def serve(self, raw: bytes, context: Context) -> None:
        try:
            user = self.authenticate(context)
            request = _parsed(wire.WatchRequest, raw)
            async with aclosing(self.watch(user, request)) as batches:
                async for batch in batches:
                    for message in batched(batch) if request.batches else batch:
                        await context.write(message)
        except Exception as error:  # noqa: BLE001 - the boundary: _refusal logs what is no ApiError
            if is_gone(error):
                return
            refusal = _refusal(error)
        else:
            return
        await context.abort(*to_grpc(refusal))


def _refusal(error: Exception) -> ApiError:
    """What the caller is told of an error."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, TimeoutError):
        return ServerTimeout(f"not finished within {UNARY_SECONDS:.0f} s; it may still happen")
    logger.error("a call failed on a fault of the server", exc_info=error)
    return InternalError("an internal error; the master's log has the details")


def _parsed(request_type: type[R], raw: bytes) -> R:
    try:
        return request_type.FromString(raw)
    except DecodeError as error:
        raise BadRequest(f"not a {request_type.DESCRIPTOR.name} message: {error}") from error
