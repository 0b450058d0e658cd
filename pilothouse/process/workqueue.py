"""A queue of keys for reconcilers.

In: keys, as often as something happens to them. Out: each key once, however often it was
added while it waited. A key that is added while it is being worked on comes again after
done(). So one key is never reconciled by two workers at a time, and no event is lost.

add_after() delays; of several delays for one key the earliest wins. retry() delays by the
key's own exponential back-off; forget() resets that. The queue is bounded by the number of
distinct keys, which is the number of objects.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """See the module. Not thread-safe: one event loop owns it."""

    def __init__(self, *, retry_initial: float = 0.005, retry_maximum: float = 60.0) -> None:
        self._retry_initial = retry_initial
        self._retry_maximum = retry_maximum
        self._ready: deque[K] = deque()
        self._queued: set[K] = set()
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._getters: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, key: K) -> None:
        """The key needs a look."""
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if key in self._working:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._ready.append(key)
            self._wake_one()

    def add_after(self, key: K, seconds: float) -> None:
        """The key needs a look in so many seconds, at the latest."""
        if seconds <= 0:
            self.add(key)
            return
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= loop.time() + seconds:
                return
            timer.cancel()
        self._timers[key] = loop.call_later(seconds, self.add, key)

    def retry(self, key: K) -> None:
        """It failed: look again after the key's back-off."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, min(self._retry_initial * 2 ** min(failures, 40), self._retry_maximum))

    def forget(self, key: K) -> None:
        """It worked: the next failure starts from the shortest back-off."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """The next key; the caller must call done() with it."""
        while not self._ready:
            getter = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                if getter.done() and not getter.cancelled():
                    self._wake_one()
                raise
        key = self._ready.popleft()
        self._queued.discard(key)
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        """The caller has finished with the key, well or not."""
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _wake_one(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return
