"""A bounded queue between two streams, which either side may close.

put() waits while the pipe is full, in items or in bytes: that is the backpressure, on through
gRPC's flow control to whoever produces. Iteration yields what was put and ends when the pipe
is closed and drained, with the error it was closed with. After cut() what waits is dropped and
put() answers False: nobody reads any more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

from google.protobuf.message import Message

from pilothouse.objects.errors import ApiError

M = TypeVar("M", bound=Message)

ITEMS = 64
BYTES = 256 * 1024


class Pipe(Generic[M]):
    """See the module: one producer, one consumer. A single larger message fits when empty."""

    def __init__(self, items: int = ITEMS, size: int = BYTES) -> None:
        self._items = items
        self._size = size
        self._queue: deque[M] = deque()
        self._bytes = 0
        self._closed = False
        self._error: ApiError | None = None
        self._changed = asyncio.Condition()

    @property
    def _full(self) -> bool:
        return len(self._queue) >= self._items or self._bytes >= self._size

    async def put(self, message: M) -> bool:
        """Wait for room; False when the pipe is closed."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or not self._full)
            if self._closed:
                return False
            self._queue.append(message)
            self._bytes += message.ByteSize()
            self._changed.notify_all()
            return True

    async def close(self, error: ApiError | None = None) -> None:
        """No more comes; the first call counts."""
        async with self._changed:
            if not self._closed:
                self._closed, self._error = True, error
                self._changed.notify_all()

    async def cut(self) -> None:
        """Nobody reads any more."""
        await self.close()
        self._queue.clear()
        self._bytes = 0

    def __aiter__(self) -> Pipe[M]:
        return self

    async def __anext__(self) -> M:
        async with self._changed:
            await self._changed.wait_for(lambda: self._closed or bool(self._queue))
            if self._queue:
                message = self._queue.popleft()
                self._bytes -= message.ByteSize()
                self._changed.notify_all()
                return message
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration
