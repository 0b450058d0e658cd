"""Agents that say what no agent says: the master answers with an error or not at all, and serves
the others."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.message import DecodeError

from master.identity.user import node_user
from protos.dispatch_pb2 import AgentMessage, Heartbeat, PodStatuses
from tests.master.running import DEADLINE, END, Running, entry_of, hello_of, pod_of, running_master

SEED = 20_261_122


@pytest.fixture
async def master(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_master(tmp_path) as running:
        yield running


async def still_serves(master: Running) -> None:
    client = await master.client()
    agent = await master.agent("good")
    pod = await client.create(pod_of("alive", "good"))
    await agent.report_durably(entry_of(pod))


async def drained(call: Any) -> None:
    """Wait for the end: a stream's status comes behind its messages."""
    async with asyncio.timeout(DEADLINE):
        with suppress(grpc.aio.AioRpcError):
            while await call.read() is not END:
                pass


def _mutated(rng: random.Random, message: bytes) -> bytes:
    mutable = bytearray(message)
    for _ in range(rng.randint(1, 6)):
        mutable[rng.randrange(len(mutable))] = rng.randrange(256)
    return bytes(mutable)


async def test_random_bytes_end_a_session_at_most(master: Running) -> None:
    rng = random.Random(SEED)
    connection: Any = await master.channel(node_user("n1"))
    hello = AgentMessage(hello=hello_of("n1")).SerializeToString()
    for _ in range(40):
        call = connection.stream_stream("/pilothouse.v1.Dispatch/Session")()
        with suppress(grpc.aio.AioRpcError):
            await call.write(_mutated(rng, hello))
            await call.write(rng.randbytes(rng.randint(0, 200)))
            await call.done_writing()
            await drained(call)
    await still_serves(master)


def _parsed(raw: bytes) -> PodStatuses | None:
    with suppress(DecodeError):
        return PodStatuses.FromString(raw)
    return None


async def test_mutated_statuses_never_stop_the_good_ones(master: Running) -> None:
    rng = random.Random(SEED)
    client = await master.client()
    agent = await master.agent("n1")
    pod = await client.create(pod_of("web", "n1"))
    entry = entry_of(pod)
    entry.status.container_statuses.add(name="main", ready=True, restart_count=1)
    entry.status.conditions.add(type="Ready", status="True")
    raw = PodStatuses(entries=[entry]).SerializeToString()
    sent = 0
    while sent < 200:
        statuses = _parsed(_mutated(rng, raw))
        if statuses is not None:
            sent += 1
            await agent.report(*statuses.entries)
    await agent.report_durably(entry_of(pod, "Running"))
    await still_serves(master)


async def test_node_status_that_is_refused_does_not_end_the_session(master: Running) -> None:
    agent = await master.agent("n1")
    status = hello_of("n1").node.status
    status.capacity["cpu"].string = "many"
    status.allocatable[""].string = "1"
    await agent.say(AgentMessage(heartbeat=Heartbeat(status=status)))
    pod = await (await master.client()).create(pod_of("web", "n1"))
    await agent.report_durably(entry_of(pod))


async def test_message_beyond_the_limit_ends_the_session_only(master: Running) -> None:
    agent = await master.agent("n1")
    pod = await (await master.client()).create(pod_of("web", "n1"))
    entry = entry_of(pod)
    entry.status.message = "x" * 5 * 1024 * 1024
    with suppress(grpc.aio.AioRpcError):
        await agent.report(entry)
    assert await agent.fails() == grpc.StatusCode.RESOURCE_EXHAUSTED
    await still_serves(master)
