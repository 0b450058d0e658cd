"""An event loop in which no time passes while anybody has something to do.

In: coroutines that know time only from their loop or Clock. Out: the same run, call by call, for
the same seed: when nothing is ready the loop's time jumps to the next timer, so an hour of a
cluster costs a second. There are no sockets and no threads; asking for one is an error, and so
is waiting for what can never come.

Every timer is late by a random part of JITTER, as timers are, so that seeds differ in who comes
first. What else could differ between runs is fixed: tasks are numbered, because the order in
which a set of them is walked (a TaskGroup's, asyncio.wait's) would otherwise be that of their
addresses.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

EPOCH = 1_700_000_000.0  # Unix seconds at which simulated clocks begin
JITTER = 0.002  # seconds
TURNS = 200_000  # turns of the loop in which no time passes before it counts as hung


class Stalled(Exception):
    """Time cannot go on: nobody waits for it, or somebody never lets it pass."""


class Numbered(asyncio.Task[T]):
    """A task whose place in a set follows from when it was made."""

    def __init__(self, number: int, coro: Coroutine[Any, Any, T], **options: Any) -> None:
        self._number = number
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self._number


class _Jumping:
    """Stands where a selector does: waiting for events is letting time pass."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        self._loop.pass_time(timeout)
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """See the module."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng
        self._elapsed = 0.0
        self._turns = 0
        self._made = 0
        self._selector = _Jumping(self)
        self._clock_resolution = 1e-6
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._elapsed

    def pass_time(self, seconds: float | None) -> None:
        """Jump; None: there is no timer to jump to."""
        if seconds is None:
            raise Stalled("every task waits for something that no timer will bring")
        self._turns = 0 if seconds > 0 else self._turns + 1
        if self._turns > TURNS:
            raise Stalled(f"{TURNS} turns of the loop at {self._elapsed:.3f} s: no time passes")
        self._elapsed += seconds

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Late by a random part of JITTER."""
        late = when + self._rng.random() * JITTER
        return super().call_at(late, callback, *args, context=context)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Not here."""
        raise Stalled(f"{func} wants a thread: it would not run the same again")

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, T], **options: Any
    ) -> asyncio.Task[T]:
        self._made += 1
        return Numbered(self._made, coro, loop=loop, **options)

    def _process_events(self, event_list: list[Any]) -> None:
        assert not event_list

    def _write_to_self(self) -> None:
        """Nobody sleeps who would have to be woken."""


class LoopClock:
    """The loop's time as a Clock. `ahead`: how many seconds now() is set wrong, which a jump
    of the machine's clock changes; monotonic() and sleep() never jump."""

    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead

    def monotonic(self) -> float:
        """Seconds since the loop began."""
        return asyncio.get_running_loop().time()

    def now(self) -> float:
        """Unix seconds, as this machine has it."""
        return EPOCH + self.ahead + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait in the loop's time."""
        await asyncio.sleep(seconds)


def run(main: Callable[[], Coroutine[Any, Any, T]], seed: int) -> T:
    """Run main() to its end in a loop of its own."""
    loop = VirtualLoop(random.Random(seed))
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main())
