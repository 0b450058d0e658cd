"""A machine with Podman for the tests of this folder, and its runtime."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from agent.network.contract import NodeRanges
from agent.network.node import KernelNetwork
from agent.runtime.contract import Runtime
from agent.runtime.podman.runtime import PodmanRuntime
from tests import hosts
from tests.contract.runtime_contract import world  # noqa: F401 - a fixture

NODE_IP = "192.0.2.10"
RANGES = NodeRanges("10.244.7.0/24", "10.244.0.0/16", NODE_IP)


@pytest.fixture(scope="module")
def machine() -> Iterator[hosts.Machine]:
    with hosts.machine() as made:
        made.sh(f"ip link add up0 type veth peer name up1; ip addr add {NODE_IP}/24 dev up0")
        made.sh("ip link set up0 up; ip link set up1 up")
        hosts.import_busybox(made)
        yield made


@contextlib.asynccontextmanager
async def started(machine: hosts.Machine) -> AsyncIterator[PodmanRuntime]:
    state = machine.directory / "data" / "network.json"
    state.parent.mkdir(exist_ok=True)
    async with KernelNetwork(state).opened() as network:
        await network.configure(RANGES)
        runtime = PodmanRuntime(machine.options, network)
        ready = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(runtime.run(ready))
            await ready.wait()
            yield runtime
            task.cancel()


@dataclass
class PodmanHost:
    machine: hosts.Machine
    image: str = hosts.IMAGE
    absent_image: str = "localhost/absent:1"

    @property
    def cgroup(self) -> str:
        return self.machine.cgroup

    def start(self) -> contextlib.AbstractAsyncContextManager[Runtime]:
        return started(self.machine)


@pytest.fixture
def host(machine: hosts.Machine) -> PodmanHost:
    return PodmanHost(machine)
