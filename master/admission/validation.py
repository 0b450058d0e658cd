"""Whether an object may be stored: every fault as a cause with field, value and rule.

Both functions take objects that were defaulted and prepared by the strategy. They read only,
raise nothing whatever a message holds, and answer an empty list for a valid object. A part that
an update leaves as it is stored is not checked again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf.message import Message

from master.admission.rules import (
    admission_policies,
    api_services,
    autoscaling,
    certificates,
    claims,
    cluster,
    cron_jobs,
    daemons,
    data,
    definitions,
    disruption,
    drivers,
    endpoints,
    events,
    flows,
    ingresses,
    jobs,
    limits,
    persistent,
    pods,
    policies,
    priorities,
    quotas,
    records,
    roles,
    runtimes,
    services,
    stateful,
    storage_classes,
    webhooks,
    workloads,
)
from master.admission.rules.metadata import check_metadata, check_metadata_update
from pilothouse.objects.errors import Cause
from protos import events_v1_pb2
from protos.admissionregistration_v1_pb2 import (
    MutatingWebhookConfiguration,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
    ValidatingWebhookConfiguration,
)
from protos.apiextensions_v1_pb2 import CustomResourceDefinition
from protos.apiregistration_v1_pb2 import APIService
from protos.apps_v1_pb2 import (
    ControllerRevision,
    DaemonSet,
    Deployment,
    ReplicaSet,
    StatefulSet,
)
from protos.autoscaling_v2_pb2 import HorizontalPodAutoscaler
from protos.batch_v1_pb2 import CronJob, Job
from protos.certificates_v1_pb2 import CertificateSigningRequest
from protos.coordination_v1_pb2 import Lease
from protos.core_v1_pb2 import (
    ConfigMap,
    Endpoints,
    Event,
    LimitRange,
    Namespace,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    PodTemplate,
    ReplicationController,
    ResourceQuota,
    Secret,
    Service,
)
from protos.discovery_v1_pb2 import EndpointSlice
from protos.flowcontrol_v1_pb2 import FlowSchema, PriorityLevelConfiguration
from protos.networking_v1_pb2 import Ingress, IngressClass, NetworkPolicy
from protos.node_v1_pb2 import RuntimeClass
from protos.policy_v1_pb2 import PodDisruptionBudget
from protos.rbac_v1_pb2 import ClusterRole, ClusterRoleBinding, Role, RoleBinding
from protos.scheduling_v1_pb2 import PriorityClass
from protos.storage_v1_pb2 import (
    CSIDriver,
    CSINode,
    CSIStorageCapacity,
    StorageClass,
    VolumeAttachment,
)

# Any: each function takes its own message class, which the table's key tells.
_CREATE: Final[dict[type[Message], Callable[[Any, list[Cause]], None]]] = {
    Pod: pods.check_pod,
    Deployment: workloads.check_deployment,
    ReplicaSet: workloads.check_replica_set,
    ReplicationController: workloads.check_controller,
    PodTemplate: workloads.check_pod_template,
    StatefulSet: stateful.check_stateful_set,
    ControllerRevision: stateful.check_revision,
    DaemonSet: daemons.check_daemon_set,
    Job: jobs.check_job,
    CronJob: cron_jobs.check_cron_job,
    HorizontalPodAutoscaler: autoscaling.check_autoscaler,
    PodDisruptionBudget: disruption.check_budget,
    Service: services.check_service,
    EndpointSlice: endpoints.check_endpoint_slice,
    Endpoints: endpoints.check_endpoints,
    Ingress: ingresses.check_ingress,
    IngressClass: ingresses.check_ingress_class,
    NetworkPolicy: policies.check_network_policy,
    PersistentVolume: persistent.check_persistent_volume,
    PersistentVolumeClaim: claims.check_claim,
    ResourceQuota: quotas.check_quota,
    LimitRange: limits.check_limit_range,
    ConfigMap: data.check_config_map,
    Secret: data.check_secret,
    Node: cluster.check_node,
    Namespace: cluster.check_namespace,
    Event: events.check_event,
    Lease: records.check_lease,
    StorageClass: storage_classes.check_storage_class,
    CSIStorageCapacity: storage_classes.check_storage_capacity,
    CSIDriver: drivers.check_csi_driver,
    CSINode: drivers.check_csi_node,
    VolumeAttachment: drivers.check_volume_attachment,
    PriorityClass: priorities.check_priority_class,
    RuntimeClass: runtimes.check_runtime_class,
    FlowSchema: flows.check_flow_schema,
    PriorityLevelConfiguration: flows.check_priority_level,
    Role: roles.check_role,
    ClusterRole: roles.check_cluster_role,
    RoleBinding: roles.check_role_binding,
    ClusterRoleBinding: roles.check_cluster_role_binding,
    CertificateSigningRequest: certificates.check_request,
    APIService: api_services.check_api_service,
    CustomResourceDefinition: definitions.check_definition,
    MutatingWebhookConfiguration: webhooks.check_mutating,
    ValidatingWebhookConfiguration: webhooks.check_validating,
    ValidatingAdmissionPolicy: admission_policies.check_policy,
    ValidatingAdmissionPolicyBinding: admission_policies.check_binding,
}
_UPDATE: Final[dict[type[Message], Callable[[Any, Any, list[Cause]], None]]] = {
    Pod: pods.check_pod_update,
    Deployment: workloads.check_deployment_update,
    ReplicaSet: workloads.check_replica_set_update,
    ReplicationController: workloads.check_controller_update,
    StatefulSet: stateful.check_stateful_set_update,
    ControllerRevision: stateful.check_revision_update,
    DaemonSet: daemons.check_daemon_set_update,
    Job: jobs.check_job_update,
    CronJob: cron_jobs.check_cron_job_update,
    HorizontalPodAutoscaler: autoscaling.check_autoscaler_update,
    PodDisruptionBudget: disruption.check_budget_update,
    Service: services.check_service_update,
    EndpointSlice: endpoints.check_endpoint_slice_update,
    Endpoints: endpoints.check_endpoints_update,
    Ingress: ingresses.check_ingress_update,
    IngressClass: ingresses.check_ingress_class_update,
    NetworkPolicy: policies.check_network_policy_update,
    PersistentVolume: persistent.check_persistent_volume_update,
    PersistentVolumeClaim: claims.check_claim_update,
    ResourceQuota: quotas.check_quota_update,
    ConfigMap: data.check_config_map_update,
    Secret: data.check_secret_update,
    Node: cluster.check_node_update,
    Namespace: cluster.check_namespace_update,
    StorageClass: storage_classes.check_storage_class_update,
    CSIStorageCapacity: storage_classes.check_storage_capacity_update,
    CSIDriver: drivers.check_csi_driver_update,
    CSINode: drivers.check_csi_node_update,
    VolumeAttachment: drivers.check_volume_attachment_update,
    PriorityClass: priorities.check_priority_class_update,
    RuntimeClass: runtimes.check_runtime_class_update,
    RoleBinding: roles.check_role_binding_update,
    ClusterRoleBinding: roles.check_cluster_role_binding_update,
    CertificateSigningRequest: certificates.check_request_update,
    APIService: api_services.check_api_service_update,
    CustomResourceDefinition: definitions.check_definition_update,
    ValidatingAdmissionPolicy: admission_policies.check_policy_update,
    ValidatingAdmissionPolicyBinding: admission_policies.check_binding_update,
}

# Of subresources by which more may change than by an update of the object.
_PARTS: Final[dict[str, Callable[[Any, Any, list[Cause]], None]]] = {
    "ephemeralcontainers": pods.check_ephemeral_update,
}


def validate_create(obj: Message) -> list[Cause]:
    """The faults of a new object."""
    found: list[Cause] = []
    check_metadata(obj, _metadata(obj), found)
    _check_kind(obj, found)
    return found


def validate_update(new: Message, old: Message, subresource: str = "") -> list[Cause]:
    """The faults of an object that replaces `old`, and of the change itself."""
    found: list[Cause] = []
    metadata, before = _metadata(new), _metadata(old)
    if metadata != before:
        check_metadata(new, metadata, found)
        check_metadata_update(metadata, before, found)
    check = _PARTS.get(subresource) or _UPDATE.get(type(new))
    if check is not None:
        check(new, old, found)
    else:
        _check_kind(new, found)
    return found


def _check_kind(obj: Message, found: list[Cause]) -> None:
    """Service accounts, the one kind that is not in the table, have metadata rules only."""
    check = _CREATE.get(type(obj))
    if check is not None:
        check(obj, found)


def _metadata(obj: Any) -> Any:
    return obj.metadata


def validate_version(version: type[Message], new: Message, old: Message | None) -> list[Cause]:
    """The faults that only this version of the kind sees in a new object, or (`old`) a change."""
    found: list[Cause] = []
    if version is events_v1_pb2.Event and isinstance(new, Event):
        if old is None:
            events.check_new_event(new, found)
        elif isinstance(old, Event):
            events.check_event_change(new, old, found)
    return found
