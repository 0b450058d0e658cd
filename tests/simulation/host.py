"""A node: its machine, and the agent on it, which crashes and is started again.

The machine outlives the agent, and the ledger's written part outlives both; what the ledger had
not written yet is lost with the agent. After a power cut the machine's processes are gone and
its sandboxes are no longer ready.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import grpc.aio

from agent.agent import Agent, Bearing, Seam
from agent.checks import HollowChecks
from agent.hollow import VERSION, HollowVolumes, hollow_node
from agent.runtime.machine import STOPPED_BY_KILL, Machine
from agent.surroundings import Self
from protos.core_v1_pb2 import Node
from tests.simulation.engine import Engine
from tests.simulation.loop import LoopClock
from tests.simulation.transport import Channel, Line

RESTART_SECONDS = 1.0
LEDGER_SECONDS = 0.05


class Written:
    """A Ledger whose puts are durable a moment later."""

    def __init__(self, durable: dict[str, bytes]) -> None:
        self._durable = durable
        self._pending: dict[str, bytes | None] = {}

    def put(self, key: str, value: bytes | None) -> None:
        """Durable within LEDGER_SECONDS, if the agent lives."""
        self._pending[key] = value

    async def load(self) -> Mapping[str, bytes]:
        """What is durable."""
        return dict(self._durable)

    async def run(self) -> None:
        """Write what waits, until cancelled."""
        while True:
            await asyncio.sleep(LEDGER_SECONDS)
            pending, self._pending = self._pending, {}
            for key, value in pending.items():
                if value is None:
                    self._durable.pop(key, None)
                else:
                    self._durable[key] = value


class Host:
    """run() until cancelled; crash(), cut_power() and start() in between."""

    def __init__(
        self,
        number: int,
        line: Line,
        rng: random.Random,
        astonished: Callable[[str], None],
        *,
        cpu: str,
    ) -> None:
        self.name = line.node
        self.line = line
        self.clock = LoopClock()
        self.machine = Machine(self.clock)
        self.engine_fails = False
        self._address = f"192.0.2.{number}"
        self._cpu = cpu
        self._rng = rng
        self._astonished = astonished
        self._ledger: dict[str, bytes] = {}
        self._volumes = HollowVolumes()
        self._process: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self.engine: Engine | None = None

    def start(self) -> None:
        """Let the agent run."""
        self._wanted.set()

    def answer_again(self) -> None:
        """The container engine is back."""
        self.engine_fails = False
        if self.engine is not None:
            self.engine.come_back()

    def crash(self) -> None:
        """End the agent's process in the middle of whatever it does; containers run on."""
        self._wanted.clear()
        self.engine = None
        if self._process is not None:
            self._process.cancel()

    def cut_power(self) -> None:
        """End everything; nobody hears a goodbye."""
        for stream in tuple(self.line.streams):
            stream.break_off(master_knows_in=20.0)
        self.crash()
        for run in self.machine.runs.values():
            self.machine.end(run, STOPPED_BY_KILL)
        for pod in self.machine.pods.values():
            pod.sandbox = replace(pod.sandbox, ready=False)

    async def run(self) -> None:
        """Supervise."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._wanted.wait()
                self._process = group.create_task(self._live(), name=f"agent-{self.name}")
                await asyncio.wait((self._process,))
                await asyncio.sleep(RESTART_SECONDS)

    async def _live(self) -> None:
        agent = self._agent()
        try:
            await agent.restore()
            await agent.run()
        except Exception as error:  # noqa: BLE001 - a process's end, reported
            if self._wanted.is_set():
                self._astonished(f"the agent of {self.name} ended: {error!r}")

    def _agent(self) -> Agent:
        self.engine = Engine(self.machine, self._rng, lambda: self.engine_fails)
        seam = Seam(
            runtime=self.engine,
            network=self.machine.network,
            volumes=self._volumes,
            checks=HollowChecks(self.engine),
            ledger=Written(self._ledger),
        )
        node = self._node()
        me = Self(self.name, self._address, {})
        bearing = Bearing(self.name, VERSION, lambda: me, lambda: node)
        rng = random.Random(self._rng.random())
        return Agent(bearing, seam, self._dial, self.clock, rng)

    def _node(self) -> Node:
        return hollow_node(self.name, self._address, cpu=self._cpu, memory="8Gi", pods=20)

    @asynccontextmanager
    async def _dial(self) -> AsyncIterator[grpc.aio.Channel]:
        channel: Any = Channel(self.line)
        yield cast(grpc.aio.Channel, channel)
