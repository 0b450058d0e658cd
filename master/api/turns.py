"""Turns: those who want the same thing get it one at a time, in the order of asking.

Two writers of one object would otherwise decide on the same state, and one of them in vain.
Correctness does not rest on it: the commit compares. Not promised: anything between processes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable


class Turns:
    """take(thing), then give(thing) in a finally clause. `waiting`: who, for what is taken."""

    def __init__(self) -> None:
        self.waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    async def take(self, thing: Hashable) -> None:
        """Wait until nobody else has the turn; at once where nobody has."""
        waiting = self.waiting.get(thing)
        if waiting is None:
            self.waiting[thing] = deque()
            return
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.give(thing)  # it was this one's turn already
            raise

    def give(self, thing: Hashable) -> None:
        """Let the next one have its turn."""
        waiting = self.waiting[thing]
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self.waiting[thing]
