"""A task group that ends with errors while its task is being cancelled loses the cancellation."""

from __future__ import annotations

import asyncio


def stay_cancelled() -> None:
    """To be called after such errors were handled: raises CancelledError if one is due."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
