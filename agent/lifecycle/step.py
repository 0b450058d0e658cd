"""One step of a pod: what to do now, and its whole status."""

from __future__ import annotations

from agent.lifecycle import containers, phase, starting, stopping
from agent.lifecycle.conditions import conditions
from agent.lifecycle.draft import Draft
from agent.lifecycle.quality import quality_class
from agent.lifecycle.runs import ephemeral_containers, every_container
from agent.lifecycle.stamps import set_time
from agent.lifecycle.view import (
    Memory,
    Notice,
    RefreshVolumes,
    RemovePod,
    RemoveRun,
    Ruling,
    Step,
    View,
)
from agent.runtime.specs import ContainerID
from protos.core_v1_pb2 import Container, PodStatus

# Seconds for the containers of a pod that the node itself ends, as the kubelet gives.
RULED_GRACE = 1.0
_DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"


def step(view: View, memory: Memory) -> Step:
    """Decide. The same view and memory give the same step; taking it twice does no harm."""
    draft = Draft.of(view, memory)
    deleting = view.evicted or view.pod.metadata.HasField("deletion_timestamp")
    deadline = stopping.ending_deadline(view, memory) if deleting else None
    state = _progress(draft, ending=deleting)
    verdict = _terminal(view, deleting=deleting)
    _decide(draft, memory, state, deadline, terminal=verdict is not None)
    starting.note_restarts(draft)
    status = _status(draft, state, memory, verdict, deleting=deleting)
    return Step(
        actions=tuple(draft.actions),
        status=status,
        memory=Memory(
            failures=draft.failures,
            crashes=draft.crashes,
            stops=draft.stops,
            superseded=frozenset(draft.superseded),
            prepared=memory.prepared,
            seen=True,
            deadline=deadline,
            removed=memory.removed,
        ),
        notices=tuple(draft.notices),
        wake=min(draft.wakes, default=None),
        cancel=_pointless(draft, over=deleting or verdict is not None),
        probed={} if view.evicted else _probed(draft),
        ended=deleting and memory.removed,
    )


def _progress(draft: Draft, *, ending: bool) -> starting.Progress:
    started = frozenset(c.name for c in every_container(draft.view.pod.spec) if draft.started(c))
    return starting.progress(draft.view, draft.runs, started, ending=ending)


def _terminal(view: View, *, deleting: bool) -> PodStatus | None:
    """Phase, reason and message of a pod that has come to its end; it never leaves it."""
    if view.previous.phase in phase.TERMINAL:
        before = view.previous
        return PodStatus(phase=before.phase, reason=before.reason, message=before.message)
    if not deleting and view.ruling is not None:
        return PodStatus(phase="Failed", reason=view.ruling.reason, message=_told(view.ruling))
    if not deleting and _active_deadline(view) <= view.now:
        return PodStatus(phase="Failed", reason="DeadlineExceeded", message=_DEADLINE_MESSAGE)
    return None


def _told(ruling: Ruling) -> str:
    return ruling.message if ruling.disrupts else f"Pod was rejected: {ruling.message}"


def _active_deadline(view: View) -> float:
    spec = view.pod.spec
    if not spec.HasField("active_deadline_seconds") or not view.previous.HasField("start_time"):
        return float("inf")
    return view.previous.start_time.seconds + float(spec.active_deadline_seconds)


def _decide(
    draft: Draft,
    memory: Memory,
    state: starting.Progress,
    deadline: float | None,
    *,
    terminal: bool,
) -> None:
    view = draft.view
    if deadline is not None:
        _end(draft, memory, deadline)
    elif terminal or state.over:
        _announce(draft)
        grace = RULED_GRACE if view.ruling is not None else stopping.pod_grace(view)
        stopping.stop_all(draft, view.now + grace)
    else:
        stopping.stop_unhealthy(draft)
        stopping.stop_outdated(draft)
        starting.start_what_is_due(draft, state)
        _refresh(draft, memory)
        _clean(draft)
        _watch_active_deadline(draft)


def _announce(draft: Draft) -> None:
    view = draft.view
    if view.previous.phase in phase.TERMINAL:
        return
    if view.ruling is not None:
        draft.notices.append(Notice(view.ruling.reason, view.ruling.message, warning=True))
    elif _active_deadline(view) <= view.now:
        draft.notices.append(Notice("DeadlineExceeded", _DEADLINE_MESSAGE))


def _watch_active_deadline(draft: Draft) -> None:
    spec = draft.view.pod.spec
    if spec.HasField("active_deadline_seconds"):
        begun = draft.view.previous.start_time.seconds or draft.view.now
        draft.wakes.append(begun + spec.active_deadline_seconds)


def _end(draft: Draft, memory: Memory, deadline: float) -> None:
    if memory.removed:
        return
    if not draft.view.evicted:
        stopping.stop_all(draft, deadline)
        if any(run.running for run in draft.runs.values()):
            return
    # What was cut off with this step ends first: one task at a time works on a pod.
    if all(key.startswith("clean:") or key == "remove" for key in draft.view.busy):
        draft.issue(RemovePod())


def _refresh(draft: Draft, memory: Memory) -> None:
    sandbox = draft.view.sandbox
    if sandbox is not None and sandbox.ready and memory.prepared != draft.view.generation:
        draft.issue(RefreshVolumes())


def _clean(draft: Draft) -> None:
    for attempts in draft.view.runs.values():
        for replaced in attempts[:-1]:
            draft.issue(RemoveRun(replaced.id))


def _pointless(draft: Draft, *, over: bool) -> frozenset[str]:
    """What is under way for nothing: starts of a pod that ends, stops of what has ended."""
    busy = draft.view.busy
    if draft.view.evicted:
        return busy - {"remove"}
    running = {run.id for run in draft.runs.values() if run.running}
    ended = {key for key in busy if _subject(key) and _subject(key) not in running}
    starts = {key for key in busy if key == "sandbox" or key.startswith("start:")}
    return frozenset(ended | starts if over else ended)


def _subject(key: str) -> str:
    """The run that a stop, kill or hook is about; "" for another action."""
    kind, _, run = key.partition(":")
    return run if kind in ("stop", "kill", "hook") else ""


def _probed(draft: Draft) -> dict[str, ContainerID]:
    return {
        container.name: draft.runs[container.name].id
        for container in every_container(draft.view.pod.spec)
        if _has_probe(container)
        and container.name in draft.runs
        and draft.runs[container.name].running
        and f"start:{container.name}" not in draft.view.busy
    }


def _has_probe(container: Container) -> bool:
    return any(
        container.HasField(probe)
        for probe in ("startup_probe", "liveness_probe", "readiness_probe")
    )


def _status(
    draft: Draft,
    state: starting.Progress,
    memory: Memory,
    verdict: PodStatus | None,
    *,
    deleting: bool,
) -> PodStatus:
    view, spec = draft.view, draft.view.pod.spec
    over = deleting or verdict is not None or state.over
    inits = [
        containers.container_status(draft, c, state, init=True, over=over)
        for c in spec.init_containers
    ]
    mains = [
        containers.container_status(draft, c, state, init=False, over=over) for c in spec.containers
    ]
    status = PodStatus(qos_class=quality_class(view.pod))
    if verdict is not None:
        status.MergeFrom(verdict)
    else:
        status.phase = phase.phase(state, inits, mains, ending=deleting)
    status.conditions.extend(conditions(view, state, status.phase, inits, mains))
    if verdict is None or draft.runs or not _is_refused(view):
        status.init_container_statuses.extend(inits)
        status.container_statuses.extend(mains)
    status.ephemeral_container_statuses.extend(
        containers.ephemeral_status(draft, c, state) for c in ephemeral_containers(spec)
    )
    _set_addresses(view, status)
    return status


def _is_refused(view: View) -> bool:
    """It was never taken: nothing of it is said but that."""
    if view.previous.phase in phase.TERMINAL:
        return not view.previous.container_statuses
    return view.ruling is not None and not view.ruling.disrupts


def _set_addresses(view: View, status: PodStatus) -> None:
    if view.previous.HasField("start_time"):
        status.start_time.CopyFrom(view.previous.start_time)
    else:
        set_time(status.start_time, view.now)
    hosts = view.node.host_ips
    if hosts:
        status.host_ip = hosts[0]
        for address in hosts:
            status.host_ips.add(ip=address)
    address = _pod_address(view)
    if address:
        status.pod_ip = address
        status.pod_ips.add(ip=address)


def _pod_address(view: View) -> str:
    if view.sandbox is None or not view.sandbox.ready:
        return view.previous.pod_ip
    if view.pod.spec.host_network:
        return view.node.host_ips[0] if view.node.host_ips else ""
    return view.sandbox.ip
