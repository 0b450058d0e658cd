"""The status of a deployment: counts, availability and progress, with Kubernetes' reasons."""

from __future__ import annotations

from collections.abc import Sequence

from master.controllers.ownership import copy_of
from master.controllers.replicas import REPLICA_FAILURE
from master.controllers.rolling import limits
from protos.apps_v1_pb2 import Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet

PROGRESSING = "Progressing"
AVAILABLE = "Available"

NEW_AVAILABLE = "NewReplicaSetAvailable"
UPDATED = "ReplicaSetUpdated"
CREATED = "NewReplicaSetCreated"
FOUND = "FoundNewReplicaSet"
DEADLINE = "ProgressDeadlineExceeded"
PAUSED = "DeploymentPaused"
RESUMED = "DeploymentResumed"
FAILED_CREATE = "ReplicaSetCreateError"


def condition(status: DeploymentStatus, type_: str) -> DeploymentCondition | None:
    """The condition of that type."""
    for found in status.conditions:
        if found.type == type_:
            return found
    return None


def is_complete(deployment: Deployment, status: DeploymentStatus) -> bool:
    """Every pod is of the newest revision, available, and there are no others."""
    wanted = deployment.spec.replicas
    return (
        status.updated_replicas == wanted
        and status.replicas == wanted
        and status.available_replicas == wanted
        and status.observed_generation >= deployment.metadata.generation
    )


def deployment_status(
    deployment: Deployment,
    new: ReplicaSet | None,
    replica_sets: Sequence[ReplicaSet],
    now: int,
    *,
    created: bool = False,
) -> DeploymentStatus:
    """The next status; `created`: the newest replica set was made in this reconciliation."""
    status: DeploymentStatus = copy_of(deployment.status)
    _count(status, deployment, new, replica_sets)
    _set_available(status, deployment, now)
    _set_progress(status, deployment, new, now, created=created)
    _set_failure(status, new, replica_sets, now)
    return status


def _count(
    status: DeploymentStatus,
    deployment: Deployment,
    new: ReplicaSet | None,
    replica_sets: Sequence[ReplicaSet],
) -> None:
    wanted = sum(rs.spec.replicas for rs in replica_sets)
    status.observed_generation = deployment.metadata.generation
    status.replicas = sum(rs.status.replicas for rs in replica_sets)
    status.updated_replicas = new.status.replicas if new is not None else 0
    status.ready_replicas = sum(rs.status.ready_replicas for rs in replica_sets)
    status.available_replicas = sum(rs.status.available_replicas for rs in replica_sets)
    status.unavailable_replicas = max(0, wanted - status.available_replicas)


def _set_available(status: DeploymentStatus, deployment: Deployment, now: int) -> None:
    least = deployment.spec.replicas - limits(deployment)[1]
    if status.available_replicas >= least:
        text = "Deployment has minimum availability."
        set_condition(status, AVAILABLE, "True", "MinimumReplicasAvailable", text, now)
    else:
        text = "Deployment does not have minimum availability."
        set_condition(status, AVAILABLE, "False", "MinimumReplicasUnavailable", text, now)


def _set_progress(
    status: DeploymentStatus,
    deployment: Deployment,
    new: ReplicaSet | None,
    now: int,
    *,
    created: bool,
) -> None:
    present = condition(status, PROGRESSING)
    if deployment.spec.paused:
        if present is None or present.reason != PAUSED:
            set_condition(status, PROGRESSING, "Unknown", PAUSED, "Deployment is paused", now)
        return
    if present is not None and present.reason == PAUSED:
        set_condition(status, PROGRESSING, "Unknown", RESUMED, "Deployment is resumed", now)
    name = f'ReplicaSet "{new.metadata.name}"' if new is not None else "Deployment"
    moved = _progressed(deployment.status, status) or created
    if is_complete(deployment, status):
        text = f"{name} has successfully progressed."
        set_condition(status, PROGRESSING, "True", NEW_AVAILABLE, text, now)
    elif moved or present is None or present.reason in (PAUSED, NEW_AVAILABLE):
        reason, verb = (CREATED, "Created new") if created else (UPDATED, "")
        text = (
            f"{verb} replica set {new.metadata.name!r}"
            if created and new
            else f"{name} is progressing."
        )
        set_condition(status, PROGRESSING, "True", reason, text, now, touch=True)
    elif _is_late(deployment, present, now):
        text = f"{name} has timed out progressing."
        set_condition(status, PROGRESSING, "False", DEADLINE, text, now)


def _set_failure(
    status: DeploymentStatus, new: ReplicaSet | None, replica_sets: Sequence[ReplicaSet], now: int
) -> None:
    """That a replica set cannot make its pods; the newest one's word comes first."""
    failures = [
        found
        for replica_set in (*([] if new is None else [new]), *replica_sets)
        for found in replica_set.status.conditions
        if found.type == REPLICA_FAILURE
    ]
    if failures:
        first = failures[0]
        set_condition(status, REPLICA_FAILURE, first.status, first.reason, first.message, now)
        return
    present = condition(status, REPLICA_FAILURE)
    if present is not None:
        status.conditions.remove(present)


def _progressed(old: DeploymentStatus, new: DeploymentStatus) -> bool:
    old_others = old.replicas - old.updated_replicas
    new_others = new.replicas - new.updated_replicas
    return (
        new.updated_replicas > old.updated_replicas
        or new_others < old_others
        or new.ready_replicas > old.ready_replicas
        or new.available_replicas > old.available_replicas
    )


def deadline_in(deployment: Deployment, status: DeploymentStatus, now: float) -> float | None:
    """Seconds until the rollout counts as stuck; None where it is done, paused or has none."""
    present = condition(status, PROGRESSING)
    if present is None or deployment.spec.paused or is_complete(deployment, status):
        return None
    if present.reason == DEADLINE or not deployment.spec.HasField("progress_deadline_seconds"):
        return None
    left = present.last_update_time.seconds + deployment.spec.progress_deadline_seconds - now
    return max(left, 0.0) + 1.0


def _is_late(deployment: Deployment, present: DeploymentCondition, now: int) -> bool:
    if present.reason == DEADLINE or not deployment.spec.HasField("progress_deadline_seconds"):
        return False
    end = present.last_update_time.seconds + deployment.spec.progress_deadline_seconds
    return bool(now >= end)


def set_condition(
    status: DeploymentStatus,
    type_: str,
    value: str,
    reason: str,
    message: str,
    now: int,
    *,
    touch: bool = False,
) -> None:
    """Set it; times change only with value or reason, or with `touch` the update time."""
    present = condition(status, type_)
    if present is not None and (present.status, present.reason) == (value, reason):
        present.message = message
        if touch:
            present.last_update_time.seconds = now
        return
    if present is None:
        present = status.conditions.add(type=type_)
    if present.status != value:
        present.last_transition_time.Clear()
        present.last_transition_time.seconds = now
    present.status, present.reason, present.message = value, reason, message
    present.last_update_time.Clear()
    present.last_update_time.seconds = now
