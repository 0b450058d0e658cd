"""Turns: one at a time, in order, whoever gives up."""

from __future__ import annotations

import asyncio

from master.api.turns import Turns
from tests.master.api.conftest import soon


async def test_one_at_a_time_in_the_order_of_asking() -> None:
    turns, order, inside = Turns(), [], 0

    async def work(number: int) -> None:
        nonlocal inside
        await turns.take("thing")
        inside += 1
        assert inside == 1
        await asyncio.sleep(0)
        order.append(number)
        inside -= 1
        turns.give("thing")

    await soon(asyncio.gather(*(work(n) for n in range(20))))
    assert order == list(range(20))
    assert not turns.waiting


async def test_things_do_not_wait_for_each_other() -> None:
    turns = Turns()
    await soon(turns.take("a"))
    await soon(turns.take("b"))
    turns.give("a")
    turns.give("b")
    assert not turns.waiting


async def test_who_gives_up_lets_the_next_one_in() -> None:
    turns = Turns()
    await turns.take("thing")
    impatient = asyncio.ensure_future(turns.take("thing"))
    patient = asyncio.ensure_future(turns.take("thing"))
    await asyncio.sleep(0)
    impatient.cancel()
    turns.give("thing")
    await soon(patient)
    turns.give("thing")
    assert not turns.waiting


async def test_cancelled_as_its_turn_comes() -> None:
    turns = Turns()
    await turns.take("thing")
    unlucky = asyncio.ensure_future(turns.take("thing"))
    next_one = asyncio.ensure_future(turns.take("thing"))
    await asyncio.sleep(0)
    turns.give("thing")
    unlucky.cancel()
    await soon(next_one)
    turns.give("thing")
    assert not turns.waiting
