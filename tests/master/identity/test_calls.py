"""How a call ends when something is wrong."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import grpc
import grpc.aio
import pytest

from master.api.calls import Watch
from master.identity.calls import answering
from master.identity.user import User
from pilothouse.objects.errors import BadRequest
from protos.resources_pb2 import WatchRequest

GONE = grpc.aio.InternalError("Failed execute_batch")


class Call:
    """A call whose caller may be gone; keeps what it was ended with."""

    def __init__(self) -> None:
        self.ended: list[tuple[grpc.StatusCode, str]] = []

    async def write(self, message: bytes) -> None:
        raise GONE

    async def abort(self, code: grpc.StatusCode, details: str, metadata: Any) -> None:
        self.ended.append((code, details))


async def _watched(user: User, request: Any) -> AsyncGenerator[Sequence[bytes], None]:
    yield [b"event"]


async def test_watcher_that_went_away_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    call = Call()
    watch = Watch(lambda _: User("me", ()), _watched)
    await watch.serve(WatchRequest().SerializeToString(), call)
    assert call.ended == []
    assert caplog.records == []


@pytest.mark.parametrize("error", [GONE, ExceptionGroup("", [GONE])], ids=["plain", "grouped"])
async def test_caller_that_went_away_is_no_fault(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    call = Call()
    async with answering(call):
        raise error
    assert call.ended == []
    assert caplog.records == []


async def test_error_of_a_task_is_the_callers_answer() -> None:
    call = Call()
    async with answering(call):
        raise ExceptionGroup("", [BadRequest("no message")])
    assert call.ended == [(grpc.StatusCode.INVALID_ARGUMENT, "no message")]


async def test_fault_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    call = Call()
    async with answering(call):
        raise ValueError("a secret")
    [(code, details)] = call.ended
    assert code is grpc.StatusCode.INTERNAL
    assert "secret" not in details
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
