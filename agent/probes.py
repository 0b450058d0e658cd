"""Liveness, readiness and startup probes of one pod's containers.

In comes which runs are to be probed; out goes a Health for a run whenever a verdict changes.
One task a run: the startup probe first, until it passes; then liveness and readiness beside
each other, each in its own period. A verdict is reached by thresholds of consecutive
results (Tally, pure). A probe that is cut off tells nothing. A run's probes end with it, or
once a probe has given it up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from agent.checks import Checks, Target
from agent.lifecycle.view import Health
from agent.runtime.specs import ContainerID
from pilothouse.process.clock import Clock
from protos.core_v1_pb2 import Probe

# Defaults of fields that admission fills in; an object that came past it has zeros.
_PERIOD, _TIMEOUT, _SUCCESSES, _FAILURES = 10, 1, 1, 3


@dataclass(frozen=True, slots=True)
class Tally:
    """Consecutive equal results; verdict None until a threshold is reached."""

    successes_needed: int
    failures_needed: int
    verdict: bool | None = None
    last: bool | None = None
    count: int = 0

    @classmethod
    def of(cls, probe: Probe, verdict: bool | None) -> Tally:
        """With the probe's thresholds."""
        return cls(
            probe.success_threshold or _SUCCESSES, probe.failure_threshold or _FAILURES, verdict
        )

    def observe(self, passed: bool) -> Tally:
        """The tally with one more result."""
        count = self.count + 1 if passed is self.last else 1
        needed = self.successes_needed if passed else self.failures_needed
        verdict = passed if count >= needed else self.verdict
        return replace(self, last=passed, count=count, verdict=verdict)


@dataclass(frozen=True, slots=True)
class Unhealthy:
    """A probe failed once: for an event."""

    container: str
    message: str


class Prober:
    """Of one pod. `tell` gets each new Health, `complain` each failed look."""

    def __init__(
        self,
        checks: Checks,
        clock: Clock,
        tell: Callable[[ContainerID, Health], None],
        complain: Callable[[Unhealthy], None],
    ) -> None:
        self._checks = checks
        self._clock = clock
        self._tell = tell
        self._complain = complain
        self._health: dict[ContainerID, Health] = {}
        self._tasks: dict[ContainerID, asyncio.Task[None]] = {}

    def want(self, targets: Mapping[ContainerID, Target], group: asyncio.TaskGroup) -> None:
        """Probe exactly these runs from now on."""
        for run in [run for run in self._tasks if run not in targets]:
            self._tasks.pop(run).cancel()
            self._health.pop(run, None)
        for run, target in targets.items():
            if run not in self._tasks:
                name = f"probe-{target.container.name}"
                self._tasks[run] = group.create_task(self._watch(target), name=name)

    async def _watch(self, target: Target) -> None:
        container = target.container
        if container.HasField("startup_probe"):
            await self._until_started(target, container.startup_probe)
            if self._health[target.run].failed:
                return
        async with asyncio.TaskGroup() as both:
            if container.HasField("readiness_probe"):
                both.create_task(self._readiness(target, container.readiness_probe))
            if container.HasField("liveness_probe"):
                both.create_task(self._liveness(target, container.liveness_probe))

    async def _until_started(self, target: Target, probe: Probe) -> None:
        tally = Tally.of(probe, None)
        await self._clock.sleep(probe.initial_delay_seconds)
        while True:
            message = await self._look(target, probe, "Startup")
            tally = tally.observe(not message)
            if tally.verdict:
                self._update(target, replace(self._known(target), started=True))
                return
            if tally.verdict is False:
                self._give_up(target, probe, "startup", started=False)
                return
            await self._pause(probe)

    async def _readiness(self, target: Target, probe: Probe) -> None:
        tally = Tally.of(probe, None)
        await self._clock.sleep(probe.initial_delay_seconds)
        while True:
            message = await self._look(target, probe, "Readiness")
            before = tally.verdict
            tally = tally.observe(not message)
            if tally.verdict is not None and tally.verdict is not before:
                self._update(target, replace(self._known(target), ready=tally.verdict))
            await self._pause(probe)

    async def _liveness(self, target: Target, probe: Probe) -> None:
        tally = Tally.of(probe, True)
        await self._clock.sleep(probe.initial_delay_seconds)
        while True:
            message = await self._look(target, probe, "Liveness")
            tally = tally.observe(not message)
            if tally.verdict is False:
                self._give_up(target, probe, "liveness", started=None)
                return
            await self._pause(probe)

    async def _look(self, target: Target, probe: Probe, kind: str) -> str:
        message = await look(self._checks, target, probe)
        if message:
            text = f"{kind} probe failed: {message}"
            self._complain(Unhealthy(target.container.name, text))
        return message

    async def _pause(self, probe: Probe) -> None:
        await self._clock.sleep(probe.period_seconds or _PERIOD)

    def _known(self, target: Target) -> Health:
        return self._health.get(target.run, Health())

    def _update(self, target: Target, health: Health) -> None:
        self._health[target.run] = health
        self._tell(target.run, health)

    def _give_up(self, target: Target, probe: Probe, kind: str, *, started: bool | None) -> None:
        grace = (
            float(probe.termination_grace_period_seconds)
            if probe.HasField("termination_grace_period_seconds")
            else None
        )
        name = target.container.name
        failed = f"Container {name} failed {kind} probe, will be restarted"
        health = replace(self._known(target), failed=failed, grace=grace)
        self._update(target, health if started is None else replace(health, started=started))


async def look(checks: Checks, target: Target, probe: Probe) -> str:
    """One look, by the probe's kind; "" when it passes."""
    seconds = float(probe.timeout_seconds or _TIMEOUT)
    way = probe.probe_handler
    if way.HasField("exec"):
        return await checks.command(target, way.exec, seconds)
    if way.HasField("http_get"):
        return await checks.http(target, way.http_get, seconds)
    if way.HasField("tcp_socket"):
        return await checks.tcp(target, way.tcp_socket, seconds)
    if way.HasField("grpc"):
        return await checks.grpc(target, way.grpc, seconds)
    return "the probe says no way to look"
