"""What a write may touch: the parts of an object that its writer does not decide.

prepare_create and prepare_update run after defaulting and before validation, on the caller's
own copy. A create starts without status; an update keeps the stored status; a write to a
subresource keeps everything but the subresource's part. Every kind whose schema has the
subresource "status" is treated so. Who wrote an object, when, and its generation are the
server's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from google.protobuf.message import Message

from master.admission.defaults.cluster import KUBERNETES_FINALIZER
from master.admission.generation import is_another_desire, is_counted
from master.admission.qos import qos_class
from master.admission.service_patch import carry_allocations
from master.admission.strategies.certificates import create_request, date_conditions
from master.admission.strategies.cluster import follow_capacity
from master.admission.strategies.definitions import create_definition, update_definition
from master.admission.strategies.jobs import create_job
from master.admission.strategies.pods import complete_affinity, hold_back
from master.admission.strategies.services import create_api_service
from master.admission.strategies.storage import (
    create_claim,
    create_persistent_volume,
    date_phase,
    update_claim,
    update_persistent_volume,
)
from master.admission.strategies.workloads import (
    count_template,
    create_daemon_set,
    create_stateful_set,
    drop_max_unavailable,
)
from master.identity.user import User
from pilothouse.objects import kinds
from protos.admissionregistration_v1_pb2 import ValidatingAdmissionPolicy
from protos.apiextensions_v1_pb2 import CustomResourceDefinition
from protos.apiregistration_v1_pb2 import APIService
from protos.apps_v1_pb2 import DaemonSet, Deployment, StatefulSet
from protos.batch_v1_pb2 import Job
from protos.certificates_v1_pb2 import (
    CertificateSigningRequest,
    CertificateSigningRequestCondition,
    CertificateSigningRequestStatus,
)
from protos.core_v1_pb2 import (
    Namespace,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    PodSpec,
    Service,
)
from protos.meta_v1_pb2 import ObjectMeta
from protos.storage_v1_pb2 import VolumeAttachment

# Any: the concrete message classes, which share only Message, all have metadata.
Prepare = Callable[[Any], None]
PrepareUpdate = Callable[[Any, Any], None]


def prepare_create(obj: Message, uid: str = "", now: int = 0, author: User | None = None) -> None:
    """Drops what only the server writes, and writes it: `uid` and the time of creation, `now`
    in unix seconds, which the caller has from randomness and the clock; for a certificate
    signing request who asks, its `author`."""
    metadata = _metadata(obj)
    for name in ("uid", "resource_version", "self_link", "creation_timestamp"):
        metadata.ClearField(name)
    metadata.ClearField("generation")
    metadata.ClearField("deletion_timestamp")
    metadata.ClearField("deletion_grace_period_seconds")
    if uid:
        metadata.uid = uid
    if now:
        metadata.creation_timestamp.seconds = now
    if is_counted(obj):
        metadata.generation = 1
    _CREATE.get(type(obj), _create_any)(obj)
    if isinstance(obj, Pod):
        hold_back(obj, now)
    elif isinstance(obj, PersistentVolume):
        date_phase(obj, None, now)
    elif isinstance(obj, CertificateSigningRequest):
        create_request(obj, author)
    elif isinstance(obj, APIService):
        create_api_service(obj, now)
    elif isinstance(obj, CustomResourceDefinition):
        create_definition(obj, now)


def prepare_update(new: Message, old: Message, subresource: str = "", now: int = 0) -> None:
    """Makes `new` what the update, which happens `now` (unix seconds), may change of `old`.

    subresource: "", or one that is a part of the object.
    """
    if subresource:
        _SUBRESOURCES[subresource](new, old)
    else:
        _UPDATE.get(type(new), _update_any)(new, old)
    if isinstance(new, PersistentVolume) and isinstance(old, PersistentVolume):
        date_phase(new, old, now)
    if isinstance(new, CertificateSigningRequest) and isinstance(old, CertificateSigningRequest):
        date_conditions(new, old, now)
    _keep_identity(_metadata(new), _metadata(old))
    if subresource != "status" and is_another_desire(new, old):
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
    if pod.spec.HasField("affinity"):
        complete_affinity(pod)


def _create_any(obj: Any) -> None:
    if type(obj) in _REPORTED:
        obj.ClearField("status")


def _create_node(node: Node) -> None:
    """A node keeps the status that it registers with, as in Kubernetes."""


def _create_namespace(namespace: Namespace) -> None:
    namespace.ClearField("status")
    namespace.status.phase = "Active"
    if KUBERNETES_FINALIZER not in namespace.spec.finalizers:
        namespace.spec.finalizers.append(KUBERNETES_FINALIZER)


_CREATE: Final[dict[type[Message], Prepare]] = {
    Pod: _create_pod,
    Node: _create_node,
    Namespace: _create_namespace,
    PersistentVolume: create_persistent_volume,
    PersistentVolumeClaim: create_claim,
    StatefulSet: create_stateful_set,
    DaemonSet: create_daemon_set,
    Job: create_job,
}


# Update.


def _update_any(new: Any, old: Any) -> None:
    if type(new) in _REPORTED:
        _take(new, old, "status")


def _update_pod(new: Pod, old: Pod) -> None:
    """What a pod has from its class stays where its writer leaves it open."""
    _take(new, old, "status")
    for field in ("priority", "preemption_policy"):
        if not new.spec.HasField(field):
            _take(new.spec, old.spec, field)


def _update_stateful_set(new: StatefulSet, old: StatefulSet) -> None:
    _take(new, old, "status")
    drop_max_unavailable(new)


def _update_daemon_set(new: DaemonSet, old: DaemonSet) -> None:
    _take(new, old, "status")
    count_template(new, old)


def _update_service(new: Service, old: Service) -> None:
    _take(new, old, "status")
    carry_allocations(new.spec, old.spec)
    if old.spec.type == "LoadBalancer" and new.spec.type != "LoadBalancer":
        new.status.ClearField("load_balancer")


def _update_settled(new: Any, old: Any) -> None:
    """Of a kind whose spec is settled at its creation, or by the subresource "finalize"."""
    _take(new, old, "status")
    _take(new, old, "spec")


_UPDATE: Final[dict[type[Message], PrepareUpdate]] = {
    Pod: _update_pod,
    Service: _update_service,
    StatefulSet: _update_stateful_set,
    DaemonSet: _update_daemon_set,
    PersistentVolume: update_persistent_volume,
    PersistentVolumeClaim: update_claim,
    Namespace: _update_settled,
    CertificateSigningRequest: _update_settled,
    CustomResourceDefinition: update_definition,
}
# The kinds with a part that is reported rather than desired.
_REPORTED: Final = frozenset(k.message for k in kinds.every() if "status" in k.subresources)


# Subresources.


def _restore(new: Any, old: Any) -> None:
    """Takes everything from `old` but the request's preconditions, and who owns what: the
    writer decides that."""
    given = new.metadata
    kept = ObjectMeta(
        uid=given.uid,
        resource_version=given.resource_version,
        managed_fields=given.managed_fields,
    )
    new.CopyFrom(old)
    for name in ("uid", "resource_version", "managed_fields"):
        new.metadata.ClearField(name)
    new.metadata.MergeFrom(kept)


# Who reports on these does not touch their metadata, as in Kubernetes.
_STATUS_ALONE: Final = (APIService, ValidatingAdmissionPolicy, VolumeAttachment)


def _restore_but_notes(new: Any, old: Any) -> None:
    """As _restore, but labels and annotations stay those of the request."""
    notes = ObjectMeta(labels=new.metadata.labels, annotations=new.metadata.annotations)
    _restore(new, old)
    for name in ("labels", "annotations"):
        new.metadata.ClearField(name)
    new.metadata.MergeFrom(notes)


def _only_status(new: Any, old: Any) -> None:
    status = type(new.status)()
    status.CopyFrom(new.status)
    (_restore if isinstance(new, _STATUS_ALONE) else _restore_but_notes)(new, old)
    new.status.CopyFrom(status)
    if isinstance(new, Node):
        follow_capacity(new.status, old.status)
    if isinstance(new, Deployment):
        new.metadata.ClearField("labels")
        new.metadata.MergeFrom(ObjectMeta(labels=old.metadata.labels))
    if isinstance(new, Pod):
        new.status.qos_class = old.status.qos_class
    if isinstance(new, CertificateSigningRequest):
        _put_conditions(new, _with_approvals(new.status.conditions, old.status.conditions))


def _only_scale(new: Any, old: Any) -> None:
    replicas = new.spec.replicas
    _restore(new, old)
    new.spec.replicas = replicas


def _only_finalizers(new: Namespace, old: Namespace) -> None:
    finalizers = list(new.spec.finalizers)
    _restore(new, old)
    new.spec.finalizers[:] = finalizers


def _only_ephemeral(new: Pod, old: Pod) -> None:
    given = PodSpec(ephemeral_containers=new.spec.ephemeral_containers)
    _restore(new, old)
    new.spec.ClearField("ephemeral_containers")
    new.spec.MergeFrom(given)


# Who issues a certificate does not decide whether it may be issued.
_APPROVALS: Final = ("Approved", "Denied")
_Conditions = Sequence[CertificateSigningRequestCondition]


def _only_approval(new: CertificateSigningRequest, old: CertificateSigningRequest) -> None:
    given = CertificateSigningRequestStatus(conditions=new.status.conditions)
    _restore_but_notes(new, old)
    _put_conditions(new, _with_approvals(old.status.conditions, given.conditions))


def _with_approvals(conditions: _Conditions, approvals: _Conditions) -> _Conditions:
    """The conditions, but those that approve or deny are the others."""
    kept = [c for c in conditions if c.type not in _APPROVALS]
    return [*kept, *(c for c in approvals if c.type in _APPROVALS)]


def _put_conditions(request: CertificateSigningRequest, conditions: _Conditions) -> None:
    status = CertificateSigningRequestStatus(conditions=conditions)
    request.status.ClearField("conditions")
    request.status.MergeFrom(status)


_SUBRESOURCES: Final[dict[str, PrepareUpdate]] = {
    "status": _only_status,
    "scale": _only_scale,
    "finalize": _only_finalizers,
    "approval": _only_approval,
    "ephemeralcontainers": _only_ephemeral,
}
