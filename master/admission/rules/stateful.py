"""Rules of stateful sets and of the revisions that controllers keep.

Kubernetes 1.32 checks neither the pod spec of a stateful set's template nor its claim templates
until pods and claims are made of them; neither is checked here.
"""

from __future__ import annotations

from typing import Final

from master.admission.faults import Path, forbidden, invalid, required, unsupported
from master.admission.rules.counts import (
    check_available,
    check_collisions,
    check_counts,
    check_not_negative,
    check_parts,
)
from master.admission.rules.metadata import IMMUTABLE, check_marks
from master.admission.rules.templates import check_endless, check_selected, check_selector
from pilothouse.objects.errors import Cause
from protos.apps_v1_pb2 import (
    ControllerRevision,
    StatefulSet,
    StatefulSetSpec,
    StatefulSetStatus,
    StatefulSetUpdateStrategy,
)

_SPEC: Final[Path] = ("spec",)
_STATUS: Final[Path] = ("status",)
_TEMPLATE: Final[Path] = ("spec", "template")
_MANAGEMENT: Final = frozenset({"OrderedReady", "Parallel"})
_RETENTION: Final = frozenset({"Delete", "Retain"})
# What an update may change; of the schema's fields.
_MUTABLE: Final = (
    "replicas",
    "template",
    "update_strategy",
    "min_ready_seconds",
    "ordinals",
    "persistent_volume_claim_retention_policy",
)
_ONLY: Final = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
    "'updateStrategy', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def check_stateful_set(stateful_set: StatefulSet, found: list[Cause]) -> None:
    """The spec of a stateful set."""
    spec = stateful_set.spec
    policy, here = spec.pod_management_policy, (*_SPEC, "podManagementPolicy")
    if not policy:
        found.append(required(here))
    elif policy not in _MANAGEMENT:
        found.append(invalid(here, policy, "must be 'OrderedReady' or 'Parallel'"))
    _check_strategy(spec.update_strategy, (*_SPEC, "updateStrategy"), found)
    _check_retention(spec, (*_SPEC, "persistentVolumeClaimRetentionPolicy"), found)
    check_counts(spec, ("replicas", "min_ready_seconds"), _SPEC, found)
    check_not_negative(spec.ordinals.start, (*_SPEC, "ordinals", "start"), found)
    check_selector(spec, "statefulset", found)
    check_selected(spec.template, spec.selector, _TEMPLATE, found)
    check_marks(spec.template.metadata, (*_TEMPLATE, "metadata"), found)
    check_endless(spec.template, "StatefulSet", _TEMPLATE, found)


def _check_strategy(strategy: StatefulSetUpdateStrategy, at: Path, found: list[Cause]) -> None:
    rolling, here = strategy.rolling_update, (*at, "rollingUpdate")
    if not strategy.type:
        found.append(required(at))
    elif strategy.type == "OnDelete":
        if strategy.HasField("rolling_update"):
            why = "only allowed for updateStrategy 'RollingUpdate'"
            found.append(invalid(here, rolling, why))
    elif strategy.type == "RollingUpdate":
        check_not_negative(rolling.partition, (*here, "partition"), found)
    else:
        found.append(invalid(at, strategy.type, "must be 'RollingUpdate' or 'OnDelete'"))


def _check_retention(spec: StatefulSetSpec, at: Path, found: list[Cause]) -> None:
    if not spec.HasField("persistent_volume_claim_retention_policy"):
        return
    policy = spec.persistent_volume_claim_retention_policy
    for name, value in (("whenDeleted", policy.when_deleted), ("whenScaled", policy.when_scaled)):
        if value not in _RETENTION:
            found.append(unsupported((*at, name), value, _RETENTION))


def check_stateful_set_update(new: StatefulSet, old: StatefulSet, found: list[Cause]) -> None:
    """What pods and claims are named and told by stays for good."""
    if new.spec != old.spec:
        check_stateful_set(new, found)
        changed = _fixed_changes(new.spec, old.spec)
        if changed:
            names = ", ".join(f"spec.{name}" for name in changed)
            found.append(forbidden(_SPEC, f"{_ONLY}; changed: {names}"))
    if new.status != old.status:
        _check_status(new.status, old.status, found)


def _fixed_changes(new: StatefulSetSpec, old: StatefulSetSpec) -> list[str]:
    return [
        field.json_name
        for field in StatefulSetSpec.DESCRIPTOR.fields
        if field.name not in _MUTABLE and getattr(new, field.name) != getattr(old, field.name)
    ]


def _check_status(new: StatefulSetStatus, old: StatefulSetStatus, found: list[Cause]) -> None:
    check_counts(new, ("replicas", "observed_generation"), _STATUS, found)
    parts = ("ready_replicas", "current_replicas", "updated_replicas", "available_replicas")
    check_parts(new, parts, _STATUS, found)
    check_available(new, "status.readyReplicas", _STATUS, found)
    check_collisions(new, old, _STATUS, found)


def check_revision(revision: ControllerRevision, found: list[Cause]) -> None:
    """A revision keeps what it is a revision of."""
    if not revision.data.raw:
        found.append(required(("data",), "data is mandatory"))
    check_not_negative(revision.revision, ("revision",), found)


def check_revision_update(
    new: ControllerRevision, old: ControllerRevision, found: list[Cause]
) -> None:
    """Its number may change when it is used again; what it keeps does not."""
    check_revision(new, found)
    if new.data != old.data:
        found.append(invalid(("data",), new.data.raw, IMMUTABLE))
