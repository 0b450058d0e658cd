"""What a delete does to an object: remove it now, or mark it as ending.

Follows Kubernetes: finalizers and a grace period keep an object until its owners are done;
the propagation policy becomes a finalizer that the garbage collector works off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from master.admission.strategy import mark_deleted
from master.api import refusals
from master.api.records import copy_of
from pilothouse.objects import kinds
from pilothouse.objects.errors import BadRequest, Conflict
from protos.core_v1_pb2 import Namespace, Pod
from protos.meta_v1_pb2 import DeleteOptions

ORPHAN: Final = "orphan"
FOREGROUND: Final = "foregroundDeletion"
_POLICIES: Final = {"Orphan": (ORPHAN,), "Background": (), "Foreground": (FOREGROUND,)}
_FINISHED: Final = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Removal:
    """`obj` is the last state: stored as it is, unless `now`, which removes it."""

    obj: Any
    now: bool


def removal(existing: Any, options: DeleteOptions, now: int) -> Removal:
    """What the delete does; `now` in Unix seconds. `existing` is not changed.

    Raises Conflict when a precondition does not hold, BadRequest for options that cannot be.
    """
    _require(existing, options)
    obj = copy_of(existing)
    obj.metadata.finalizers[:] = _finalizers(existing, options)
    grace = _grace(existing, options)
    if grace is not None:
        mark_deleted(obj, now, grace)
    if isinstance(obj, Namespace):
        obj.status.phase = "Terminating"
    if not finished(obj):
        return Removal(obj, now=False)
    # What goes at once was never marked as ending; a pod is, whatever its grace period.
    return Removal(obj if isinstance(obj, Pod) else existing, now=True)


def finished(obj: Any) -> bool:
    """Whether nothing keeps an ending object any more."""
    metadata = obj.metadata
    if not metadata.HasField("deletion_timestamp") or metadata.finalizers:
        return False
    if isinstance(obj, Namespace) and obj.spec.finalizers:
        return False
    return bool(metadata.deletion_grace_period_seconds == 0)


def _require(existing: Any, options: DeleteOptions) -> None:
    metadata, wanted = existing.metadata, options.preconditions
    if wanted.HasField("uid") and wanted.uid != metadata.uid:
        raise _unmet(existing, "UID", wanted.uid, metadata.uid, "deleted and then recreated")
    version = metadata.resource_version
    if wanted.HasField("resource_version") and wanted.resource_version != version:
        raise _unmet(existing, "ResourceVersion", wanted.resource_version, version, "modified")


def _unmet(existing: Any, what: str, wanted: str, found: str, happened: str) -> Conflict:
    why = (
        f"the {what} in the precondition ({wanted}) does not match the {what} in record ({found})."
        f" The object might have been {happened}"
    )
    return refusals.conflict(kinds.of(existing), existing.metadata.name, why)


def _finalizers(existing: Any, options: DeleteOptions) -> list[str]:
    policy = _policy(options)
    present = list(existing.metadata.finalizers)
    if policy is None:
        return present
    kept = [name for name in present if name not in (ORPHAN, FOREGROUND)]
    return [*kept, *_POLICIES[policy]]


def _policy(options: DeleteOptions) -> str | None:
    """None: as the object's finalizers already say; without any, in the background."""
    if options.HasField("propagation_policy"):
        policy = options.propagation_policy
        if options.HasField("orphan_dependents"):
            raise BadRequest("set propagationPolicy or orphanDependents, not both")
        if policy not in _POLICIES:
            allowed = ", ".join(sorted(_POLICIES))
            raise BadRequest(f'propagationPolicy: "{policy}" is not one of {allowed}')
        return policy
    if options.HasField("orphan_dependents"):
        return "Orphan" if options.orphan_dependents else "Background"
    return None


def _grace(existing: Any, options: DeleteOptions) -> int | None:
    """Seconds from now on; None: what was asked for before stands."""
    asked = options.grace_period_seconds if options.HasField("grace_period_seconds") else None
    if asked is not None and asked < 0:
        raise BadRequest(f"gracePeriodSeconds: {asked} is negative")
    if not isinstance(existing, Pod):
        return 0
    if not existing.spec.node_name or existing.status.phase in _FINISHED:
        return 0
    if asked is None and existing.metadata.HasField("deletion_timestamp"):
        return None
    return existing.spec.termination_grace_period_seconds if asked is None else asked
