"""Following one object until it is gone."""

from __future__ import annotations

import asyncio

from pilothouse.cli.following import states
from pilothouse.client.aio import Client
from pilothouse.client.interface import PatchType
from protos.core_v1_pb2 import ConfigMap
from tests.pilothouse.cli.terminal import Pilot


def made(namespace: str, name: str = "conf") -> ConfigMap:
    obj = ConfigMap()
    obj.metadata.namespace, obj.metadata.name = namespace, name
    return obj


def test_states_begin_with_the_present_and_end_with_the_object(pilot: Pilot) -> None:
    async def follow() -> None:
        async with Client.connect() as client, asyncio.timeout(10):
            obj = await client.create(made(pilot.namespace))
            await client.create(made(pilot.namespace, "other"))
            followed = states(client, obj)
            assert await anext(followed) == obj
            patch = b'{"data": {"a": "1"}}'
            await client.patch(
                ConfigMap, "conf", pilot.namespace, patch=patch, type=PatchType.MERGE
            )
            state = await anext(followed)
            assert state is not None
            assert dict(state.data) == {"a": "1"}
            await client.delete(ConfigMap, "conf", pilot.namespace)
            assert await anext(followed) is None
            assert [state async for state in followed] == []

    asyncio.run(follow())


def test_another_object_of_the_name_is_not_followed(pilot: Pilot) -> None:
    async def follow() -> None:
        async with Client.connect() as client, asyncio.timeout(10):
            former = await client.create(made(pilot.namespace))
            await client.delete(ConfigMap, "conf", pilot.namespace)
            await client.create(made(pilot.namespace))
            assert [state async for state in states(client, former)] == [None]

    asyncio.run(follow())
