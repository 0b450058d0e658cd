"""Defaults of deployments and replica sets, their pod templates included."""

from __future__ import annotations

from typing import Final

from master.admission.defaults.pod import default_pod_spec
from protos.apps_v1_pb2 import Deployment, DeploymentSpec, ReplicaSet
from protos.scalars_pb2 import IntOrString

_STRING: Final = 1


def default_deployment(deployment: Deployment) -> None:
    """One replica, rolling by quarters, ten old revisions, ten minutes to make progress."""
    spec = deployment.spec
    if not spec.HasField("replicas"):
        spec.replicas = 1
    _default_strategy(spec)
    if not spec.HasField("revision_history_limit"):
        spec.revision_history_limit = 10
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
