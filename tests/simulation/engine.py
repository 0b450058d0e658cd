"""The in-memory runtime, as slow and as unreliable as an engine is."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from agent.runtime.errors import EngineUnavailable
from agent.runtime.machine import Machine
from agent.runtime.memory import MemoryRuntime
from agent.runtime.specs import ContainerID, ContainerSpec, ImageSpec, PodUID, SandboxSpec
from agent.runtime.states import ContainerState, Image, Sandbox

T = TypeVar("T")

SECONDS = (0.005, 0.15)  # of one call
PULL_SECONDS = (0.1, 5.0)
REFUSED = 0.01  # the share of calls that fail by themselves


class Engine(MemoryRuntime):
    """Calls take time; some fail before and some after they have had their effect."""

    def __init__(self, machine: Machine, rng: random.Random, down: Callable[[], bool]) -> None:
        super().__init__(machine)
        self._rng = rng
        self._down = down

    async def ensure_sandbox(self, spec: SandboxSpec) -> Sandbox:
        """See Runtime."""
        return await self._slowly(lambda: super(Engine, self).ensure_sandbox(spec))

    async def remove_sandbox(self, pod: PodUID) -> None:
        """See Runtime."""
        await self._slowly(lambda: super(Engine, self).remove_sandbox(pod))

    async def ensure_image(self, spec: ImageSpec) -> Image:
        """See Runtime."""
        await self.machine.clock.sleep(self._rng.uniform(*PULL_SECONDS))
        return await self._slowly(lambda: super(Engine, self).ensure_image(spec))

    async def run_container(self, spec: ContainerSpec) -> ContainerState:
        """See Runtime."""
        return await self._slowly(lambda: super(Engine, self).run_container(spec))

    async def stop_container(self, container: ContainerID, grace: float) -> ContainerState:
        """See Runtime."""
        return await self._slowly(lambda: super(Engine, self).stop_container(container, grace))

    async def remove_container(self, container: ContainerID) -> None:
        """See Runtime."""
        await self._slowly(lambda: super(Engine, self).remove_container(container))

    async def list_containers(self, pod: PodUID | None = None) -> tuple[ContainerState, ...]:
        """See Runtime."""
        return await self._slowly(lambda: super(Engine, self).list_containers(pod))

    async def list_sandboxes(self) -> tuple[Sandbox, ...]:
        """See Runtime."""
        return await self._slowly(super().list_sandboxes)

    def come_back(self) -> None:
        """The engine answers again, and says so as the real one does."""
        self._changes.publish(None)

    async def _slowly(self, act: Callable[[], Awaitable[T]]) -> T:
        await self.machine.clock.sleep(self._rng.uniform(*SECONDS))
        self._may_fail()
        answer = await act()
        await self.machine.clock.sleep(self._rng.uniform(*SECONDS))
        self._may_fail()
        return answer

    def _may_fail(self) -> None:
        if self._down() or self._rng.random() < REFUSED:
            raise EngineUnavailable("the simulated engine does not answer")
