"""How containers end: preStop hook, stop signal, SIGKILL when the grace is over; sidecars last."""

from __future__ import annotations

from dataclasses import replace

from agent.lifecycle.draft import Draft
from agent.lifecycle.runs import Run, every_container, is_outdated, is_sidecar
from agent.lifecycle.view import Memory, Notice, RunPreStop, Stop, StopContainer, View
from protos.core_v1_pb2 import Container

# What a container gets after its preStop hook has used up the grace (as the kubelet gives).
AFTER_HOOK = 2.0
# How long after its deadline a stop that the runtime is still working on is overtaken.
OVERTAKE = 1.0
DEFAULT_GRACE = 30.0


def pod_grace(view: View) -> float:
    """Seconds that the pod's containers get to stop."""
    meta, spec = view.pod.metadata, view.pod.spec
    if meta.HasField("deletion_timestamp") and meta.HasField("deletion_grace_period_seconds"):
        return float(meta.deletion_grace_period_seconds)
    if spec.HasField("termination_grace_period_seconds"):
        return float(spec.termination_grace_period_seconds)
    return DEFAULT_GRACE


def ending_deadline(view: View, memory: Memory) -> float:
    """When the grace of a pod that is being deleted is over.

    Counted from when this agent first saw it, so that clocks that differ do no harm; one that
    was adopted while ending has what the master's time-stamp leaves of it. A deletion repeated
    with less grace shortens it, never the reverse.
    """
    mine = view.now + pod_grace(view)
    if not memory.seen:
        mine = min(mine, max(view.now, view.pod.metadata.deletion_timestamp.seconds))
    return mine if memory.deadline is None else min(memory.deadline, mine)


def stop_unhealthy(draft: Draft) -> None:
    """Stop the runs whose liveness or startup probe gave up; restarting follows from the exit."""
    for name, container in _containers(draft.view).items():
        run = draft.runs.get(name)
        health = draft.view.health.get(run.id) if run is not None else None
        if run is None or not run.running or health is None or not health.failed:
            continue
        if run.id not in draft.stops:
            draft.notices.append(Notice("Killing", health.failed, container=name))
        grace = pod_grace(draft.view) if health.grace is None else health.grace
        _stop(draft, container, run, draft.view.now + grace)


def stop_outdated(draft: Draft) -> None:
    """Stop the runs whose image the pod has replaced since; another run follows."""
    spec = draft.view.pod.spec
    for container in (*filter(is_sidecar, spec.init_containers), *spec.containers):
        run = draft.runs.get(container.name)
        if run is None or not run.running or not is_outdated(container, run):
            continue
        if run.id not in draft.superseded:
            draft.superseded.add(run.id)
            text = f"Container {container.name} definition changed, will be restarted"
            draft.notices.append(Notice("Killing", text, container=container.name))
        _stop(draft, container, run, draft.view.now + pod_grace(draft.view))


def stop_all(draft: Draft, deadline: float) -> None:
    """Stop everything that runs by the deadline: sidecars after all others, the last first."""
    inits = {init.name for init in draft.view.pod.spec.init_containers}
    running = [
        (container, draft.runs[name])
        for name, container in _containers(draft.view).items()
        if name in draft.runs and draft.runs[name].running
    ]
    sidecars = [pair for pair in running if pair[0].name in inits and is_sidecar(pair[0])]
    others = [pair for pair in running if pair not in sidecars]
    due = running if draft.view.now >= deadline else others or sidecars[-1:]
    for container, run in due:
        if run.id not in draft.stops:
            draft.notices.append(
                Notice("Killing", f"Stopping container {container.name}", container=container.name)
            )
        _stop(draft, container, run, deadline)


def _containers(view: View) -> dict[str, Container]:
    return {container.name: container for container in every_container(view.pod.spec)}


def _stop(draft: Draft, container: Container, run: Run, deadline: float) -> None:
    now = draft.view.now
    stop = draft.stops.get(run.id, Stop(deadline))
    # After a hook the deadline may lie behind the pod's, by AFTER_HOOK; else the nearer wins.
    if not stop.hook_done:
        stop = replace(stop, deadline=min(stop.deadline, deadline))
    draft.stops[run.id] = stop
    if stop.deadline > now:
        draft.wakes.append(stop.deadline)
    if container.lifecycle.HasField("pre_stop") and not stop.hook_done and stop.deadline > now:
        draft.issue(RunPreStop(container.name, run.id, stop.deadline - now))
        return
    _signal(draft, container, run, stop.deadline)


def _signal(draft: Draft, container: Container, run: Run, deadline: float) -> None:
    now, stop = draft.view.now, draft.stops[run.id]
    if f"stop:{run.id}" not in draft.view.busy or stop.given is None:
        draft.stops[run.id] = replace(stop, given=max(deadline, now))
    else:
        # The runtime kills at the end of the grace that it was given. It is overtaken where
        # that is longer than what holds now, or where the engine hangs.
        due = deadline if deadline < stop.given else stop.given + OVERTAKE
        if now < due:
            draft.wakes.append(due)
            return
    draft.issue(StopContainer(container.name, run.id, max(deadline - now, 0.0)))
