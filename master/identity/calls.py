"""The edge of a gRPC call: every error becomes its status."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio

from pilothouse.objects.errors import ApiError, InternalError
from pilothouse.objects.status import to_grpc

logger = logging.getLogger(__name__)


@asynccontextmanager
async def answering(context: Any) -> AsyncIterator[None]:
    """An ApiError that leaves the block ends the call with its code and detail, also out of a
    task group; any other error is logged and answered as Internal, without its text. A caller
    that went away while it was written to is nobody's fault."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the boundary: _refusal logs what is no ApiError
        if is_gone(error):
            return
        refusal = _refusal(error)
    else:
        return
    await context.abort(*to_grpc(refusal))


def is_gone(error: Exception) -> bool:
    """Whether the error only says that there is no caller any more to write to."""
    return isinstance(_innermost(error), grpc.aio.InternalError)


def _innermost(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _refusal(error: Exception) -> ApiError:
    inner = _innermost(error)
    if isinstance(inner, ApiError):
        return inner
    logger.error("a call failed on a fault of the server", exc_info=error)
    return InternalError("an internal error; the master's log has the details")
