"""The pod's quality of service class: Guaranteed, Burstable or BestEffort."""

from __future__ import annotations

from protos.core_v1_pb2 import Pod

_COUNTED = ("cpu", "memory")


def quality_class(pod: Pod) -> str:
    """As the API has it, or worked out by the same rule."""
    if pod.status.qos_class:
        return pod.status.qos_class
    stated = False
    guaranteed = True
    for container in (*pod.spec.init_containers, *pod.spec.containers):
        requests, limits = container.resources.requests, container.resources.limits
        for resource in _COUNTED:
            asked = requests[resource].string if resource in requests else ""
            limit = limits[resource].string if resource in limits else ""
            stated = stated or asked not in ("", "0") or limit not in ("", "0")
            guaranteed = guaranteed and limit != "" and asked in ("", limit)
    if not stated:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"
