"""What a write may touch: the parts of an object that its writer does not decide.

prepare_create and prepare_update run after defaulting and before validation, on the caller's
own copy. A create starts without status; an update keeps the stored status; a write to a
subresource keeps everything but the subresource's part. Who wrote an object, when, and its
generation are the server's.

Generation counts the desired states of the kinds whose controllers report the one that they
observed: 1 on create, one more with every change of what is desired. Pods, nodes and the other
kinds have none, as in Kubernetes 1.32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import Message

from master.admission.defaults.cluster import KUBERNETES_FINALIZER
from master.admission.qos import qos_class
from master.admission.service_patch import carry_allocations
from protos.apps_v1_pb2 import Deployment, ReplicaSet
from protos.core_v1_pb2 import Namespace, Node, Pod, Service
from protos.discovery_v1_pb2 import EndpointSlice
from protos.meta_v1_pb2 import ObjectMeta

# Any: the concrete message classes, which share only Message, all have metadata.
Prepare = Callable[[Any], None]
PrepareUpdate = Callable[[Any, Any], None]


def prepare_create(obj: Message) -> None:
    """Drops what only the server writes. uid and creation_timestamp are the caller's to set
    afterwards: they come from randomness and the clock."""
    metadata = _metadata(obj)
    for name in ("uid", "resource_version", "self_link", "creation_timestamp"):
        metadata.ClearField(name)
    metadata.ClearField("generation")
    metadata.ClearField("deletion_timestamp")
    metadata.ClearField("deletion_grace_period_seconds")
    prepare = _CREATE.get(type(obj))
    if prepare is not None:
        prepare(obj)


def prepare_update(new: Message, old: Message, subresource: str = "") -> None:
    """Makes `new` what the update may really change of `old`.

    subresource: "", "status", "scale", "finalize".
    """
    if subresource:
        _SUBRESOURCES[subresource](new, old)
    else:
        prepare = _UPDATE.get(type(new))
        if prepare is not None:
            prepare(new, old)
    _keep_identity(_metadata(new), _metadata(old))
    changed = _DESIRED_CHANGED.get(type(new))
    if changed is not None and changed(new, old):
        _metadata(new).generation += 1


def mark_deleted(obj: Message, now: int, grace_seconds: int) -> None:
    """Starts the object's end: it is to be gone `grace_seconds` after `now` (unix seconds).

    A second call may shorten the grace period, never lengthen it. The generation grows once,
    since a controller must do something else from here on.
    """
    metadata = _metadata(obj)
    if not metadata.HasField("deletion_timestamp"):
        if metadata.generation > 0:
            metadata.generation += 1
    elif metadata.deletion_grace_period_seconds <= grace_seconds:
        return
    metadata.deletion_timestamp.seconds = now + grace_seconds
    metadata.deletion_grace_period_seconds = grace_seconds


def _metadata(obj: Any) -> ObjectMeta:
    metadata: ObjectMeta = obj.metadata
    return metadata


def _keep_identity(new: ObjectMeta, old: ObjectMeta) -> None:
    """Fields that no update writes. A wrong uid is left standing: it is a precondition, and
    validation refuses it."""
    new.uid = new.uid or old.uid
    new.generation = old.generation
    new.self_link = old.self_link
    _take(new, old, "creation_timestamp")
    _take(new, old, "deletion_timestamp")
    _take(new, old, "deletion_grace_period_seconds")


def _take(new: Any, old: Any, field: str) -> None:
    """Sets the field of `new` to what `old` has, presence included."""
    if not old.HasField(field):
        new.ClearField(field)
        return
    value = getattr(old, field)
    if isinstance(value, Message):
        getattr(new, field).CopyFrom(value)
    else:
        setattr(new, field, value)


# Create.


def _create_pod(pod: Pod) -> None:
    pod.ClearField("status")
    pod.status.phase = "Pending"
    pod.status.qos_class = qos_class(pod.spec)


def _create_desired(obj: Any) -> None:
    obj.ClearField("status")
    obj.metadata.generation = 1


def _create_endpoint_slice(endpoints: EndpointSlice) -> None:
    endpoints.metadata.generation = 1


def _create_service(service: Service) -> None:
    service.ClearField("status")


def _create_namespace(namespace: Namespace) -> None:
    namespace.ClearField("status")
    namespace.status.phase = "Active"
    if KUBERNETES_FINALIZER not in namespace.spec.finalizers:
        namespace.spec.finalizers.append(KUBERNETES_FINALIZER)


# A node keeps the status that it registers with, as in Kubernetes.
_CREATE: Final[dict[type[Message], Prepare]] = {
    Pod: _create_pod,
    Deployment: _create_desired,
    ReplicaSet: _create_desired,
    EndpointSlice: _create_endpoint_slice,
    Service: _create_service,
    Namespace: _create_namespace,
}


# Update.


def _keep_status(new: Any, old: Any) -> None:
    _take(new, old, "status")


def _update_service(new: Service, old: Service) -> None:
    _take(new, old, "status")
    carry_allocations(new.spec, old.spec)
    if old.spec.type == "LoadBalancer" and new.spec.type != "LoadBalancer":
        new.status.ClearField("load_balancer")


def _update_namespace(new: Namespace, old: Namespace) -> None:
    _take(new, old, "status")
    _take(new, old, "spec")


_UPDATE: Final[dict[type[Message], PrepareUpdate]] = {
    Pod: _keep_status,
    Deployment: _keep_status,
    ReplicaSet: _keep_status,
    Node: _keep_status,
    Service: _update_service,
    Namespace: _update_namespace,
}


# Subresources.


def _restore(new: Any, old: Any) -> None:
    """Takes everything from `old` but the request's preconditions."""
    uid, version = new.metadata.uid, new.metadata.resource_version
    new.CopyFrom(old)
    new.metadata.uid = uid
    new.metadata.resource_version = version


def _only_status(new: Any, old: Any) -> None:
    status = type(new.status)()
    status.CopyFrom(new.status)
    _restore(new, old)
    new.status.CopyFrom(status)
    if isinstance(new, Pod):
        new.status.qos_class = old.status.qos_class


def _only_scale(new: Any, old: Any) -> None:
    replicas = new.spec.replicas
    _restore(new, old)
    new.spec.replicas = replicas


def _only_finalizers(new: Namespace, old: Namespace) -> None:
    finalizers = list(new.spec.finalizers)
    _restore(new, old)
    new.spec.finalizers[:] = finalizers


_SUBRESOURCES: Final[dict[str, PrepareUpdate]] = {
    "status": _only_status,
    "scale": _only_scale,
    "finalize": _only_finalizers,
}


# Generation.


def _spec_changed(new: Any, old: Any) -> bool:
    return bool(new.spec != old.spec)


def _deployment_changed(new: Deployment, old: Deployment) -> bool:
    return new.spec != old.spec or new.metadata.annotations != old.metadata.annotations


def _endpoints_changed(new: EndpointSlice, old: EndpointSlice) -> bool:
    if new.metadata.labels != old.metadata.labels or new.address_type != old.address_type:
        return True
    return new.endpoints != old.endpoints or new.ports != old.ports


_DESIRED_CHANGED: Final[dict[type[Message], Callable[[Any, Any], bool]]] = {
    Deployment: _deployment_changed,
    ReplicaSet: _spec_changed,
    EndpointSlice: _endpoints_changed,
}
