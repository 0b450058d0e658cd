"""Wake-ups for readers of `events`: coalesced, so that a slow reader costs a set, no queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from agent.runtime.specs import PodUID
from agent.runtime.states import Change


class Changes:
    """Any number of readers, each with the set of pods that it has not been told of yet."""

    def __init__(self) -> None:
        self._readers: dict[int, tuple[dict[PodUID | None, None], asyncio.Event]] = {}
        self._next = 0

    def publish(self, pod: PodUID | None) -> None:
        """Tell every reader; None: anything may have changed."""
        for pending, wake in self._readers.values():
            pending[pod] = None
            wake.set()

    def read(self) -> AsyncIterator[Change]:
        """Changes from this call on, in the order in which they first happened."""
        self._next += 1
        pending: dict[PodUID | None, None] = {}
        wake = asyncio.Event()
        self._readers[self._next] = (pending, wake)
        return self._drain(self._next, pending, wake)

    async def _drain(
        self, reader: int, pending: dict[PodUID | None, None], wake: asyncio.Event
    ) -> AsyncIterator[Change]:
        try:
            while True:
                await wake.wait()
                wake.clear()
                while pending:
                    pod = next(iter(pending))
                    del pending[pod]
                    yield Change(pod)
        finally:
            self._readers.pop(reader, None)
