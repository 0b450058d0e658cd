"""Turns by key: at most so many at a time for one key, in the order of asking.

A key is kept only while somebody has or awaits a turn of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(slots=True)
class _Queue:
    semaphore: asyncio.Semaphore
    wanted: int = 0


class Turns:
    """See the module."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._queues: dict[str, _Queue] = {}

    @contextlib.asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """A turn for the block."""
        queue = self._queues.setdefault(key, _Queue(asyncio.Semaphore(self._slots)))
        queue.wanted += 1
        try:
            async with queue.semaphore:
                yield
        finally:
            queue.wanted -= 1
            if not queue.wanted:
                del self._queues[key]
