"""A limit on how long a stream may carry nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pilothouse.objects.errors import ServerTimeout

IDLE_SECONDS = 4 * 3600.0


@asynccontextmanager
async def idle_limit(seconds: float = IDLE_SECONDS) -> AsyncIterator[Callable[[], None]]:
    """ServerTimeout in the block once it has not been called for so long."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds) as limit:
            yield lambda: limit.reschedule(loop.time() + seconds)
    except TimeoutError:
        raise ServerTimeout(f"the stream was idle for {seconds:.0f} s") from None
