"""Questions about a pod that several controllers ask."""

from __future__ import annotations

from protos.core_v1_pb2 import Pod, PodCondition


def condition(pod: Pod, type_: str) -> PodCondition | None:
    """The pod's condition of that type."""
    for found in pod.status.conditions:
        if found.type == type_:
            return found
    return None


def is_ready(pod: Pod) -> bool:
    """The Ready condition is True."""
    ready = condition(pod, "Ready")
    return ready is not None and ready.status == "True"


def ready_since(pod: Pod) -> int | None:
    """When the pod became ready (Unix seconds), None while it is not."""
    ready = condition(pod, "Ready")
    if ready is None or ready.status != "True":
        return None
    return ready.last_transition_time.seconds


def is_available(pod: Pod, min_ready_seconds: int, now: float) -> bool:
    """Ready for at least so long; Kubernetes' IsPodAvailable."""
    since = ready_since(pod)
    return since is not None and since + min_ready_seconds <= now


def is_terminating(pod: Pod) -> bool:
    """Marked for deletion."""
    return pod.metadata.HasField("deletion_timestamp")


def is_active(pod: Pod) -> bool:
    """Neither ended nor ending."""
    return pod.status.phase not in ("Succeeded", "Failed") and not is_terminating(pod)


def restarts(pod: Pod) -> int:
    """The most restarts of any container."""
    return max((c.restart_count for c in pod.status.container_statuses), default=0)
