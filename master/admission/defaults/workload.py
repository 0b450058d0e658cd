"""Defaults of what keeps pods running, pod templates included."""

from __future__ import annotations

from typing import Final

from master.admission.defaults.claim import default_claim
from master.admission.defaults.pod import default_pod_spec
from protos.apps_v1_pb2 import (
    DaemonSet,
    Deployment,
    DeploymentSpec,
    ReplicaSet,
    StatefulSet,
    StatefulSetSpec,
)
from protos.core_v1_pb2 import PodTemplate, ReplicationController
from protos.scalars_pb2 import IntOrString

_STRING: Final = 1
REVISIONS_KEPT: Final = 10


def default_deployment(deployment: Deployment) -> None:
    """One replica, rolling by quarters, ten old revisions, ten minutes to make progress."""
    spec = deployment.spec
    if not spec.HasField("replicas"):
        spec.replicas = 1
    _default_strategy(spec)
    if not spec.HasField("revision_history_limit"):
        spec.revision_history_limit = REVISIONS_KEPT
    if not spec.HasField("progress_deadline_seconds"):
        spec.progress_deadline_seconds = 600
    default_pod_spec(spec.template.spec)


def _default_strategy(spec: DeploymentSpec) -> None:
    strategy = spec.strategy
    if not strategy.type:
        strategy.type = "RollingUpdate"
    if strategy.type != "RollingUpdate":
        return
    rolling = strategy.rolling_update
    rolling.SetInParent()
    if not rolling.HasField("max_unavailable"):
        rolling.max_unavailable.CopyFrom(IntOrString(type=_STRING, str_val="25%"))
    if not rolling.HasField("max_surge"):
        rolling.max_surge.CopyFrom(IntOrString(type=_STRING, str_val="25%"))


def default_replica_set(replica_set: ReplicaSet) -> None:
    """One replica."""
    spec = replica_set.spec
    if not spec.HasField("replicas"):
        spec.replicas = 1
    default_pod_spec(spec.template.spec)


def default_controller(controller: ReplicationController) -> None:
    """One replica; its template's labels are its selector and its own labels."""
    spec = controller.spec
    if not spec.HasField("replicas"):
        spec.replicas = 1
    if not spec.HasField("template"):
        return
    labels = spec.template.metadata.labels
    if not spec.selector:
        spec.selector.update(labels)
    if not controller.metadata.labels:
        controller.metadata.labels.update(labels)
    default_pod_spec(spec.template.spec)


def default_pod_template(template: PodTemplate) -> None:
    """As in a workload."""
    default_pod_spec(template.template.spec)


def default_stateful_set(stateful_set: StatefulSet) -> None:
    """One replica, pods one after another, claims that outlive their pods."""
    spec = stateful_set.spec
    if not spec.HasField("replicas"):
        spec.replicas = 1
    spec.pod_management_policy = spec.pod_management_policy or "OrderedReady"
    if not spec.HasField("revision_history_limit"):
        spec.revision_history_limit = REVISIONS_KEPT
    _default_stateful_strategy(spec)
    retention = spec.persistent_volume_claim_retention_policy
    retention.when_deleted = retention.when_deleted or "Retain"
    retention.when_scaled = retention.when_scaled or "Retain"
    for claim in spec.volume_claim_templates:
        default_claim(claim)
    default_pod_spec(spec.template.spec)


def _default_stateful_strategy(spec: StatefulSetSpec) -> None:
    strategy = spec.update_strategy
    strategy.type = strategy.type or "RollingUpdate"
    if strategy.type == "RollingUpdate" and not strategy.rolling_update.HasField("partition"):
        strategy.rolling_update.partition = 0


def default_daemon_set(daemon_set: DaemonSet) -> None:
    """Node by node, the old pod first."""
    spec = daemon_set.spec
    strategy = spec.update_strategy
    strategy.type = strategy.type or "RollingUpdate"
    if strategy.type == "RollingUpdate":
        rolling = strategy.rolling_update
        if not rolling.HasField("max_unavailable"):
            rolling.max_unavailable.int_val = 1
        if not rolling.HasField("max_surge"):
            rolling.max_surge.int_val = 0
    if not spec.HasField("revision_history_limit"):
        spec.revision_history_limit = REVISIONS_KEPT
    default_pod_spec(spec.template.spec)
