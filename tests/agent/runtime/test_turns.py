"""Turns by key."""

import asyncio

from agent.runtime.turns import Turns


async def test_only_so_many_have_a_turn_of_one_key() -> None:
    turns = Turns(2)
    inside: list[str] = []
    leave = asyncio.Event()

    async def take(key: str) -> None:
        async with turns.turn(key):
            inside.append(key)
            await leave.wait()

    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        for key in ("a", "a", "a", "b"):
            tasks.create_task(take(key))
        # Once round the loop lets each get as far as it can.
        await asyncio.sleep(0)
        assert inside == ["a", "a", "b"]
        leave.set()
    assert inside == ["a", "a", "b", "a"]


async def test_one_who_gives_up_waiting_takes_no_turn() -> None:
    turns = Turns(1)
    async with turns.turn("a"), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(_take(turns))
        await asyncio.sleep(0)
        waiting.cancel()
    async with asyncio.timeout(5):
        await _take(turns)


async def _take(turns: Turns) -> None:
    async with turns.turn("a"):
        pass
