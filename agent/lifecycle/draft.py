"""A step in the making: what the parts of the decision add to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from agent.lifecycle import delays
from agent.lifecycle.runs import Run, newest_runs, reported
from agent.lifecycle.view import (
    Action,
    Delay,
    Failure,
    Memory,
    Notice,
    StartContainer,
    Stop,
    View,
)
from agent.runtime.specs import ContainerID
from protos.core_v1_pb2 import Container, ContainerStatus


@dataclass(slots=True)
class Draft:
    """One step's working copy. runs and before are by container name."""

    view: View
    runs: dict[str, Run]
    before: dict[str, ContainerStatus]
    failures: dict[str, Failure]
    crashes: dict[str, Delay]
    stops: dict[ContainerID, Stop]
    superseded: set[ContainerID]
    actions: list[Action] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    wakes: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, view: View, memory: Memory) -> Draft:
        """With nothing decided yet."""
        runs = {
            name: replace(run, superseded=run.id in memory.superseded)
            for name, run in newest_runs(view).items()
        }
        running = {run.id for run in runs.values() if run.running}
        return cls(
            view=view,
            runs=runs,
            before=reported(view.previous),
            failures=dict(memory.failures),
            crashes=dict(memory.crashes),
            stops={run: stop for run, stop in memory.stops.items() if run in running},
            superseded={run.id for run in runs.values() if run.superseded},
        )

    def issue(self, action: Action) -> None:
        """Take the action, unless it is under way or has failed just now."""
        failure = self.failures.get(action.key)
        if failure is not None:
            due = delays.retry_at(failure, self.view.generation, self.view.now)
            if due > self.view.now:
                self.wakes.append(due)
                return
        if action.key not in self.view.busy and not self._must_queue(action):
            self.actions.append(action)

    def _must_queue(self, action: Action) -> bool:
        # Containers start one after the other, in the pod's order, each with its postStart
        # hook, as Kubernetes does it: users build on that order.
        keys = (*self.view.busy, *(issued.key for issued in self.actions))
        return isinstance(action, StartContainer) and any(k.startswith("start:") for k in keys)

    def started(self, container: Container) -> bool:
        """It runs and its startup probe, where it has one, has passed."""
        run = self.runs.get(container.name)
        if run is None or not run.running or f"start:{container.name}" in self.view.busy:
            return False
        if not container.HasField("startup_probe"):
            return True
        health = self.view.health.get(run.id)
        if health is not None and health.started is not None:
            return health.started
        return self._same_run(container.name) and self.before[container.name].started

    def ready(self, container: Container) -> bool:
        """It has started and its readiness probe, where it has one, passes."""
        if not self.started(container):
            return False
        if not container.HasField("readiness_probe"):
            return True
        health = self.view.health.get(self.runs[container.name].id)
        if health is not None and health.ready is not None:
            return health.ready
        return self._same_run(container.name) and self.before[container.name].ready

    def _same_run(self, name: str) -> bool:
        # An agent that was restarted knows no verdict yet: the reported one holds until then.
        before = self.before.get(name)
        return before is not None and before.container_id.endswith(self.runs[name].id)
