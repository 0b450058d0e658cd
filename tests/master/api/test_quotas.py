"""Resource quotas and those who write at once, or have just been restarted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from master.api.registry import Registry
from pilothouse.objects import kinds
from pilothouse.objects.errors import ApiError, Forbidden
from pilothouse.process.clock import VirtualClock
from protos.core_v1_pb2 import ConfigMap, Pod, ResourceQuota
from tests.master.api.conftest import opened
from tests.master.api.objects import config_map, pod
from tests.master.disks import no_file_longer_than
from tests.master.running import eventually

_MAPS = kinds.of(ConfigMap)
ROOM = 5


def quota(**hard: str) -> ResourceQuota:
    made = ResourceQuota()
    made.metadata.name, made.metadata.namespace = "q", "default"
    for name, amount in hard.items():
        made.spec.hard[name].string = amount
    return made


async def created(registry: Registry, names: Sequence[str]) -> list[ConfigMap | ApiError]:
    async def create(name: str) -> ConfigMap | ApiError:
        try:
            made: ConfigMap = await registry.create(config_map(name))
        except ApiError as error:
            return error
        return made

    return await asyncio.gather(*map(create, names))


async def test_writers_at_once_fill_a_quota_exactly(registry: Registry) -> None:
    await registry.create(quota(configmaps=str(ROOM)))
    answers = await created(registry, [f"m{number}" for number in range(50)])
    assert sum(isinstance(answer, ConfigMap) for answer in answers) == ROOM
    assert sum(isinstance(answer, Forbidden) for answer in answers) == 50 - ROOM


async def test_the_same_name_at_once_takes_one_place(registry: Registry) -> None:
    await registry.create(quota(configmaps=str(ROOM)))
    await created(registry, ["same"] * ROOM)
    answers = await created(registry, [f"m{number}" for number in range(10)])
    assert sum(isinstance(answer, ConfigMap) for answer in answers) == ROOM - 1


async def test_deletes_and_creates_at_once_never_pass_the_limit(registry: Registry) -> None:
    await registry.create(quota(configmaps=str(ROOM)))
    highest = 0

    async def turn(number: int) -> None:
        nonlocal highest
        for step in range(10):
            name = f"m{number}-{step}"
            if isinstance((await created(registry, [name]))[0], ConfigMap):
                present = (await registry.list(_MAPS, "default")).items
                highest = max(highest, len(present))
                await registry.delete(_MAPS, "default", name)

    await asyncio.gather(*(turn(number) for number in range(20)))
    assert highest == ROOM
    answers = await created(registry, [f"after{number}" for number in range(10)])
    assert sum(isinstance(answer, ConfigMap) for answer in answers) == ROOM


async def test_restarted_master_counts_what_is_there(tmp_path: Path) -> None:
    async with opened(tmp_path / "store") as registry:
        await registry.create(quota(configmaps=str(ROOM)))
        await created(registry, ["a", "b", "c"])
    async with opened(tmp_path / "store") as registry:
        answers = await created(registry, [f"m{number}" for number in range(10)])
        assert sum(isinstance(answer, ConfigMap) for answer in answers) == ROOM - 3


async def test_quota_that_comes_late_takes_nothing_away(registry: Registry) -> None:
    await created(registry, ["a", "b", "c"])
    await registry.create(quota(configmaps="1"))
    with pytest.raises(Forbidden, match="used: configmaps=3, limited: configmaps=1"):
        await registry.create(config_map("d"))
    changed = config_map("a")
    changed.data["k"] = "v"
    await registry.update(changed)


async def test_pod_that_does_not_end_stands_in_nobodys_way(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with opened(tmp_path / "store", clock=clock) as registry:
        await registry.create(quota(pods="1"))
        stuck = pod("stuck")
        stuck.spec.node_name = "lost"
        await registry.create(stuck)
        await registry.delete(kinds.of(Pod), "default", "stuck")
        with pytest.raises(Forbidden, match="exceeded quota"):
            await registry.create(pod("next"))
        await clock.advance(61)  # twice what it was given
        await registry.create(pod("next"))
        with pytest.raises(Forbidden, match="exceeded quota"):
            await registry.create(pod("another"))


async def test_full_disk_delays_the_status_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = VirtualClock()
    async with opened(tmp_path / "store", clock=clock) as registry:
        await registry.create(quota(configmaps=str(ROOM)))
        with no_file_longer_than(4096):
            running = asyncio.create_task(registry.run())
            await eventually(lambda: told_or_ended(caplog, running))
        await eventually(lambda: reported(registry, clock))
        assert not running.done()
        running.cancel()
        await asyncio.wait((running,))


async def told_or_ended(caplog: pytest.LogCaptureFixture, running: asyncio.Task[None]) -> bool:
    return "status of quota default/q" in caplog.text or running.done()


async def reported(registry: Registry, clock: VirtualClock) -> bool:
    await clock.advance(1)
    found = await registry.get(kinds.of(ResourceQuota), "default", "q")
    return bool(found.status.used)
