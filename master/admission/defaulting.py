"""Fills in what an object's author left open, as Kubernetes 1.32 does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import Message

from master.admission.defaults.cluster import default_namespace, default_node, default_secret
from master.admission.defaults.pod import default_pod
from master.admission.defaults.service import default_endpoint_slice, default_service
from master.admission.defaults.workload import default_deployment, default_replica_set
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.core_v1_pb2 import Namespace, Node, Pod, Secret, Service
from protos.discovery_v1_pb2 import EndpointSlice

_DEFAULTS: Final[dict[type[Message], Callable[[Any], None]]] = {
    Pod: default_pod,
    Deployment: default_deployment,
    ReplicaSet: default_replica_set,
    Service: default_service,
    EndpointSlice: default_endpoint_slice,
    Secret: default_secret,
    Namespace: default_namespace,
    Node: default_node,
}


def apply_defaults(obj: Message) -> None:
    """Completes the caller's own copy of an object in place; doing it again changes nothing.

    Kinds without defaults of their own (config maps, service accounts, events, leases) stay as
    they are. It is called on creates and on updates, before the strategy.
    """
    default = _DEFAULTS.get(type(obj))
    if default is not None:
        default(obj)
