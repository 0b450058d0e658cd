"""The queue of keys: each once, none lost, never two workers at one key."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilothouse.process.workqueue import WorkQueue
from tests.pilothouse.process.virtual import now, run


def test_a_key_comes_once_however_often_it_was_added() -> None:
    async def main() -> None:
        queue: WorkQueue[str] = WorkQueue()
        for key in ("a", "b", "a", "a"):
            queue.add(key)
        assert [await queue.get(), await queue.get()] == ["a", "b"]
        assert len(queue) == 0

    run(main())


def test_a_key_that_is_added_during_its_work_comes_again_behind_it() -> None:
    async def main() -> None:
        queue: WorkQueue[str] = WorkQueue()
        queue.add("a")
        assert await queue.get() == "a"
        queue.add("a")
        queue.add("a")
        assert len(queue) == 0
        queue.done("a")
        assert await queue.get() == "a"
        queue.done("a")
        assert len(queue) == 0

    run(main())


def test_of_several_delays_the_earliest_wins() -> None:
    async def main() -> None:
        queue: WorkQueue[str] = WorkQueue()
        queue.add_after("a", 10)
        queue.add_after("a", 3)
        queue.add_after("a", 7)
        assert await queue.get() == "a"
        assert now() == pytest.approx(3, abs=0.01)
        queue.done("a")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.get(), 60)

    run(main())


def test_what_is_added_now_is_not_added_later_as_well() -> None:
    async def main() -> None:
        queue: WorkQueue[str] = WorkQueue()
        queue.add_after("a", 5)
        queue.add_after("a", 0)
        assert await queue.get() == "a"
        assert now() == 0
        queue.done("a")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(queue.get(), 60)

    run(main())


def test_failures_wait_longer_each_time_until_forgotten() -> None:
    async def main() -> None:
        queue: WorkQueue[str] = WorkQueue(retry_initial=1, retry_maximum=6)
        waits = []
        for _ in range(5):
            before = now()
            queue.retry("a")
            await queue.get()
            queue.done("a")
            waits.append(round(now() - before, 2))
        assert waits == [1, 2, 4, 6, 6]
        queue.forget("a")
        before = now()
        queue.retry("a")
        await queue.get()
        assert now() - before == pytest.approx(1, abs=0.01)

    run(main())


def test_a_failure_count_of_days_does_not_overflow() -> None:
    async def main() -> None:
        queue: WorkQueue[str] = WorkQueue(retry_maximum=60)
        for _ in range(2000):
            queue.retry("a")
        assert await queue.get() == "a"

    run(main())


def test_a_getter_that_is_cancelled_as_it_is_woken_passes_the_key_on() -> None:
    async def main() -> None:
        queue: WorkQueue[str] = WorkQueue()
        first = asyncio.ensure_future(queue.get())
        second = asyncio.ensure_future(queue.get())
        await asyncio.sleep(0)
        queue.add("a")  # wakes the first
        first.cancel()
        assert await asyncio.wait_for(second, 1) == "a"
        with pytest.raises(asyncio.CancelledError):
            await first

    run(main())


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "after", "retry", "cancel", "pause"]),
        st.sampled_from("abc"),
        st.floats(0, 5),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, seed=st.integers(0, 2**16))
def test_every_key_is_looked_at_after_it_was_last_added(
    steps: list[tuple[str, str, float]], seed: int
) -> None:
    rng = random.Random(seed)
    queue: WorkQueue[str] = WorkQueue()
    working: set[str] = set()
    added: dict[str, float] = {}
    looked: dict[str, float] = {}

    async def work() -> None:
        while True:
            key = await queue.get()
            assert key not in working, "two workers at one key"
            working.add(key)
            looked[key] = now()
            try:
                await asyncio.sleep(rng.random() * 3)
            finally:
                working.discard(key)
                queue.done(key)

    def act(verb: str, key: str, seconds: float) -> None:
        if verb == "add":
            queue.add(key)
        elif verb == "after":
            queue.add_after(key, seconds)
        else:
            queue.retry(key)
        added[key] = now()

    async def main() -> None:
        workers: list[asyncio.Task[Any]] = [asyncio.ensure_future(work()) for _ in range(2)]
        for verb, key, seconds in steps:
            if verb == "pause":
                await asyncio.sleep(seconds)
            elif verb == "cancel":
                workers.pop(rng.randrange(2)).cancel()
                workers.append(asyncio.ensure_future(work()))
            else:
                act(verb, key, seconds)
        await asyncio.sleep(100)
        for key, at in added.items():
            assert looked.get(key, -1) >= at, f"{key} was added at {at} and not looked at since"
        assert len(queue) == 0
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    run(main())
