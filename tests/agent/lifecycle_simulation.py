"""A pod's machine for tests of the pure lifecycle: performs actions at once or as told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from agent.lifecycle.learning import learn
from agent.lifecycle.runs import IMAGE_LABEL, container_named
from agent.lifecycle.step import step
from agent.lifecycle.view import (
    Action,
    Health,
    MakeSandbox,
    Memory,
    Notice,
    Outcome,
    RefreshVolumes,
    RemovePod,
    RemoveRun,
    Ruling,
    RunPreStop,
    StartContainer,
    Step,
    StopContainer,
    View,
)
from agent.runtime.specs import ContainerID, PodUID
from agent.runtime.states import ContainerPhase, ContainerState, ExitReason, Sandbox
from protos.core_v1_pb2 import Pod, PodStatus

START = 1_700_000_000.0


@dataclass
class Simulation:
    """Takes steps until nothing more happens; time moves only by `tick`.

    fail: what makes an action fail: (reason, message) or None. obeys: a container ends by
    itself on its stop signal. hooks: preStop hooks end at once.
    """

    pod: Pod
    now: float = START
    obeys: bool = True
    hooks: bool = True
    fail: Callable[[Action], tuple[str, str] | None] = lambda action: None
    status: PodStatus = field(default_factory=PodStatus)
    memory: Memory = field(default_factory=Memory)
    sandbox: Sandbox | None = None
    runs: dict[str, tuple[ContainerState, ...]] = field(default_factory=dict)
    health: dict[ContainerID, Health] = field(default_factory=dict)
    messages: dict[ContainerID, str] = field(default_factory=dict)
    busy: dict[str, tuple[Action, float]] = field(default_factory=dict)
    generation: int = 1
    evicted: bool = False
    ruling: Ruling | None = None
    log: list[Action] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    last: Step | None = None

    def view(self) -> View:
        return View(
            pod=self.pod,
            previous=self.status,
            now=self.now,
            sandbox=self.sandbox,
            runs=self.runs,
            health=self.health,
            messages=self.messages,
            busy=frozenset(self.busy),
            generation=self.generation,
            evicted=self.evicted,
            ruling=self.ruling,
        )

    def settle(self) -> Step:
        """Steps until one has no actions that end at once."""
        for _ in range(200):
            taken = step(self.view(), self.memory)
            self.memory, self.status, self.last = taken.memory, taken.status, taken
            self.notices += taken.notices
            for key in taken.cancel:
                self.busy.pop(key, None)
            done = [self._begin(action) for action in taken.actions]
            if not any(done) and not taken.cancel:
                return taken
        raise AssertionError(f"it never settles: {self.log[-5:]}")

    def _begin(self, action: Action) -> bool:
        self.log.append(action)
        failure = self.fail(action)
        if failure is not None:
            self._end(Outcome(action.key, *failure, generation=self.generation))
            return True
        if isinstance(action, RunPreStop) and not self.hooks:
            self.busy[action.key] = (action, self.now + action.seconds)
            return False
        if isinstance(action, StopContainer) and not self.obeys and action.grace > 0:
            self.busy[action.key] = (action, self.now + action.grace)
            return False
        self._perform(action)
        self._end(Outcome(action.key, generation=self.generation))
        return True

    def _perform(self, action: Action) -> None:
        match action:
            case MakeSandbox():
                if action.replace:
                    self.runs = {}
                self.sandbox = Sandbox(
                    PodUID("u"), "default", "p", "10.0.0.1", ready=True, created_at=self.now
                )
            case StartContainer():
                self.put(action.name, action.attempt, ContainerPhase.RUNNING)
            case StopContainer():
                self.exit(action.name, 0 if action.grace > 0 and self.obeys else 137)
            case RemoveRun():
                self.runs = {
                    name: tuple(run for run in runs if run.id != action.container)
                    for name, runs in self.runs.items()
                }
            case RemovePod():
                self.sandbox, self.runs = None, {}
            case RefreshVolumes() | RunPreStop():
                pass

    def _end(self, outcome: Outcome) -> None:
        self.busy.pop(outcome.key, None)
        self.memory = learn(self.memory, outcome, self.now)

    def put(self, name: str, attempt: int, phase: ContainerPhase) -> None:
        """A run appears."""
        run = ContainerState(
            id=ContainerID(f"{name}-{attempt}"),
            pod=PodUID("u"),
            name=name,
            attempt=attempt,
            phase=phase,
            image="image",
            image_id="sha256:1",
            created_at=self.now,
            started_at=self.now if phase is not ContainerPhase.CREATED else 0,
            labels=((IMAGE_LABEL, container_named(self.pod, name).image),),
        )
        others = tuple(r for r in self.runs.get(name, ()) if r.attempt != attempt)
        self.runs = {**self.runs, name: (*others, run)}

    def exit(self, name: str, code: int, reason: ExitReason | None = None) -> None:
        """The newest run of a container ends."""
        *others, run = self.runs[name]
        by_code = ExitReason.COMPLETED if code == 0 else ExitReason.ERROR
        ended = replace(
            run,
            phase=ContainerPhase.EXITED,
            exit_code=code,
            reason=reason or by_code,
            finished_at=self.now,
        )
        self.runs = {**self.runs, name: (*others, ended)}

    def crash(self, name: str, code: int = 1) -> Step:
        """It exits by itself, and what follows at once."""
        self.exit(name, code)
        return self.settle()

    def tick(self, seconds: float) -> Step:
        """Let time pass, waking when a step asked for it and when a slow action ends."""
        end = self.now + seconds
        taken = self.settle()
        for _ in range(10_000):
            due = [at for _, at in self.busy.values()]
            wakes = [*due] if taken.wake is None else [*due, taken.wake]
            ahead = min((at for at in wakes if at > self.now), default=end)
            if ahead >= end:
                break
            self.now = ahead
            self._finish_slow()
            taken = self.settle()
        self.now = end
        self._finish_slow()
        return self.settle()

    def _finish_slow(self) -> None:
        for key, (action, at) in list(self.busy.items()):
            if at <= self.now:
                if isinstance(action, StopContainer):
                    self.exit(action.name, 137)
                self._end(Outcome(key))

    def running(self) -> list[str]:
        """Names of containers that run."""
        return [
            name for name, runs in self.runs.items() if runs[-1].phase is ContainerPhase.RUNNING
        ]

    def container(self, name: str) -> object:
        """Its status."""
        entries = (*self.status.init_container_statuses, *self.status.container_statuses)
        return next(entry for entry in entries if entry.name == name)

    def condition(self, kind: str) -> str:
        """A condition's status."""
        return next(entry.status for entry in self.status.conditions if entry.type == kind)

    def delete(self, grace: int = 30) -> None:
        """Mark the pod for deletion."""
        pod = Pod()
        pod.CopyFrom(self.pod)
        pod.metadata.deletion_timestamp.seconds = int(self.now) + grace
        pod.metadata.deletion_grace_period_seconds = grace
        self.pod = pod
