"""The nft command: one transaction in, applied whole or not at all."""

from __future__ import annotations

import asyncio
import errno
from asyncio.subprocess import PIPE

TIME_LIMIT = 20.0


async def apply(transaction: str) -> None:
    """Apply it in this network namespace. OSError: nft is missing or refused it."""
    process = await asyncio.create_subprocess_exec(
        "nft", "-f", "-", stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(TIME_LIMIT):
            _, errors = await process.communicate(transaction.encode())
    except (TimeoutError, asyncio.CancelledError):
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise OSError(errno.EINVAL, f"nft: {errors.decode(errors='replace').strip()}")
