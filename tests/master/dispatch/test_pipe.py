from __future__ import annotations

import asyncio

import pytest

from master.dispatch.pipe import Pipe
from pilothouse.objects.errors import ServiceUnavailable
from protos.resources_pb2 import Chunk


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_producer_waits_while_the_pipe_is_full() -> None:
    pipe: Pipe[Chunk] = Pipe(items=2)
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            assert await pipe.put(Chunk(data=b"x"))
        waiting = group.create_task(pipe.put(Chunk(data=b"y")))
        await settle()
        assert not waiting.done()
        assert (await anext(pipe)).data == b"x"
        assert await waiting


async def test_bytes_count_too() -> None:
    pipe: Pipe[Chunk] = Pipe(items=100, size=10)
    await pipe.put(Chunk(data=b"x" * 50))
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(pipe.put(Chunk(data=b"y")))
        await settle()
        assert not waiting.done()
        await anext(pipe)
        assert await waiting


async def test_what_was_put_before_closing_is_read() -> None:
    pipe: Pipe[Chunk] = Pipe()
    await pipe.put(Chunk(data=b"x"))
    await pipe.close()
    assert [chunk.data async for chunk in pipe] == [b"x"]
    assert not await pipe.put(Chunk())


async def test_error_comes_after_what_was_put() -> None:
    pipe: Pipe[Chunk] = Pipe()
    await pipe.put(Chunk(data=b"x"))
    await pipe.close(ServiceUnavailable("broke"))
    assert (await anext(pipe)).data == b"x"
    with pytest.raises(ServiceUnavailable, match="broke"):
        await anext(pipe)


async def test_cut_pipe_lets_its_producer_go() -> None:
    pipe: Pipe[Chunk] = Pipe(items=1)
    await pipe.put(Chunk(data=b"x"))
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(pipe.put(Chunk(data=b"y")))
        await settle()
        await pipe.cut()
        assert not await waiting
    assert [chunk async for chunk in pipe] == []
