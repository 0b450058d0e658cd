"""What belongs to an object: the pods of a node, the replica sets of a deployment, …"""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message

from pilothouse.cli.targets import listed, owns
from pilothouse.client.aio import Client
from pilothouse.objects.selectors import LabelSelector
from pilothouse.printing.cells import pairs
from protos import meta_v1_pb2
from protos.apps_v1_pb2 import DaemonSet, Deployment, ReplicaSet, StatefulSet
from protos.batch_v1_pb2 import Job
from protos.core_v1_pb2 import (
    LimitRange,
    Namespace,
    Node,
    PersistentVolumeClaim,
    Pod,
    ReplicationController,
    ResourceQuota,
    Service,
)
from protos.discovery_v1_pb2 import EndpointSlice


async def related(client: Client, obj: Any) -> list[Any]:
    """What a description of the object needs besides it."""
    name, namespace = obj.metadata.name, obj.metadata.namespace
    match obj:
        case Node():
            return await listed(client, Pod, "", field_selector=f"spec.nodeName={name}")
        case Service():
            selector = f"kubernetes.io/service-name={name}"
            return await listed(client, EndpointSlice, namespace, label_selector=selector)
        case Deployment():
            return await _owned(client, obj, ReplicaSet)
        case ReplicaSet() | StatefulSet() | DaemonSet() | Job() | ReplicationController():
            return await _owned(client, obj, Pod)
        case Namespace():
            quotas = await listed(client, ResourceQuota, name)
            return [*quotas, *await listed(client, LimitRange, name)]
        case PersistentVolumeClaim():
            return await listed(client, Pod, namespace)
    return []


async def _owned(client: Client, owner: Any, kind: type[Message]) -> list[Any]:
    """Those of a kind that the owner's selector finds and that name it as an owner."""
    selector = owner.spec.selector
    given = isinstance(selector, meta_v1_pb2.LabelSelector)
    chosen = str(LabelSelector.of(selector)) if given else pairs(selector)
    found = await listed(client, kind, owner.metadata.namespace, label_selector=chosen)
    return [each for each in found if owns(owner, each)]
