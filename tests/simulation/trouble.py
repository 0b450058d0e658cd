"""What goes wrong in a world, one thing at a time or several at once, and how it ends."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from agent.runtime.states import ContainerPhase
from tests.simulation.control import MasterProcess
from tests.simulation.host import Host

Told = Callable[[str], None]


class Disturbed:
    """Faults of the master's disk."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.slow = False
        self.failing = False

    def latency(self) -> float:
        """Seconds of an fsync."""
        return self._rng.uniform(0.2, 2.0) if self.slow else self._rng.uniform(0.001, 0.01)

    def fails(self) -> bool:
        """Now and then without any reason."""
        return self.failing or self._rng.random() < 0.0005


class Trouble:
    """Faults that overlap; all are over when run() has been ended and heal() called."""

    def __init__(
        self,
        rng: random.Random,
        master: MasterProcess,
        disk: Disturbed,
        hosts: list[Host],
        told: Told,
    ) -> None:
        self._rng = rng
        self._master = master
        self._disk = disk
        self._hosts = hosts
        self._told = told

    async def run(self, intensity: float) -> None:
        """Until cancelled; intensity: faults a second."""
        faults: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self._crash_master, 2), (self._crash_agent, 3), (self._cut_power, 2),
            (self._part, 3), (self._cut, 3), (self._kill_container, 6), (self._slow_disk, 1),
            (self._failing_disk, 1), (self._jump, 2), (self._engine_down, 2), (self._forget, 2),
        ]  # fmt: skip
        choices, weights = [f for f, _ in faults], [w for _, w in faults]
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(self._rng.expovariate(intensity))
                (fault,) = self._rng.choices(choices, weights)
                group.create_task(_quietly(fault()), name=fault.__name__)

    def heal(self) -> None:
        """Nothing is wrong any more, but for the clocks."""
        self._disk.slow = self._disk.failing = False
        self._master.start()
        for host in self._hosts:
            host.line.heal()
            host.start()
            host.answer_again()

    async def _crash_master(self) -> None:
        seconds = self._rng.choice((0.05, 0.5, 5.0, 20.0)) * self._rng.random()
        self._told(f"the master crashes, for {seconds:.2f} s")
        self._master.crash()
        await asyncio.sleep(seconds)
        self._master.start()

    async def _crash_agent(self) -> None:
        host, seconds = self._host(), self._rng.choice((0.1, 1.0, 20.0)) * self._rng.random()
        self._told(f"the agent of {host.name} crashes, for {seconds:.2f} s")
        host.crash()
        await asyncio.sleep(seconds)
        host.start()

    async def _cut_power(self) -> None:
        host, seconds = self._host(), self._rng.uniform(1.0, 60.0)
        self._told(f"{host.name} loses its power, for {seconds:.2f} s")
        host.cut_power()
        await asyncio.sleep(seconds)
        host.start()

    async def _part(self) -> None:
        host, seconds = self._host(), self._rng.choice((1.0, 10.0, 60.0)) * self._rng.random()
        self._told(f"{host.name} is cut off, for {seconds:.2f} s")
        host.line.part()
        await asyncio.sleep(seconds)
        host.line.heal()

    async def _cut(self) -> None:
        host = self._host()
        self._told(f"the connection of {host.name} breaks")
        host.line.cut()

    async def _kill_container(self) -> None:
        host = self._host()
        running = [
            run.state.id
            for run in host.machine.runs.values()
            if run.state.phase is ContainerPhase.RUNNING
        ]
        if running and host.engine is not None:
            container = self._rng.choice(running)
            self._told(f"container {container} on {host.name} is killed")
            host.engine.oom_kill(container)

    async def _slow_disk(self) -> None:
        seconds = self._rng.uniform(0.5, 10.0)
        self._told(f"the master's disk is slow, for {seconds:.2f} s")
        self._disk.slow = True
        await asyncio.sleep(seconds)
        self._disk.slow = False

    async def _failing_disk(self) -> None:
        seconds = self._rng.uniform(0.2, 8.0)
        self._told(f"the master's disk fails, for {seconds:.2f} s")
        self._disk.failing = True
        await asyncio.sleep(seconds)
        self._disk.failing = False

    async def _jump(self) -> None:
        host, seconds = self._host(), self._rng.choice((-3600.0, -30.0, -1.0, 2.0, 60.0, 3600.0))
        self._told(f"the clock of {host.name} jumps by {seconds:.0f} s")
        host.clock.ahead += seconds

    async def _engine_down(self) -> None:
        host, seconds = self._host(), self._rng.uniform(0.5, 20.0)
        self._told(f"the container engine of {host.name} is down, for {seconds:.2f} s")
        host.engine_fails = True
        await asyncio.sleep(seconds)
        host.answer_again()

    async def _forget(self) -> None:
        kept = self._rng.choice((0, 5, 100))
        self._told(f"history is compacted to {kept} revisions")
        self._master.compact(kept)

    def _host(self) -> Host:
        return self._rng.choice(self._hosts)


async def _quietly(fault: Awaitable[None]) -> None:
    await fault
