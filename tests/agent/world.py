"""A worker over the in-memory machine, with a clock that the test moves."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc.aio

from agent.agent import Agent, Bearing, Seam
from agent.checks import HollowChecks
from agent.hollow import HollowVolumes, hollow_node
from agent.ledger import MemoryLedger
from agent.runtime.machine import Machine
from agent.runtime.memory import MemoryRuntime
from agent.surroundings import Self
from agent.worker import Worker
from pilothouse.process.clock import VirtualClock
from protos.core_v1_pb2 import Pod, PodStatus
from protos.dispatch_pb2 import Assignments, PodStatuses, Welcome
from protos.resources_pb2 import Object

WELCOME = Welcome(
    pod_cidr="10.244.1.0/24",
    cluster_cidr="10.244.0.0/16",
    service_cidr="10.96.0.0/12",
    dns_address="10.96.0.10",
    cluster_domain="cluster.local",
)


def make_pod(name: str = "web", uid: str = "", **containers: str) -> Pod:
    """A pod with one container for each keyword: name=shell script ("" runs for ever)."""
    pod = Pod()
    pod.metadata.name = name
    pod.metadata.namespace = "default"
    pod.metadata.uid = uid or f"uid-{name}"
    pod.spec.restart_policy = "Always"
    pod.spec.node_name = "n1"
    pod.spec.termination_grace_period_seconds = 30
    for container, script in (containers or {"main": ""}).items():
        made = pod.spec.containers.add(
            name=container, image="demo", image_pull_policy="IfNotPresent"
        )
        if script:
            made.command.extend(["sh", "-c", script])
    return pod


class World:
    """One node. The agent may be restarted; machine and ledger stay."""

    def __init__(self, machine: Machine | None = None) -> None:
        self.clock = VirtualClock()
        self.machine = machine if machine is not None else Machine(self.clock)
        self.ledger = MemoryLedger()
        self.volumes = HollowVolumes()
        self.reports: dict[str, PodStatuses.Entry] = {}
        self.history: list[PodStatuses.Entry] = []
        self.sequence = 0
        self.allocatable: dict[str, int] = {}
        self.worker: Worker
        self.agent: Agent
        self.runtime: MemoryRuntime

    def make_runtime(self) -> MemoryRuntime:
        """A new agent's runtime over the old machine."""
        return MemoryRuntime(self.machine)

    @asynccontextmanager
    async def agent_runs(self, *, master: bool = True) -> AsyncIterator[World]:
        """An agent over the machine, for the block; killed at its end."""
        runtime = self.runtime = self.make_runtime()
        seam = Seam(runtime, self.machine.network, self.volumes, HollowChecks(runtime), self.ledger)
        me = Self("n1", "192.0.2.1", self.allocatable)
        node = hollow_node("n1", "192.0.2.1", cpu="4", memory="8Gi", pods=110)
        bearing = Bearing("n1", "test", lambda: me, lambda: node)
        agent = self.agent = Agent(bearing, seam, _no_channel, self.clock, random.Random(1))
        self.worker = agent.worker
        ready = agent.runtime_ready
        await agent.restore()
        if master:
            agent.welcomed(WELCOME)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(runtime.run(ready)),
                group.create_task(agent.surroundings.run()),
                group.create_task(agent.worker.run(ready)),
                group.create_task(self._collect()),
            ]
            await self.settle()
            yield self
            for task in tasks:
                task.cancel()

    async def _collect(self) -> None:
        while True:
            message = self.agent.session.reporter.next()
            if message is None:
                await asyncio.sleep(0)
                continue
            for entry in message.entries:
                self.reports[entry.uid] = entry
                self.history.append(entry)
            self.agent.session.reporter.acknowledged(message.sequence)

    async def settle(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(100):
            await asyncio.sleep(0)

    async def advance(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass, in steps in which everything settles."""
        while seconds > 0:
            await self.clock.advance(min(step, seconds))
            await self.settle()
            seconds -= step

    async def until(self, condition: Callable[[], bool], within: float = 60.0) -> None:
        """Let time pass until the condition holds."""
        waited = 0.0
        while not condition():
            assert waited < within, "the condition did not come to hold"
            await self.advance(0.5, 0.5)
            waited += 0.5

    async def assign(self, *objects: object, complete: bool = False, **removed: str) -> None:
        """Assign objects; complete: nothing else."""
        self.sequence += 1
        update = Assignments(
            type=Assignments.COMPLETE if complete else Assignments.INCREMENTAL,
            sequence=self.sequence,
        )
        for message in objects:
            wrapped = Object()
            field = {"Pod": "pod", "ConfigMap": "config_map", "Secret": "secret"}
            getattr(wrapped, field[type(message).__name__]).CopyFrom(message)
            update.set.append(wrapped)
        for name, uid in removed.items():
            entry = update.removed.add(uid=uid)
            entry.ref.resource, entry.ref.namespace, entry.ref.name = "pods", "default", name
        assert self.worker.assigned(update)
        await self.settle()

    def status(self, uid: str) -> PodStatus:
        """What was reported last of a pod."""
        return self.reports[uid].status

    def events(self) -> list[tuple[str, str]]:
        """(reason, message) of all events that wait, oldest first; they are taken."""
        found = []
        while (batch := self.agent.session.events.next()) is not None:
            found += [(event.reason, event.message) for event in batch.events]
        return found


@asynccontextmanager
async def _no_channel() -> AsyncIterator[grpc.aio.Channel]:
    raise ConnectionError("this test has no master")
    yield
