from __future__ import annotations

import asyncio

import pytest

from tests.simulation.loop import LoopClock, Stalled, run


def test_time_passes_only_in_waiting() -> None:
    async def main() -> tuple[float, float]:
        clock = LoopClock()
        start = clock.monotonic()
        await clock.sleep(3600.0)
        return start, clock.monotonic()

    start, end = run(main, 1)
    assert start == 0.0
    assert 3600.0 <= end < 3600.1


def test_the_order_of_events_follows_from_the_seed() -> None:
    async def main() -> list[int]:
        order: list[int] = []

        async def note(number: int) -> None:
            for _ in range(5):
                await asyncio.sleep(1.0)
                order.append(number)

        await asyncio.gather(*(note(number) for number in range(8)))
        return order

    histories = [run(main, seed) for seed in (1, 1, 2)]
    assert histories[0] == histories[1] != histories[2]


def test_timeouts_and_cancellation_need_no_real_time() -> None:
    async def main() -> str:
        try:
            async with asyncio.timeout(600.0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "timed out"
        return "went on"

    assert run(main, 1) == "timed out"


def test_waiting_for_what_cannot_come_is_an_error() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stalled, match="no timer"):
        run(main, 1)


def test_a_loop_without_waiting_is_an_error() -> None:
    async def main() -> None:
        while True:  # noqa: ASYNC110 - what must be noticed
            await asyncio.sleep(0)

    with pytest.raises(Stalled, match="no time passes"):
        run(main, 1)


def test_threads_are_refused() -> None:
    async def main() -> None:
        await asyncio.to_thread(print)

    with pytest.raises(Stalled, match="thread"):
        run(main, 1)
