"""The simulated machine under the in-memory runtime: what survives an agent's restart.

Containers are timelines (script.py), so their state is worked out from the clock when it is
looked at and thousands of them need no task each.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from agent.network.contract import NodeNetwork
from agent.network.memory import MemoryNetwork
from agent.runtime.script import Script, parse
from agent.runtime.specs import ContainerID, ContainerSpec, PodUID, SandboxSpec
from agent.runtime.states import ContainerPhase, ContainerState, ExitReason, Image, Sandbox
from pilothouse.process.clock import Clock

STOPPED_BY_KILL = 137


@dataclass(slots=True)
class Run:
    """One container: its spec, what it does, and what has become of it."""

    spec: ContainerSpec
    script: Script
    state: ContainerState
    ends_at: float | None = None  # Unix time


@dataclass(slots=True)
class Pod:
    """A sandbox and its runs; ended logs of removed runs are kept by name and attempt."""

    spec: SandboxSpec
    sandbox: Sandbox
    kept: dict[tuple[str, int], Run] = field(default_factory=dict)


class Machine:
    """Engine, images and processes of one host. programs: what an image or the first word of
    a command does, for those that script.parse does not know; absent: images that no
    registry has."""

    def __init__(
        self,
        clock: Clock,
        *,
        network: NodeNetwork | None = None,
        programs: Mapping[str, Script] | None = None,
        absent: frozenset[str] = frozenset(),
    ) -> None:
        self.clock = clock
        self.network: NodeNetwork = network if network is not None else MemoryNetwork()
        self.programs = dict(programs or {})
        self.absent = absent
        self.images: dict[str, Image] = {}
        self.pods: dict[PodUID, Pod] = {}
        self.runs: dict[ContainerID, Run] = {}
        self._due: list[tuple[float, ContainerID]] = []
        self._pids = itertools.count(1000)

    def create(self, spec: ContainerSpec, image: Image) -> Run:
        """A new run in phase CREATED."""
        identity = ContainerID(f"{spec.pod}/{spec.name}/{spec.attempt}")
        state = ContainerState(
            id=identity,
            pod=spec.pod,
            name=spec.name,
            attempt=spec.attempt,
            phase=ContainerPhase.CREATED,
            image=spec.image,
            image_id=image.id,
            created_at=self.clock.now(),
            labels=spec.labels,
        )
        run = Run(spec, self.script_of(spec), state)
        self.runs[identity] = run
        self.pods[spec.pod].kept[spec.name, spec.attempt] = run
        return run

    def script_of(self, spec: ContainerSpec) -> Script:
        """What the run does: by its program, else by its image, else by its command line."""
        command = (*spec.command, *spec.args)
        if command and command[0] in self.programs:
            return self.programs[command[0]]
        if not command and spec.image in self.programs:
            return self.programs[spec.image]
        return parse(command)

    def start(self, run: Run) -> None:
        """Let its timeline begin."""
        now = self.clock.now()
        phase = ContainerPhase.RUNNING
        run.state = replace(run.state, phase=phase, pid=next(self._pids), started_at=now)
        if run.script.ends_after is not None:
            self.end_at(run, now + run.script.ends_after)

    def end_at(self, run: Run, at: float) -> None:
        """The run ends by itself at that time."""
        run.ends_at = at
        heapq.heappush(self._due, (at, run.state.id))

    def end(self, run: Run, code: int, reason: ExitReason | None = None) -> None:
        """The run ends now."""
        if run.state.phase is ContainerPhase.EXITED:
            return
        at = min(run.ends_at, self.clock.now()) if run.ends_at else self.clock.now()
        by_code = ExitReason.COMPLETED if code == 0 else ExitReason.ERROR
        run.state = replace(
            run.state,
            phase=ContainerPhase.EXITED,
            pid=0,
            finished_at=at,
            exit_code=code,
            reason=reason or by_code,
        )

    def settle(self) -> Iterator[Run]:
        """End every run whose time has come; gives those that ended."""
        now = self.clock.now()
        while self._due and self._due[0][0] <= now:
            _, identity = heapq.heappop(self._due)
            run = self.runs.get(identity)
            if run is not None and run.state.phase is ContainerPhase.RUNNING:
                self.end(run, run.script.exit_code)
                yield run

    def next_end(self) -> float | None:
        """When settle has something to do next: Unix time."""
        return self._due[0][0] if self._due else None
