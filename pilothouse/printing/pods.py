"""A pod's state in a few words, as kubectl shows it, and its table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pilothouse.printing.ages import age, created
from pilothouse.printing.cells import NONE, condition
from pilothouse.printing.table import AGE, NAME, WIDE, Cell, Column, Printer, RowCondition
from protos.core_v1_pb2 import ContainerState, ContainerStatus, Pod
from protos.scalars_pb2 import Time

LOST = "NodeLost"  # the reason of a pod whose node is not heard of
ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class PodSummary:
    """`restarts` counts those of what now runs: init containers only while they do."""

    ready: int
    total: int
    status: str
    restarts: int
    last_restart: Time | None


@dataclass(frozen=True, slots=True)
class _Start:
    """How far the init containers are; `reason` is None once they are through."""

    reason: str | None
    ready: int
    statuses: tuple[ContainerStatus, ...]  # those looked at, up to the one that is waited for


def summary(pod: Pod) -> PodSummary:
    """What the columns Ready, Status and Restarts say."""
    sidecars = {c.name for c in pod.spec.init_containers if c.restart_policy == "Always"}
    start = _start(pod, sidecars)
    through = start.reason is None or condition(pod.status.conditions, "Initialized") == "True"
    main = pod.status.container_statuses if through else ()
    reason = start.reason or _phase(pod)
    ready = start.ready
    if through:
        reason = _running(pod, reason)
        ready += sum(_is_up(status) for status in main)
    counted = [s for s in start.statuses if not through or s.name in sidecars]
    restarts, last = _restarts((*counted, *main))
    total = len(pod.spec.containers) + len(sidecars)
    return PodSummary(ready, total, _ending(pod, reason), restarts, last)


def pod_status(pod: Pod) -> str:
    """Running, Pending, CrashLoopBackOff, Init:0/2, Terminating, …"""
    return summary(pod).status


def _phase(pod: Pod) -> str:
    for each in pod.status.conditions:
        if each.type == "PodScheduled" and each.reason == "SchedulingGated":
            return "SchedulingGated"
    return pod.status.reason or pod.status.phase


def _start(pod: Pod, sidecars: set[str]) -> _Start:
    statuses = pod.status.init_container_statuses
    ready = 0
    for index, status in enumerate(statuses):
        state = status.state
        if state.HasField("terminated") and not state.terminated.exit_code:
            continue
        if status.name in sidecars and status.started:
            ready += status.ready
            continue
        reason = _waiting(state) or f"{index}/{len(pod.spec.init_containers)}"
        return _Start(f"Init:{reason}", ready, tuple(statuses[: index + 1]))
    return _Start(None, ready, tuple(statuses))


def _waiting(state: ContainerState) -> str:
    if state.HasField("terminated"):
        return _ended(state)
    reason = state.waiting.reason
    return "" if reason == "PodInitializing" else reason


def _ended(state: ContainerState) -> str:
    terminated = state.terminated
    if terminated.reason:
        return terminated.reason
    if terminated.signal:
        return f"Signal:{terminated.signal}"
    return f"ExitCode:{terminated.exit_code}"


def _is_up(status: ContainerStatus) -> bool:
    state = status.state
    stopped = state.waiting.reason or state.HasField("terminated")
    return status.ready and state.HasField("running") and not stopped


def _running(pod: Pod, reason: str) -> str:
    """The first container that does not run says why; one that runs outweighs the completed."""
    statuses = pod.status.container_statuses
    for status in statuses:
        if status.state.waiting.reason:
            reason = status.state.waiting.reason
            break
        if status.state.HasField("terminated"):
            reason = _ended(status.state)
            break
    if reason == "Completed" and any(map(_is_up, statuses)):
        return "Running" if condition(pod.status.conditions, "Ready") == "True" else "NotReady"
    return reason


def _ending(pod: Pod, reason: str) -> str:
    if not pod.metadata.HasField("deletion_timestamp"):
        return reason
    if pod.status.reason == LOST:
        return "Unknown"
    return reason if pod.status.phase in ENDED else "Terminating"


def _restarts(statuses: Iterable[ContainerStatus]) -> tuple[int, Time | None]:
    total, last = 0, None
    for status in statuses:
        total += status.restart_count
        end = status.last_state.terminated.finished_at
        if end.seconds and (last is None or end.seconds > last.seconds):
            last = end
    return total, last


def _gates(pod: Pod) -> str:
    gates = pod.spec.readiness_gates
    if not gates:
        return NONE
    met = sum(condition(pod.status.conditions, g.condition_type) == "True" for g in gates)
    return f"{met}/{len(gates)}"


def _cells(pod: Pod, now: float) -> tuple[Cell, ...]:
    state = summary(pod)
    restarts = str(state.restarts)
    if state.restarts and state.last_restart is not None:
        restarts += f" ({age(state.last_restart, now)} ago)"
    address = pod.status.pod_ips[0].ip if pod.status.pod_ips else pod.status.pod_ip
    return (
        pod.metadata.name,
        f"{state.ready}/{state.total}",
        state.status,
        restarts,
        created(pod, now),
        address or NONE,
        pod.spec.node_name or NONE,
        pod.status.nominated_node_name or NONE,
        _gates(pod),
    )


_DONE = {
    "Succeeded": (
        RowCondition("Completed", "True", "Succeeded", "All containers ended without an error."),
    ),
    "Failed": (RowCondition("Completed", "True", "Failed", "A container ended with an error."),),
}


def _conditions(pod: Pod) -> tuple[RowCondition, ...]:
    return _DONE.get(pod.status.phase, ())


PRINTERS = {
    Pod: Printer(
        (
            NAME,
            Column("Ready", "How many of its containers are ready."),
            Column("Status", "What its containers are doing, in a word."),
            Column("Restarts", "How often containers were started again, and when last."),
            AGE,
            Column("IP", "The pod's address in the cluster.", priority=WIDE),
            Column("Node", "The node it is bound to.", priority=WIDE),
            Column(
                "Nominated Node", "The node that makes room for it by preemption.", priority=WIDE
            ),
            Column("Readiness Gates", "How many of its readiness gates are met.", priority=WIDE),
        ),
        _cells,
        _conditions,
    ),
}
