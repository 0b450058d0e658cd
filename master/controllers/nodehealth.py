"""What follows from a node's heartbeats: pure rules.

A node is lost when its lease was last renewed more than `lost_after` seconds ago, counted from
the start of this master at the earliest: after a master's own outage every node gets that long
to come back. A lost node's conditions turn Unknown and it is tainted unreachable; a node that
says itself that it is not ready is tainted not-ready. Pods leave by their tolerations.
"""

from __future__ import annotations

from collections.abc import Sequence

from master.controllers.ownership import copy_of
from pilothouse.objects.tolerations import tolerates
from protos.core_v1_pb2 import Node, Pod, Taint

UNREACHABLE = "node.kubernetes.io/unreachable"
NOT_READY = "node.kubernetes.io/not-ready"
PRESSURES = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
_OWN_TAINTS = frozenset({UNREACHABLE, NOT_READY, *PRESSURES.values()})
LOST_REASON = "NodeStatusUnknown"
LOST_MESSAGE = "The agent stopped sending heartbeats."


def readiness(node: Node) -> str:
    """The Ready condition's status; "Unknown" where there is none."""
    for condition in node.status.conditions:
        if condition.type == "Ready":
            status: str = condition.status
            return status
    return "Unknown"


def wanted_taints(node: Node, *, lost: bool, now: int) -> list[Taint]:
    """The node's taints as its health asks for; those of others stay as they are."""
    keys: list[tuple[str, str]] = []
    if lost:
        keys += [(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")]
    elif readiness(node) != "True":
        keys += [(NOT_READY, "NoSchedule"), (NOT_READY, "NoExecute")]
    for condition in node.status.conditions:
        key = PRESSURES.get(condition.type)
        if key and condition.status == "True":
            keys.append((key, "NoSchedule"))
    present = {(t.key, t.effect): t for t in node.spec.taints}
    taints = [t for t in node.spec.taints if t.key not in _OWN_TAINTS]
    for key, effect in keys:
        taint = present.get((key, effect))
        if taint is None:
            taint = Taint(key=key, effect=effect)
            if effect == "NoExecute":
                taint.time_added.seconds = now
        taints.append(taint)
    return taints


def with_unknown_conditions(node: Node, now: int) -> Node | None:
    """A copy in which every condition is Unknown; None where they are already."""
    if node.status.conditions and all(c.status == "Unknown" for c in node.status.conditions):
        return None
    copy: Node = copy_of(node)
    if not copy.status.conditions:
        copy.status.conditions.add(type="Ready", status="False")
    for condition in copy.status.conditions:
        if condition.status != "Unknown":
            condition.status = "Unknown"
            condition.reason, condition.message = LOST_REASON, LOST_MESSAGE
            condition.last_transition_time.Clear()
            condition.last_transition_time.seconds = now
    return copy


def with_not_ready(pod: Pod, now: int) -> Pod | None:
    """A copy that is not ready, for its node is lost; None where it says so already."""
    for index, condition in enumerate(pod.status.conditions):
        if condition.type == "Ready" and condition.status == "True":
            copy: Pod = copy_of(pod)
            changed = copy.status.conditions[index]
            changed.status, changed.reason = "False", "NodeLost"
            changed.message = f"Node {pod.spec.node_name} is lost: {LOST_MESSAGE}"
            changed.last_transition_time.Clear()
            changed.last_transition_time.seconds = now
            return copy
    return None


def eviction_time(pod: Pod, taints: Sequence[Taint]) -> float | None:
    """When the pod must leave (Unix seconds; 0: at once); None: it may stay.

    Of the tolerations that match a NoExecute taint the shortest tolerationSeconds counts, as in
    Kubernetes; without seconds the pod stays.
    """
    times = []
    for taint in taints:
        if taint.effect != "NoExecute":
            continue
        matching = [t for t in pod.spec.tolerations if tolerates(t, taint)]
        if not matching:
            return 0.0
        limits = [t.toleration_seconds for t in matching if t.HasField("toleration_seconds")]
        if limits:
            times.append(taint.time_added.seconds + max(min(limits), 0))
    return float(min(times)) if times else None
