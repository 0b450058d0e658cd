"""The in-memory runtime: the contract, and what only it can show."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from agent.network.contract import NodeRanges
from agent.network.memory import MemoryNetwork
from agent.runtime.contract import Runtime
from agent.runtime.machine import Machine
from agent.runtime.memory import MemoryRuntime
from agent.runtime.script import Script
from agent.runtime.specs import ContainerSpec, ImageSpec, PodUID, SandboxSpec
from agent.runtime.states import ExitReason
from pilothouse.process.clock import Clock, SystemClock, VirtualClock
from tests.contract.runtime_contract import RuntimeContract


@contextlib.asynccontextmanager
async def running(machine: Machine) -> AsyncIterator[MemoryRuntime]:
    runtime = MemoryRuntime(machine)
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(runtime.run(ready))
        await ready.wait()
        yield runtime
        task.cancel()


def machine(clock: Clock) -> Machine:
    return Machine(
        clock,
        network=MemoryNetwork(NodeRanges("10.244.1.0/24", "10.244.0.0/16", "192.0.2.1")),
        programs={"/no/such/program": Script(cannot_run="/no/such/program: not found")},
        absent=frozenset({"localhost/absent:1"}),
    )


class MemoryHost:
    image = "localhost/busybox:1"
    absent_image = "localhost/absent:1"
    cgroup = "/test"

    def __init__(self) -> None:
        self.machine = machine(SystemClock())

    def start(self) -> contextlib.AbstractAsyncContextManager[Runtime]:
        return running(self.machine)


class TestMemoryRuntime(RuntimeContract):
    @pytest.fixture
    def host(self) -> MemoryHost:
        return MemoryHost()


async def a_pod(runtime: MemoryRuntime, uid: str, *command: str) -> ContainerSpec:
    await runtime.ensure_image(ImageSpec("web:1"))
    await runtime.ensure_sandbox(SandboxSpec(PodUID(uid), "default", uid, uid))
    return ContainerSpec(PodUID(uid), "main", 0, "web:1", command)


async def test_timelines_follow_the_clock_they_are_given() -> None:
    clock = VirtualClock()
    async with running(machine(clock)) as runtime:
        spec = await a_pod(runtime, "a", "sh", "-c", "sleep 3600; exit 3")
        state = await runtime.run_container(spec)
        waiting = asyncio.ensure_future(runtime.wait(state.id))
        await clock.advance(3599)
        assert not waiting.done()
        await clock.advance(1)
        ended = await waiting
        assert ended.exit_code == 3
        assert ended.finished_at == state.started_at + 3600


async def test_thousands_of_containers_need_one_task() -> None:
    clock = VirtualClock()
    large = machine(clock)
    large.network = MemoryNetwork(NodeRanges("10.0.0.0/16", "10.0.0.0/8", "192.0.2.1"))
    async with running(large) as runtime:
        for number in range(2000):
            spec = await a_pod(runtime, f"p{number}", "sh", "-c", f"sleep {number + 1}; exit 1")
            await runtime.run_container(spec)
        assert len(asyncio.all_tasks()) < 8
        await clock.advance(1000)
        states = await runtime.list_containers()
        assert sum(1 for state in states if state.finished_at) == 1000


async def test_an_out_of_memory_kill_is_told() -> None:
    async with running(machine(VirtualClock())) as runtime:
        state = await runtime.run_container(await a_pod(runtime, "a", "sleep", "9"))
        runtime.oom_kill(state.id)
        ended = await runtime.wait(state.id)
        assert (ended.exit_code, ended.reason) == (137, ExitReason.OOM_KILLED)
