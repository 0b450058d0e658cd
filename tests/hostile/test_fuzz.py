"""Every method of every service, called with bytes and messages that nobody means: a status for
each call that is none of a fault in the server, and a master that serves on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from master.identity.files import ADMINISTRATOR
from master.identity.user import node_user
from pilothouse.client.aio import Client
from pilothouse.process.tls import anonymous_channel, channel
from protos import dispatch_pb2, resources_pb2
from protos.core_v1_pb2 import ConfigMap
from tests.hostile.messages import message
from tests.hostile.victim import Victim

SEED = 20_261_123
CALLS = 12  # of a method and kind of input
SECONDS = 5.0  # for one call; watches and sessions that were accepted are left then
FAULTS = (grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL, grpc.StatusCode.DATA_LOSS)
# What a client says of its own write to a call that has ended.
CLIENT_SIDE = "Internal error from Core"
END = grpc.aio.EOF  # type: ignore[attr-defined]


def _methods() -> Iterator[MethodDescriptor]:
    for file in (resources_pb2, dispatch_pb2):
        for service in file.DESCRIPTOR.services_by_name.values():
            yield from service.methods


METHODS = {f"{m.containing_service.name}.{m.name}": m for m in _methods()}


def _inputs(method: MethodDescriptor, rng: random.Random) -> Iterator[bytes]:
    """Requests: noise, messages of the method's type, those with a few bytes changed."""
    kind = GetMessageClass(method.input_type)
    for _ in range(CALLS):
        yield rng.randbytes(rng.randint(1, 300))
        whole = message(kind, rng).SerializeToString()
        yield whole
        yield _mutated(whole, rng)


def _mutated(raw: bytes, rng: random.Random) -> bytes:
    mutable = bytearray(raw or b"\0")
    for _ in range(rng.randint(1, 6)):
        mutable[rng.randrange(len(mutable))] = rng.randrange(256)
    return bytes(mutable)


async def _code(connection: Any, method: MethodDescriptor, raw: bytes) -> grpc.StatusCode | None:
    """How the call ended; None where it had to be ended by us."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    sides = ("stream" if method.client_streaming else "unary") + (
        "_stream" if method.server_streaming else "_unary"
    )
    multi = getattr(connection, sides)(path)
    if not method.client_streaming:
        call = multi(raw, timeout=SECONDS)
    else:
        call = multi(timeout=SECONDS)
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await call.write(raw)
            await call.write(raw)
            await call.done_writing()
    with suppress(grpc.aio.AioRpcError):
        if not method.server_streaming:
            await call
        else:
            async with asyncio.timeout(0.5):
                while await call.read() is not END:
                    pass
    if not call.done():
        call.cancel()
        return None
    if await call.details() == CLIENT_SIDE:
        return None
    code: grpc.StatusCode = await call.code()
    return code


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("user", ["admin", "node"])
async def test_no_request_breaks_a_method(
    user: str, method: MethodDescriptor, master: Victim
) -> None:
    name = ADMINISTRATOR.name if user == "admin" else node_user("n1").name
    rng = random.Random(f"{SEED} {method.full_name} {user}")
    pair = master.users[name]
    if method.containing_service.name == "Enrollment":
        opened = anonymous_channel(f"127.0.0.1:{master.join}", pair.ca)
    else:
        opened = channel(master.target, pair)
    async with opened as connection, asyncio.TaskGroup() as group:
        for raw in _inputs(method, rng):
            group.create_task(_judged(connection, method, raw), name="call")


async def _judged(connection: Any, method: MethodDescriptor, raw: bytes) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            code = await _code(connection, method, raw)
    except TimeoutError:
        code = None
    assert code not in FAULTS, raw


async def test_master_serves_behind_it_all(master: Victim, client: Client) -> None:
    config = ConfigMap()
    config.metadata.name, config.metadata.namespace = "alive", "default"
    await client.create(config)
    await client.delete(ConfigMap, "alive", "default")
