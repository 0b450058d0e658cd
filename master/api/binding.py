"""Binding: the one write that gives a pod its node."""

from __future__ import annotations

from master.api import refusals
from master.api.records import copy_of
from master.scheduler.binding import Binding
from pilothouse.objects import kinds
from pilothouse.objects.errors import BadRequest
from protos.core_v1_pb2 import Pod, PodStatus


def bound(existing: Pod, wanted: Binding, now: int) -> Pod:
    """The pod on its node, with the condition PodScheduled since `now` (Unix seconds).

    Conflict when it is another pod, is bound already (also to the same node) or is ending.
    """
    kind = kinds.of(existing)
    metadata = existing.metadata
    if not wanted.node:
        raise BadRequest("spec.nodeName: name the node to bind the pod to")
    if wanted.uid not in ("", metadata.uid):
        why = f"the UID in the precondition is {wanted.uid}, that of the object {metadata.uid}"
        raise refusals.conflict(kind, metadata.name, why)
    if metadata.HasField("deletion_timestamp"):
        why = "the pod is being deleted, it cannot be assigned to a node"
        raise refusals.conflict(kind, metadata.name, why)
    if existing.spec.node_name:
        why = f'the pod is already assigned to node "{existing.spec.node_name}"'
        raise refusals.conflict(kind, metadata.name, why)
    pod: Pod = copy_of(existing)
    pod.spec.node_name = wanted.node
    _mark_scheduled(pod.status, now)
    return pod


def _mark_scheduled(status: PodStatus, now: int) -> None:
    for condition in status.conditions:
        if condition.type == "PodScheduled":
            break
    else:
        condition = status.conditions.add(type="PodScheduled")
    if condition.status != "True":
        condition.status = "True"
        condition.last_transition_time.seconds = now
    condition.ClearField("reason")
    condition.ClearField("message")
