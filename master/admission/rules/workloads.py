"""Rules of deployments and replica sets."""

from __future__ import annotations

from typing import Final

from master.admission.faults import Path, forbidden, invalid, required, unsupported
from master.admission.grammar import percent
from master.admission.rules.metadata import IMMUTABLE, NOT_NEGATIVE, check_marks
from master.admission.rules.pod_spec import check_pod_spec
from master.admission.rules.selectors import check_label_selector
from pilothouse.objects.errors import Cause
from protos.apps_v1_pb2 import (
    Deployment,
    DeploymentSpec,
    DeploymentStatus,
    DeploymentStrategy,
    ReplicaSet,
    ReplicaSetSpec,
    ReplicaSetStatus,
    RollingUpdateDeployment,
)
from protos.core_v1_pb2 import PodTemplateSpec
from protos.meta_v1_pb2 import LabelSelector
from protos.scalars_pb2 import IntOrString

_SPEC: Final[Path] = ("spec",)
_STRATEGIES: Final = frozenset({"Recreate", "RollingUpdate"})
_NUMBER, _STRING = 0, 1


def check_deployment(deployment: Deployment, found: list[Cause]) -> None:
    """The spec of a deployment."""
    spec = deployment.spec
    _check_not_negative(spec.replicas, (*_SPEC, "replicas"), found)
    _check_selector(spec, "deployment", found)
    _check_template(spec.template, spec.selector, found)
    _check_strategy(spec.strategy, (*_SPEC, "strategy"), found)
    _check_not_negative(spec.min_ready_seconds, (*_SPEC, "minReadySeconds"), found)
    _check_not_negative(spec.revision_history_limit, (*_SPEC, "revisionHistoryLimit"), found)
    if spec.HasField("progress_deadline_seconds"):
        deadline, here = spec.progress_deadline_seconds, (*_SPEC, "progressDeadlineSeconds")
        _check_not_negative(deadline, here, found)
        if deadline <= spec.min_ready_seconds:
            found.append(invalid(here, deadline, "must be greater than minReadySeconds"))


def check_replica_set(replica_set: ReplicaSet, found: list[Cause]) -> None:
    """The spec of a replica set."""
    spec = replica_set.spec
    _check_not_negative(spec.replicas, (*_SPEC, "replicas"), found)
    _check_not_negative(spec.min_ready_seconds, (*_SPEC, "minReadySeconds"), found)
    _check_selector(spec, "replicaset", found)
    _check_template(spec.template, spec.selector, found)


def check_deployment_update(new: Deployment, old: Deployment, found: list[Cause]) -> None:
    """The selector stays for good: pods are told by it."""
    if new.spec != old.spec:
        check_deployment(new, found)
        _check_same_selector(new.spec.selector, old.spec.selector, found)
    if new.status != old.status:
        _check_deployment_status(new.status, old.status, found)


def check_replica_set_update(new: ReplicaSet, old: ReplicaSet, found: list[Cause]) -> None:
    """As for deployments."""
    if new.spec != old.spec:
        check_replica_set(new, found)
        _check_same_selector(new.spec.selector, old.spec.selector, found)
    if new.status != old.status:
        _check_replica_set_status(new.status, found)


def _check_same_selector(new: LabelSelector, old: LabelSelector, found: list[Cause]) -> None:
    if new != old:
        found.append(invalid((*_SPEC, "selector"), new, IMMUTABLE))


def _check_not_negative(number: int, at: Path, found: list[Cause]) -> None:
    if number < 0:
        found.append(invalid(at, number, NOT_NEGATIVE))


def _check_selector(spec: DeploymentSpec | ReplicaSetSpec, kind: str, found: list[Cause]) -> None:
    at, selector = (*_SPEC, "selector"), spec.selector
    if not spec.HasField("selector"):
        found.append(required(at))
    elif not selector.match_labels and not selector.match_expressions:
        # It would adopt everything.
        found.append(invalid(at, selector, f"empty selector is invalid for {kind}"))
    check_label_selector(selector, at, found)


def _check_template(template: PodTemplateSpec, selector: LabelSelector, found: list[Cause]) -> None:
    at = (*_SPEC, "template")
    metadata = template.metadata
    check_marks(metadata, (*at, "metadata"), found)
    if not _selects(selector, dict(metadata.labels)):
        why = "`selector` does not match template `labels`"
        found.append(invalid((*at, "metadata", "labels"), dict(metadata.labels), why))
    spec, here = template.spec, (*at, "spec")
    check_pod_spec(spec, here, found)
    if spec.restart_policy not in ("Always", ""):
        found.append(unsupported((*here, "restartPolicy"), spec.restart_policy, {"Always"}))
    if spec.HasField("active_deadline_seconds"):
        why = "activeDeadlineSeconds in ReplicaSet is not Supported"
        found.append(forbidden((*here, "activeDeadlineSeconds"), why))
    if spec.ephemeral_containers:
        why = "ephemeral containers not allowed in pod template"
        found.append(forbidden((*here, "ephemeralContainers"), why))


def _selects(selector: LabelSelector, labels: dict[str, str]) -> bool:
    if any(labels.get(key) != value for key, value in selector.match_labels.items()):
        return False
    for requirement in selector.match_expressions:
        value = labels.get(requirement.key)
        present = value is not None
        chosen = {
            "In": present and value in requirement.values,
            "NotIn": not present or value not in requirement.values,
            "Exists": present,
            "DoesNotExist": not present,
        }
        if not chosen.get(requirement.operator, True):
            return False
    return True


def _check_strategy(strategy: DeploymentStrategy, at: Path, found: list[Cause]) -> None:
    rolling = strategy.HasField("rolling_update")
    if strategy.type == "Recreate":
        if rolling:
            why = "may not be specified when strategy `type` is 'Recreate'"
            found.append(forbidden((*at, "rollingUpdate"), why))
    elif strategy.type == "RollingUpdate":
        here = (*at, "rollingUpdate")
        if not rolling:
            why = "this should be defaulted and never be nil"
            found.append(required(here, why))
        else:
            _check_rolling(strategy.rolling_update, here, found)
    else:
        here = (*at, "type")
        kind = strategy.type
        found.append(unsupported(here, kind, _STRATEGIES) if kind else required(here))


def _check_rolling(rolling: RollingUpdateDeployment, at: Path, found: list[Cause]) -> None:
    _check_share(rolling.max_unavailable, (*at, "maxUnavailable"), found)
    _check_share(rolling.max_surge, (*at, "maxSurge"), found)
    unavailable = rolling.max_unavailable
    if _is_zero(unavailable) and _is_zero(rolling.max_surge):
        why = "may not be 0 when `maxSurge` is 0"
        found.append(invalid((*at, "maxUnavailable"), _shown(unavailable), why))
    if unavailable.type == _STRING and _share(unavailable) > 100:
        why = "must not be greater than 100%"
        found.append(invalid((*at, "maxUnavailable"), unavailable.str_val, why))


def _check_share(share: IntOrString, at: Path, found: list[Cause]) -> None:
    """A number of pods or a percentage of them."""
    if share.type == _NUMBER:
        _check_not_negative(share.int_val, at, found)
    elif share.type == _STRING:
        if (why := percent(share.str_val)) is not None:
            found.append(invalid(at, share.str_val, why))
    else:
        found.append(invalid(at, share.type, "must be an integer or percentage (e.g '5%%')"))


def _is_zero(share: IntOrString) -> bool:
    return _share(share) == 0


def _share(share: IntOrString) -> int:
    if share.type == _NUMBER:
        return share.int_val
    digits = share.str_val.removesuffix("%")
    return int(digits[-9:]) if digits.isdecimal() else -1


def _shown(share: IntOrString) -> str | int:
    return share.int_val if share.type == _NUMBER else share.str_val


def _check_deployment_status(
    new: DeploymentStatus, old: DeploymentStatus, found: list[Cause]
) -> None:
    at = ("status",)
    _check_not_negative(new.observed_generation, (*at, "observedGeneration"), found)
    counts = (
        ("updated_replicas", "updatedReplicas"),
        ("ready_replicas", "readyReplicas"),
        ("available_replicas", "availableReplicas"),
    )
    _check_not_negative(new.replicas, (*at, "replicas"), found)
    _check_not_negative(new.unavailable_replicas, (*at, "unavailableReplicas"), found)
    for field, name in counts:
        number = getattr(new, field)
        _check_not_negative(number, (*at, name), found)
        if number > new.replicas:
            found.append(invalid((*at, name), number, "cannot be greater than status.replicas"))
    if new.available_replicas > new.ready_replicas:
        why = "cannot be greater than readyReplicas"
        found.append(invalid((*at, "availableReplicas"), new.available_replicas, why))
    if old.HasField("collision_count") and new.collision_count < old.collision_count:
        why = "cannot be decremented"
        found.append(invalid((*at, "collisionCount"), new.collision_count, why))


def _check_replica_set_status(new: ReplicaSetStatus, found: list[Cause]) -> None:
    at = ("status",)
    _check_not_negative(new.observed_generation, (*at, "observedGeneration"), found)
    _check_not_negative(new.replicas, (*at, "replicas"), found)
    for field, name in (
        ("fully_labeled_replicas", "fullyLabeledReplicas"),
        ("ready_replicas", "readyReplicas"),
        ("available_replicas", "availableReplicas"),
    ):
        number = getattr(new, field)
        _check_not_negative(number, (*at, name), found)
        if number > new.replicas:
            found.append(invalid((*at, name), number, "cannot be greater than status.replicas"))
    if new.available_replicas > new.ready_replicas:
        why = "cannot be greater than readyReplicas"
        found.append(invalid((*at, "availableReplicas"), new.available_replicas, why))
