"""The loop every controller runs in.

In: keys, mostly (namespace, name), from informer callbacks. Out: reconcile(key) calls, never two at
a time for one key, retried with back-off when they fail. A reconciler rereads everything it
needs, so a lost, doubled or reordered event changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

from pilothouse.objects.errors import AlreadyExists, ApiError, Conflict
from pilothouse.process.informer import Informer
from pilothouse.process.workqueue import WorkQueue

Key = tuple[str, str]  # namespace ("" for cluster scope), name
K = TypeVar("K", bound=Hashable)

logger = logging.getLogger(__name__)


class ReconcileLoop(Generic[K]):
    """Feeds one reconcile function. `informers` must be synced before the first call."""

    def __init__(
        self,
        name: str,
        reconcile: Callable[[K], Awaitable[None]],
        informers: tuple[Informer[Any], ...],
        *,
        workers: int = 2,
    ) -> None:
        self.name = name
        self.queue: WorkQueue[K] = WorkQueue()
        self._reconcile = reconcile
        self._informers = informers
        self._workers = workers

    async def run(self) -> None:
        """Reconcile until cancelled."""
        for informer in self._informers:
            await informer.synced()
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._work(), name=f"{self.name}-{number}")

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                await self._reconcile(key)
                self.queue.forget(key)
            except (AlreadyExists, Conflict):
                # Somebody else wrote first; their change is on its way to the informer.
                self.queue.retry(key)
            except ApiError as error:
                logger.warning("%s: %s: %s; trying again", self.name, key, error)
                self.queue.retry(key)
            except Exception:
                logger.exception("%s: %s failed; trying again", self.name, key)
                self.queue.retry(key)
            finally:
                self.queue.done(key)
