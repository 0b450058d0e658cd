"""Which containers to start: init containers in order, then all others, restarts with back-off.

Ephemeral ones start at any time, once."""

from __future__ import annotations

from dataclasses import dataclass

from agent.lifecycle import delays
from agent.lifecycle.draft import Draft
from agent.lifecycle.runs import (
    Run,
    container_named,
    ephemeral_containers,
    is_outdated,
    is_sidecar,
)
from agent.lifecycle.view import Delay, MakeSandbox, Notice, StartContainer, View
from protos.core_v1_pb2 import Container, PodSpec


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pod has come.

    initialized: the containers may run. init_failed: an init container failed and nothing
    restarts it. finished: every container has ended for good.
    """

    initialized: bool
    init_failed: bool
    finished: bool

    @property
    def over(self) -> bool:
        """Nothing of the pod will be started again."""
        return self.init_failed or self.finished


def restarts(spec: PodSpec, container: Container, run: Run, *, init: bool) -> bool:
    """Whether an ended run is followed by another."""
    if run.superseded or (init and is_sidecar(container)):
        return True
    if spec.restart_policy == "Never":
        return False
    if init or spec.restart_policy == "OnFailure":
        return run.exit_code != 0
    return True


def progress(
    view: View, runs: dict[str, Run], started: frozenset[str], *, ending: bool
) -> Progress:
    """started: names of containers that run and have passed their startup probes."""
    spec = view.pod.spec
    finished = all(
        run is not None and run.exited and not restarts(spec, container, run, init=False)
        for container in spec.containers
        for run in (runs.get(container.name),)
    )
    return Progress(
        initialized=_initialized(spec, runs, started, ending=ending),
        init_failed=any(_failed_for_good(spec, init, runs) for init in spec.init_containers),
        finished=finished,
    )


def _initialized(
    spec: PodSpec, runs: dict[str, Run], started: frozenset[str], *, ending: bool
) -> bool:
    # Once a container has run in this sandbox the init containers stay done, whatever
    # becomes of a sidecar. Runs go with their sandbox, so an observed one is of this one.
    if any(ending or runs[c.name].observed for c in spec.containers if c.name in runs):
        return True
    return all(
        init.name in started if is_sidecar(init) else init_done(runs.get(init.name))
        for init in spec.init_containers
    )


def init_done(run: Run | None) -> bool:
    """An init container has done its work in this sandbox."""
    return run is not None and run.observed and run.exited and run.exit_code == 0


def _failed_for_good(spec: PodSpec, init: Container, runs: dict[str, Run]) -> bool:
    run = runs.get(init.name)
    return (
        run is not None
        and run.exited
        and run.exit_code != 0
        and not restarts(spec, init, run, init=True)
    )


def start_what_is_due(draft: Draft, state: Progress) -> None:
    """Add the actions that bring the pod on."""
    view = draft.view
    if view.sandbox is None or not view.sandbox.ready:
        stale = view.sandbox is not None or any(view.runs.values())
        draft.issue(MakeSandbox(replace=stale))
        return
    spec = view.pod.spec
    for added in ephemeral_containers(spec):
        run = draft.runs.get(added.name)
        if run is None or not (run.running or run.exited):
            draft.issue(StartContainer(added.name, 0))
    if not state.initialized:
        _advance_init(draft)
        return
    for init in spec.init_containers:
        if is_sidecar(init):
            _start(draft, init, init=True)
    for container in spec.containers:
        _start(draft, container, init=False)


def _advance_init(draft: Draft) -> None:
    for init in draft.view.pod.spec.init_containers:
        if init_done(draft.runs.get(init.name)) and not is_sidecar(init):
            continue
        _start(draft, init, init=True)
        if not (is_sidecar(init) and draft.started(init)):
            return


def _start(draft: Draft, container: Container, *, init: bool) -> None:
    view, run = draft.view, draft.runs.get(container.name)
    if run is None:
        draft.issue(StartContainer(container.name, 0))
        return
    if run.running:
        return
    if not run.exited:  # created, but the agent was cut off before it started it
        draft.issue(StartContainer(container.name, run.attempt))
        return
    rerun = init and not run.observed  # the work of a sandbox that is gone is done again
    if not rerun and not restarts(view.pod.spec, container, run, init=init):
        return
    _restart(draft, container, run)


def _restart(draft: Draft, container: Container, run: Run) -> None:
    now, name = draft.view.now, container.name
    due = delays.restart_at(crash_delay(draft, run, name), run.finished_at, now)
    if due > now:
        draft.wakes.append(due)
        before = draft.before.get(name)
        if before is None or before.state.waiting.reason != "CrashLoopBackOff":
            draft.notices.append(_back_off_notice(draft, name))
        return
    draft.issue(StartContainer(name, run.attempt + 1))


def crash_delay(draft: Draft, run: Run, name: str) -> Delay | None:
    """The container's restart delay, estimated where an earlier agent knew it; None for an image
    that has not crashed yet."""
    if is_outdated(container_named(draft.view.pod, name), run):
        return None
    known = draft.crashes.get(name)
    if known is not None or not run.observed:
        return known
    return delays.estimated(run.attempt, run.started_at)


def _back_off_notice(draft: Draft, name: str) -> Notice:
    meta = draft.view.pod.metadata
    text = (
        f"Back-off restarting failed container {name} in pod "
        f"{meta.name}_{meta.namespace}({meta.uid})"
    )
    return Notice("BackOff", text, warning=True, container=name)


def note_restarts(draft: Draft) -> None:
    """Remember, for every restart that this step begins, how long the next will wait."""
    for action in draft.actions:
        if isinstance(action, StartContainer):
            run = draft.runs.get(action.name)
            if run is not None and run.exited:
                known = crash_delay(draft, run, action.name)
                draft.crashes[action.name] = delays.restarted(
                    known, run.finished_at, draft.view.now
                )
