"""An agent that answers port-forward tunnels with real connections to a port of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import grpc.aio

from tests.master.http.streams.face import AgentEnd
from tests.master.running import END, Agent


@asynccontextmanager
async def bridged(agent: Agent, ports: dict[int, int]) -> AsyncIterator[list[int]]:
    """ports: the pods' to those on loopback. Yields the ports that were asked for, so far."""
    asked: list[int] = []
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(_serve(agent, ports, asked, group))
        yield asked
        serving.cancel()


async def _serve(
    agent: Agent, ports: dict[int, int], asked: list[int], group: asyncio.TaskGroup
) -> None:
    while True:
        # It is as long as the test that waits for the next one.
        with suppress(TimeoutError):
            end = await AgentEnd.open(agent, starts=False)
            asked.append(end.request.port_forward.port)
            group.create_task(_join(end, ports.get(asked[-1], 1)))


async def _join(end: AgentEnd, port: int) -> None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        await end.refuse(grpc.StatusCode.UNAVAILABLE.value[0], "connection refused")
        return
    await end.say(started=True)
    down = asyncio.ensure_future(_down(end, writer))
    try:
        while data := await reader.read(65_536):
            await end.say(stdout=data)
        await end.call.done_writing()
        await down
    except (ConnectionError, grpc.aio.AioRpcError, asyncio.InvalidStateError):
        pass  # the caller left
    finally:
        down.cancel()
        writer.close()


async def _down(end: AgentEnd, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, grpc.aio.AioRpcError):
        while (message := await end.call.read()) is not END:
            if message.input.close_input:
                writer.write_eof()
            else:
                writer.write(message.input.stdin)
                await writer.drain()
    writer.close()
