"""Ends of processes, told at once: a pidfd each in the event loop.

In: pids of containers' first processes. Out: a call when one has ended, made before anything
else gets to run, so that a process's control group can still be read.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")


class Exits(Generic[K]):
    """ended(key) is called once for each process watched."""

    def __init__(self, ended: Callable[[K], None]) -> None:
        self._ended = ended
        self._watched: dict[K, int] = {}

    def watch(self, key: K, pid: int) -> None:
        """Watch it; one that has ended already is told in the loop's next turn."""
        if key in self._watched:
            return
        loop = asyncio.get_running_loop()
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            loop.call_soon(self._ended, key)
            return
        self._watched[key] = descriptor
        loop.add_reader(descriptor, self._fire, key)

    def _fire(self, key: K) -> None:
        self.forget(key)
        self._ended(key)

    def forget(self, key: K) -> None:
        """Stop watching; nothing if it is not watched."""
        descriptor = self._watched.pop(key, None)
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)

    def close(self) -> None:
        """Stop watching anything."""
        for key in tuple(self._watched):
            self.forget(key)
