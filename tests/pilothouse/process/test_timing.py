"""Back-off and clocks."""

from __future__ import annotations

import asyncio
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilothouse.process.backoff import Backoff
from pilothouse.process.clock import SystemClock, VirtualClock


def test_waits_grow_to_the_maximum_and_begin_again() -> None:
    backoff = Backoff(initial=1, factor=2, maximum=5, jitter=0)
    assert [backoff.next() for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.next() == 1


@given(st.integers(0, 10_000), st.integers())
def test_a_wait_is_within_its_bounds(failures: int, seed: int) -> None:
    backoff = Backoff(rng=random.Random(seed), failures=failures)
    wait = backoff.next()
    full = min(0.2 * 2.0 ** min(failures, 64), 30.0)
    assert full * 0.7 <= wait <= full


def test_two_clients_do_not_come_back_in_step() -> None:
    first, second = Backoff(rng=random.Random(1)), Backoff(rng=random.Random(2))
    assert [first.next() for _ in range(3)] != [second.next() for _ in range(3)]


async def test_the_system_clock_is_the_machines() -> None:
    clock = SystemClock()
    before, started = clock.monotonic(), time.monotonic()
    await clock.sleep(0.01)
    assert clock.monotonic() - before >= 0.01
    assert abs(clock.monotonic() - started) < 10
    assert abs(clock.now() - time.time()) < 10


async def test_virtual_sleepers_wake_in_the_order_they_are_due() -> None:
    clock = VirtualClock(start=1000)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            woken.append((name, clock.now()))

    async with asyncio.TaskGroup() as group:
        group.create_task(sleeper("slow", 5))
        group.create_task(sleeper("quick", 2, 2))
        group.create_task(sleeper("never", 0))
        await clock.advance(0)
        assert woken == [("never", 1000)]
        await clock.advance(4)
        assert woken[1:] == [("quick", 1002), ("quick", 1004)]
        assert clock.monotonic() == 4
        await clock.advance(10)
    assert woken[3:] == [("slow", 1005)]
    assert clock.now() == 1014


async def test_a_cancelled_virtual_sleeper_is_not_woken() -> None:
    clock = VirtualClock()
    task = asyncio.ensure_future(clock.sleep(1))
    await clock.advance(0.5)
    task.cancel()
    await clock.advance(1)
    with pytest.raises(asyncio.CancelledError):
        await task
