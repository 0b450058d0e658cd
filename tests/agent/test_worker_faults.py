"""What one pod's trouble, or the engine's, does to the others: nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agent.runtime.contract import EXEC_OUTPUT_LIMIT
from agent.runtime.errors import EngineUnavailable
from agent.runtime.machine import Machine
from agent.runtime.memory import MemoryRuntime
from agent.runtime.specs import ContainerID, ContainerSpec, PodUID, SandboxSpec
from agent.runtime.states import ContainerState, ExecResult, Sandbox
from tests.agent.test_worker import deleted
from tests.agent.world import World, make_pod


class TroubledRuntime(MemoryRuntime):
    """A working runtime whose calls on some pods do not return, and that can be away."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.hang: frozenset[str] = frozenset()
        self.released = asyncio.Event()
        self.away = False

    async def _trouble(self, pod: str) -> None:
        if self.away:
            raise EngineUnavailable("the engine does not answer")
        if pod in self.hang:
            await self.released.wait()

    async def ensure_sandbox(self, spec: SandboxSpec) -> Sandbox:
        await self._trouble(spec.uid)
        return await super().ensure_sandbox(spec)

    async def run_container(self, spec: ContainerSpec) -> ContainerState:
        await self._trouble(spec.pod)
        return await super().run_container(spec)

    async def list_containers(self, pod: PodUID | None = None) -> tuple[ContainerState, ...]:
        await self._trouble(pod or "")
        return await super().list_containers(pod)

    async def stop_container(self, container: ContainerID, grace: float) -> ContainerState:
        await self._trouble("")
        return await super().stop_container(container, grace)

    async def remove_sandbox(self, pod: PodUID) -> None:
        await self._trouble("")
        await super().remove_sandbox(pod)

    async def exec(
        self,
        container: ContainerID,
        command: Sequence[str],
        timeout: float,  # noqa: ASYNC109 - as in the contract
        limit: int = EXEC_OUTPUT_LIMIT,
    ) -> ExecResult:
        await self._trouble("")
        return await super().exec(container, command, timeout, limit)

    def back(self) -> None:
        """The engine answers again."""
        self.away = False
        self._changes.publish(None)


class TroubledWorld(World):
    """A world with that runtime."""

    runtime: TroubledRuntime

    def make_runtime(self) -> MemoryRuntime:
        return TroubledRuntime(self.machine)


async def test_a_pod_whose_calls_hang_holds_up_no_other() -> None:
    world = TroubledWorld()
    async with world.agent_runs():
        world.runtime.hang = frozenset({"uid-slow"})
        await world.assign(make_pod("slow"), make_pod("quick"), complete=True)
        assert world.status("uid-quick").phase == "Running"
        assert world.status("uid-slow").phase == "Pending"
        world.runtime.released.set()
        await world.settle()
        assert world.status("uid-slow").phase == "Running"


async def test_a_pod_that_hangs_while_it_starts_can_be_deleted() -> None:
    world = TroubledWorld()
    async with world.agent_runs():
        world.runtime.hang = frozenset({"uid-web"})
        await world.assign(make_pod(), complete=True)
        world.runtime.hang = frozenset()
        await world.assign(deleted(world, make_pod(), 30))
        await world.until(lambda: world.reports["uid-web"].terminated, within=10)


async def test_everything_is_caught_up_when_the_engine_returns() -> None:
    world = TroubledWorld()
    async with world.agent_runs():
        await world.assign(make_pod("runs"), make_pod("crashes"), complete=True)
        before = world.status("uid-runs")
        world.runtime.away = True
        world.machine.end(world.machine.runs[ContainerID("uid-crashes/main/0")], 7)
        await world.assign(make_pod("new"))
        await world.advance(20)
        assert world.status("uid-new").phase == "Pending"
        assert world.status("uid-runs") == before
        world.runtime.back()
        await world.settle()
        assert world.status("uid-new").phase == "Running"
        assert world.status("uid-runs") == before
        crashed = world.status("uid-crashes").container_statuses[0]
        assert crashed.restart_count == 1
        assert crashed.last_state.terminated.exit_code == 7


async def test_a_deletion_waits_for_the_engine_and_then_ends() -> None:
    world = TroubledWorld()
    async with world.agent_runs():
        await world.assign(make_pod(), complete=True)
        world.runtime.away = True
        await world.assign(deleted(world, make_pod(), 2))
        await world.advance(30)
        assert not world.reports["uid-web"].terminated
        world.runtime.back()
        await world.until(lambda: world.reports["uid-web"].terminated, within=30)


async def test_what_an_agent_was_stopping_is_stopped_by_the_next() -> None:
    world = TroubledWorld()
    async with world.agent_runs():
        await world.assign(make_pod(main="nc -ll -p 80 -e cat"), complete=True)
        await world.assign(deleted(world, make_pod(main="nc -ll -p 80 -e cat"), 20))
        await world.advance(5)
    async with world.agent_runs(master=False):
        await world.until(lambda: world.reports["uid-web"].terminated, within=17)
