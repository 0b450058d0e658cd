"""A pod's state in a word, as kubectl shows it."""

from __future__ import annotations

from pilothouse.cli.ages import age
from protos.core_v1_pb2 import ContainerState, Pod


def _is_sidecar(pod: Pod, name: str) -> bool:
    return any(c.name == name and c.restart_policy == "Always" for c in pod.spec.init_containers)


def pod_ready(pod: Pod) -> str:
    """Ready containers of all that run, sidecars included: 1/2."""
    sidecars = [s for s in pod.status.init_container_statuses if _is_sidecar(pod, s.name)]
    total = len(pod.spec.containers) + sum(
        c.restart_policy == "Always" for c in pod.spec.init_containers
    )
    ready = sum(s.ready for s in (*pod.status.container_statuses, *sidecars))
    return f"{ready}/{total}"


def pod_restarts(pod: Pod) -> str:
    """How often containers were restarted, and when last."""
    statuses = [*pod.status.container_statuses, *pod.status.init_container_statuses]
    total = sum(status.restart_count for status in statuses)
    ends = [s.last_state.terminated.finished_at for s in statuses]
    last = max((end for end in ends if end.seconds), key=lambda end: end.seconds, default=None)
    return f"{total} ({age(last)} ago)" if total and last is not None else str(total)


def _ended(state: ContainerState) -> str:
    terminated = state.terminated
    if terminated.reason:
        return str(terminated.reason)
    if terminated.signal:
        return f"Signal:{terminated.signal}"
    return f"ExitCode:{terminated.exit_code}"


def _initialising(pod: Pod) -> str | None:
    total = len(pod.spec.init_containers)
    for index, status in enumerate(pod.status.init_container_statuses):
        state = status.state
        if state.HasField("terminated") and not state.terminated.exit_code:
            continue
        if _is_sidecar(pod, status.name) and status.started:
            continue
        if state.HasField("terminated"):
            return f"Init:{_ended(state)}"
        if state.waiting.reason and state.waiting.reason != "PodInitializing":
            return f"Init:{state.waiting.reason}"
        return f"Init:{index}/{total}"
    return None


def pod_status(pod: Pod) -> str:
    """Running, Pending, CrashLoopBackOff, Init:0/2, Terminating, …"""
    reason = pod.status.reason or pod.status.phase
    for condition in pod.status.conditions:
        if condition.type == "PodScheduled" and condition.reason == "SchedulingGated":
            reason = "SchedulingGated"
    starting = _initialising(pod)
    reason = starting if starting is not None else _containers(pod, reason)
    if pod.metadata.HasField("deletion_timestamp"):
        return "Unknown" if pod.status.reason == "NodeLost" else "Terminating"
    return reason or "Unknown"


def _containers(pod: Pod, reason: str) -> str:
    running = False
    for status in reversed(pod.status.container_statuses):
        state = status.state
        if state.waiting.reason:
            reason = state.waiting.reason
        elif state.HasField("terminated"):
            reason = _ended(state)
        elif state.HasField("running") and status.ready:
            running = True
    if reason == "Completed" and running:
        ready = any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)
        return "Running" if ready else "NotReady"
    return reason
