"""Rules of deployments, replica sets and replication controllers."""

from __future__ import annotations

from typing import Final

from master.admission.faults import Path, forbidden, invalid, required, unsupported
from master.admission.rules.counts import (
    check_available,
    check_collisions,
    check_counts,
    check_not_negative,
    check_part,
    check_parts,
    check_share,
    share_of,
    shown_share,
)
from master.admission.rules.templates import (
    UNMATCHED,
    check_endless,
    check_same_selector,
    check_selected,
    check_selector,
    check_template,
)
from pilothouse.objects.errors import Cause
from protos.apps_v1_pb2 import (
    Deployment,
    DeploymentStatus,
    DeploymentStrategy,
    ReplicaSet,
    ReplicaSetStatus,
    RollingUpdateDeployment,
)
from protos.core_v1_pb2 import (
    PodTemplate,
    PodTemplateSpec,
    ReplicationController,
    ReplicationControllerSpec,
    ReplicationControllerStatus,
)
from protos.meta_v1_pb2 import LabelSelector

_SPEC: Final[Path] = ("spec",)
_STATUS: Final[Path] = ("status",)
_TEMPLATE: Final[Path] = ("spec", "template")
_STRATEGIES: Final = frozenset({"Recreate", "RollingUpdate"})


def check_deployment(deployment: Deployment, found: list[Cause]) -> None:
    """The spec of a deployment."""
    spec = deployment.spec
    check_not_negative(spec.replicas, (*_SPEC, "replicas"), found)
    check_selector(spec, "deployment", found)
    _check_template(spec.template, spec.selector, found)
    _check_strategy(spec.strategy, (*_SPEC, "strategy"), found)
    check_counts(spec, ("min_ready_seconds", "revision_history_limit"), _SPEC, found)
    if spec.HasField("progress_deadline_seconds"):
        deadline, here = spec.progress_deadline_seconds, (*_SPEC, "progressDeadlineSeconds")
        check_not_negative(deadline, here, found)
        if deadline <= spec.min_ready_seconds:
            found.append(invalid(here, deadline, "must be greater than minReadySeconds"))


def check_replica_set(replica_set: ReplicaSet, found: list[Cause]) -> None:
    """The spec of a replica set."""
    spec = replica_set.spec
    check_counts(spec, ("replicas", "min_ready_seconds"), _SPEC, found)
    check_selector(spec, "replicaset", found)
    _check_template(spec.template, spec.selector, found)


def check_deployment_update(new: Deployment, old: Deployment, found: list[Cause]) -> None:
    """The selector stays for good: pods are told by it."""
    if new.spec != old.spec:
        check_deployment(new, found)
        check_same_selector(new.spec.selector, old.spec.selector, found)
    if new.status != old.status:
        _check_deployment_status(new.status, old.status, found)


def check_replica_set_update(new: ReplicaSet, old: ReplicaSet, found: list[Cause]) -> None:
    """As for deployments."""
    if new.spec != old.spec:
        check_replica_set(new, found)
        check_same_selector(new.spec.selector, old.spec.selector, found)
    if new.status != old.status:
        _check_replicas(new.status, found)


def check_controller(controller: ReplicationController, found: list[Cause]) -> None:
    """The spec of a replication controller, whose selector is a plain map of labels."""
    spec = controller.spec
    check_counts(spec, ("min_ready_seconds", "replicas"), _SPEC, found)
    if not spec.selector:
        found.append(required((*_SPEC, "selector")))
    if not spec.HasField("template"):
        found.append(required(_TEMPLATE))
        return
    _check_chosen(spec, found)
    check_template(spec.template, _TEMPLATE, found)
    check_endless(spec.template, "ReplicationController", _TEMPLATE, found)


def check_controller_update(
    new: ReplicationController, old: ReplicationController, found: list[Cause]
) -> None:
    """Everything may change, the selector too."""
    if new.spec != old.spec:
        check_controller(new, found)
    if new.status != old.status:
        _check_replicas(new.status, found)


def check_pod_template(template: PodTemplate, found: list[Cause]) -> None:
    """A template on its own, which nobody makes pods of."""
    check_template(template.template, ("template",), found)


def _check_chosen(spec: ReplicationControllerSpec, found: list[Cause]) -> None:
    labels = dict(spec.template.metadata.labels)
    if any(labels.get(key) != value for key, value in spec.selector.items()):
        found.append(invalid((*_TEMPLATE, "metadata", "labels"), labels, UNMATCHED))


def _check_template(template: PodTemplateSpec, selector: LabelSelector, found: list[Cause]) -> None:
    check_selected(template, selector, _TEMPLATE, found)
    check_template(template, _TEMPLATE, found)
    check_endless(template, "ReplicaSet", _TEMPLATE, found)


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
    here = (*at, "maxUnavailable")
    check_share(rolling.max_unavailable, here, found)
    check_share(rolling.max_surge, (*at, "maxSurge"), found)
    unavailable = rolling.max_unavailable
    if share_of(unavailable) == 0 and share_of(rolling.max_surge) == 0:
        why = "may not be 0 when `maxSurge` is 0"
        found.append(invalid(here, shown_share(unavailable), why))
    check_part(unavailable, here, found)


def _check_deployment_status(
    new: DeploymentStatus, old: DeploymentStatus, found: list[Cause]
) -> None:
    counts = ("observed_generation", "replicas", "unavailable_replicas")
    check_counts(new, counts, _STATUS, found)
    parts = ("updated_replicas", "ready_replicas", "available_replicas")
    check_parts(new, parts, _STATUS, found)
    check_available(new, "readyReplicas", _STATUS, found)
    check_collisions(new, old, _STATUS, found)


def _check_replicas(
    new: ReplicaSetStatus | ReplicationControllerStatus, found: list[Cause]
) -> None:
    check_counts(new, ("observed_generation", "replicas"), _STATUS, found)
    parts = ("fully_labeled_replicas", "ready_replicas", "available_replicas")
    check_parts(new, parts, _STATUS, found)
    check_available(new, "readyReplicas", _STATUS, found)
